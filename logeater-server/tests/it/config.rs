//! The configuration file, through `logeater serve --check`, and what stands over it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

/// A folder with a configuration file.
struct Folder(TempDir);

impl Folder {
    fn new(config: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("logeater.toml", config);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Checks the file: the exit code, and what is said of it, with the file's name for its path.
    fn check(&self, arguments: &[&str]) -> (i32, String) {
        let output = check(&self.path("logeater.toml"), arguments);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let folder = format!("{}/", self.0.path().display());
        (output.status.code().unwrap(), said.replace(&folder, ""))
    }
}

fn check(config: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_logeater"))
        .args(["serve", "--check"])
        .args(arguments)
        .env("LOGEATER_CONFIG", config)
        .output()
        .unwrap()
}

/// What is said of a file with mistakes, without the heading.
#[track_caller]
fn mistakes(config: &str) -> String {
    let (code, said) = Folder::new(config).check(&[]);
    assert_eq!(code, 1, "{said}");
    said.strip_prefix("error: the configuration has mistakes:\n")
        .unwrap_or_else(|| panic!("{said}"))
        .to_owned()
}

/// The lines of what is said, from the place of each mistake on.
fn places(said: &str) -> Vec<&str> {
    said.lines()
        .map(|line| line.strip_prefix("logeater.toml:").unwrap_or(line))
        .collect()
}

#[test]
fn a_file_with_every_key_is_right() {
    let folder = Folder::new(
        r#"
        data = "data"
        catalog = "schemas"
        [listen]
        grpc = "127.0.0.1:50051"
        http = "[::1]:9464"
        [limits]
        queue_bytes = "64MiB"
        queue_requests = 8_192
        request_bytes = "4 MiB"
        request_entries = 0x100
        request_timeout = "30s"
        connections = 10000
        streams = 1024
        events_per_second = 50000
        drain_timeout = "1m 30s"
        [retention]
        age = "30d"
        size = "10GB"
        ballast = "0B"
        [tls]
        certificate = "server.pem"
        key = "server.key"
        client_ca = "server.pem"
        [[tokens]]
        name = "checkout"
        sha256 = "9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        events_per_second = 1000
        [[tokens]]
        name = "search"
        sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
        [sinks.archive]
        type = "jsonl"
        path = "archive"
        file_bytes = "64MiB"
        file_age = "1h"
        batch_rows = 500
        batch_bytes = "1MiB"
        batch_wait = "1s"
        workers = 1
        timeout = "1m"
        [sinks.console]
        type = "stdout"
        [[rules]]
        match = "cart.*"
        sample = 0.5
        sinks = ["archive"]
        filter = ".details.price |= . / 100"
        [[rules]]
        match = "debug.*"
        drop = true
        "#,
    );
    std::fs::create_dir(folder.path("schemas")).unwrap();
    folder.write(
        "schemas/cart.json",
        r#"{"version":1,"table":"cart","columns":[{"name":"event_id","type":"STRING","mode":"REQUIRED"},
        {"name":"cluster_key","type":"DATE","mode":"REQUIRED"}],"events":[]}"#,
    );
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    folder.write("server.pem", &params.self_signed(&key).unwrap().pem());
    folder.write("server.key", &key.serialize_pem());

    assert_eq!(
        folder.check(&[]),
        (0, "the configuration is right\n".to_owned())
    );
    assert!(!folder.path("data").exists(), "a check makes nothing");
}

#[test]
fn every_mistake_is_said_at_once_each_at_its_place_with_the_fix() {
    let said = mistakes(
        r#"catalogue = "schemas"
[limits]
queue_bytes = "64 megs"
queue_requests = "many"
request_bytes = "5MiB"
request_entries = 0
events_per_secnd = 5
drain_timeout = 10
colour = "red"
[listen]
grpc = "50051"
[retention]
age = "0s"
[[tokens]]
sha256 = "secret"
[tls]
certificate = "none.pem"
"#,
    );
    let expected = [
        "1:1: `data` is missing in the file",
        "1:1: unknown key `catalogue` in the file: did you mean `catalog`?",
        r#"3:15: `queue_bytes`: `64 megs` is not a size: write one such as "64MiB" or "10GB""#,
        "4:18: `queue_requests` is of type string: write a whole number from 1 to 1000000",
        "5:17: `request_bytes`: 5.0 MiB is not from 1 B to 4.0 MiB",
        "6:19: `request_entries`: 0 is not from 1 to 100000",
        "7:1: unknown key `events_per_secnd` in [limits]: did you mean `events_per_second`?",
        r#"8:17: `drain_timeout` is of type integer: write a length of time above zero, such as "10s" or "30d""#,
        "9:1: unknown key `colour` in [limits]: it has queue_bytes, queue_requests, request_bytes, request_entries, \
         request_timeout, connections, streams, events_per_second, drain_timeout",
        r#"11:8: `grpc`: `50051` is not an address with a port: write one such as "127.0.0.1:50051" or "[::]:50051""#,
        r#"13:7: `age`: `0s` is not a length of time above zero: write one such as "10s" or "30d""#,
        "14:1: `name` is missing in [[tokens]]",
        "15:10: `sha256`: it is not the SHA-256 of a token: write the 64 hex digits that `logeater token` prints",
        "16:1: `key` is missing in [tls]",
        "17:15: `certificate`: cannot read none.pem: No such file or directory (os error 2)",
    ];
    let said = places(&said);
    assert_eq!(said, expected);
}

#[test]
fn what_must_be_there_once_is_said_where_it_comes_again() {
    let said = mistakes(
        r#"data = "data"
[[tokens]]
name = "shop"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
[[tokens]]
name = "shop"
sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
[[tokens]]
name = "search"
sha256 = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
[sinks.archive]
type = "jsonl"
path = "archive"
[sinks.backup]
type = "jsonl"
path = "./archive/"
"#,
    );
    let said = places(&said);
    let expected = [
        "6:8: `name`: another token has the name `shop`: give each one of its own",
        "10:10: `sha256`: the token `shop` has it too: make one for each with `logeater token`",
        "16:8: `path`: the sink `archive` writes to this folder: give each one of its own",
    ];
    assert_eq!(said, expected);
}

#[test]
fn mistakes_in_sinks_and_rules_are_said_at_their_place_even_within_a_filter() {
    let said = mistakes(
        r#"data = "data"
[sinks.archive]
type = "jsonl"
pth = "archive"
[sinks.warehouse]
type = "bigqueri"
dataset = "events"
[sinks.console]
type = "stdout"
workers = 0
[[rules]]
match = "cart.{"
sample = 1.5
[[rules]]
match = "cart.*"
[[rules]]
match = "cart.*"
sinks = ["console", "archiv"]
filter = """
.details |
  nonsense(1)"""
[[rules]]
match = "*"
drop = "yes"
"#,
    );
    let said = places(&said);
    assert_eq!(
        said,
        [
            "2:1: `path` is missing in [sinks.archive]",
            "4:1: unknown key `pth` in [sinks.archive]: did you mean `path`?",
            r#"6:8: `type`: there is no sink `bigqueri`: write "bigquery", "jsonl" or "stdout""#,
            "10:11: `workers`: 0 is not from 1 to 1000",
            "12:9: `match`: `cart.{` is no pattern of event types: unclosed alternate group; missing '}' (maybe escape \
             '{' with '[{]'?); write for example `cart.*`",
            "13:10: `sample`: 1.5 is not from 0 to 1",
            "15:9: `match`: it does nothing: give the rule `drop`, `sample`, `sinks` or `filter`",
            "18:9: `sinks`: there is no [sinks.archiv]",
            "21:3: `filter`: the filter does not compile: undefined filter at `nonsense(1)`",
            "24:8: `drop` is of type string: write true or false",
        ]
    );
}

#[test]
fn what_is_no_toml_is_said_beside_the_mistakes_of_other_lines() {
    let said = mistakes("data = data\n[limits]\nstreams = 0\nä = [\"\n");
    let places: Vec<_> = said
        .lines()
        .map(|line| line.splitn(4, ':').take(3).collect::<Vec<_>>().join(":"))
        .collect();
    assert_eq!(places[0], "logeater.toml:1:8", "{said}");
    assert!(places.contains(&"logeater.toml:3:11".to_owned()), "{said}");
    assert!(!said.contains("missing"), "{said}");
}

#[test]
fn columns_count_characters() {
    let said = mistakes("data = \"d\"\n'ä' = 1\nlimits = { 'ö' = 1, streams = 0 }\n");
    assert!(
        said.contains("logeater.toml:3:31: `streams`: 0 is not from 1 to 100000\n"),
        "{said}"
    );
}

#[test]
fn a_catalog_with_a_mistake_is_said_at_the_key_that_names_it() {
    let folder = Folder::new("data = \"data\"\ncatalog = \"schemas\"\n");
    std::fs::create_dir(folder.path("schemas")).unwrap();
    folder.write("schemas/cart.json", "{");
    let (code, said) = folder.check(&[]);
    assert_eq!(code, 1);
    assert!(
        said.contains("logeater.toml:2:11: `catalog`: ") && said.contains("cart.json"),
        "{said}"
    );
}

#[test]
fn a_certificate_and_a_key_that_are_not_one_another_s_are_said() {
    let folder = Folder::new(
        "data = \"data\"\n[tls]\ncertificate = \"a.pem\"\nkey = \"b.key\"\nclient_ca = \"c.pem\"\n",
    );
    let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let pem = params.self_signed(&own).unwrap().pem();
    for (certificate, key, client_ca, place) in [
        (
            pem.as_str(),
            other.serialize_pem(),
            pem.as_str(),
            "4:7: `key`: ",
        ),
        (&pem, "no key".to_owned(), &pem, "4:7: `key`: "),
        (&pem, own.serialize_pem(), "", "5:13: `client_ca`: "),
        ("", own.serialize_pem(), &pem, "3:15: `certificate`: "),
    ] {
        folder.write("a.pem", certificate);
        folder.write("b.key", &key);
        folder.write("c.pem", client_ca);
        let (code, said) = folder.check(&[]);
        assert_eq!(code, 1);
        assert!(said.contains(&format!("logeater.toml:{place}")), "{said}");
        assert!(!said.contains("PRIVATE"), "{said}");
    }
}

#[test]
fn flags_and_variables_stand_over_the_file() {
    let folder = Folder::new("catalog = \"not there\"\n");
    let (code, said) = folder.check(&["--data", "elsewhere", "--catalog", "nor here"]);
    assert_eq!(code, 1);
    assert!(
        said.starts_with("error: no catalog at nor here: "),
        "{said}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_logeater"))
        .args(["serve", "--check"])
        .env("LOGEATER_CONFIG", folder.path("logeater.toml"))
        .env("LOGEATER_DATA", "elsewhere")
        .env("LOGEATER_CATALOG", "nor here either")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: no catalog at nor here either: "),
        "{said}"
    );
}

#[test]
fn a_rule_with_several_mistakes_says_all_of_them() {
    let said = mistakes(
        "data = \"data\"\n[[rules]]\nmatch = \"cart.[a\"\nsample = 7\nfilter = \".a | (\"\n",
    );
    let said = places(&said);
    let lines: Vec<_> = said.iter().map(|said| &said[..1]).collect();
    assert_eq!(lines, ["3", "4", "5"], "{said:?}");
}

#[test]
fn two_sinks_cannot_write_to_one_folder_whatever_it_is_called() {
    let sink =
        |name: &str, path: &str| format!("[sinks.{name}]\ntype = \"jsonl\"\npath = \"{path}\"\n");
    let text = [
        "data = \"data\"\n",
        &sink("archive", "archive"),
        &sink("backup", "./archive"),
        &sink("other", "sub/../archive"),
    ];
    let folder = Folder::new(&text.concat());
    for name in ["archive", "sub"] {
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_logeater"))
        .args(["serve", "--check", "--config", "logeater.toml"])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let of_folders = said.matches("writes to this folder").count();
    assert_eq!(of_folders, 2, "{said}");
}

#[test]
fn addresses_of_flags_and_variables_are_checked_too() {
    let folder = Folder::new("data = \"data\"\nlisten = { http = \"127.0.0.1:9\" }\n");
    let (code, said) = folder.check(&["--listen", "foo"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("no address with a port: write 127.0.0.1:50051 or [::]:50051"),
        "{said}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_logeater"))
        .args(["serve", "--check", "--data", "data"])
        .env("LOGEATER_LISTEN_HTTP", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (code, said) = folder.check(&["--listen", "127.0.0.1:9"]);
    assert_eq!(code, 1);
    assert_eq!(
        said,
        "error: gRPC and the pages cannot both listen on 127.0.0.1:9: give one of them another port\n"
    );
    let any_port = ["--listen", "127.0.0.1:0", "--listen-http", "127.0.0.1:0"];
    assert_eq!(folder.check(&any_port).0, 0);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = check(Path::new("/not/there.toml"), &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: cannot read the configuration /not/there.toml: "),
        "{said}"
    );
}

#[test]
fn a_new_token_is_printed_once_with_the_lines_that_the_file_needs() {
    let token = || {
        let output = Command::new(env!("CARGO_BIN_EXE_logeater"))
            .args(["token", r#"the "shop""#])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (said, other) = (token(), token());
    assert_ne!(said, other, "it is random");
    let (client, file) = said
        .split_once("# for the collector's configuration file\n")
        .unwrap();
    assert!(client.starts_with("# for the client; it is not shown again\n"));
    let config = format!("data = \"data\"\n{file}");
    let (code, said) = Folder::new(&config).check(&[]);
    assert_eq!(code, 0, "{said}");
}

/// The keys that the documentation has in this section, sorted.
fn documented(section: &str) -> Vec<String> {
    let page = include_str!("../../../docs/operating-the-collector.md");
    let table = page.split("## Every key").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|row| row.strip_prefix("| "));
    let names = rows.filter_map(|row| row.split(" | ").next());
    let mut within = "";
    let mut keys = Vec::new();
    for name in names {
        match name.strip_prefix("**`") {
            Some(header) => within = header.trim_end_matches("`**"),
            None if within == section && name.starts_with('`') => {
                keys.push(name.trim_matches('`').to_owned());
            }
            None => {}
        }
    }
    keys.sort();
    keys
}

#[test]
fn the_documentation_has_every_key_and_no_other() {
    for (section, header) in [
        ("", ""),
        ("[listen]", "[listen]"),
        ("[limits]", "[limits]"),
        ("[retention]", "[retention]"),
        ("[tls]", "[tls]"),
        ("[[tokens]]", "[[tokens]]"),
        ("[sinks.NAME]", "[sinks.a]\ntype = \"jsonl\""),
        ("[[rules]]", "[[rules]]"),
    ] {
        let mut known = known(header);
        if section.is_empty() {
            // The others are sections.
            known.retain(|key| ["catalog", "data"].contains(&&**key));
        }
        assert_eq!(documented(section), known, "{section}");
    }
}

#[cfg(feature = "bigquery")]
#[test]
fn the_documentation_has_every_key_of_the_sink_bigquery_and_no_other() {
    let of_all = documented("[sinks.NAME]");
    let mut known = known("[sinks.a]\ntype = \"bigquery\"");
    known.retain(|key| !of_all.contains(key));
    assert_eq!(documented("[sinks.NAME]` of `bigquery"), known);
}

/// The keys that a section with this header may have, sorted.
#[track_caller]
fn known(header: &str) -> Vec<String> {
    let said = mistakes(&format!("{header}\nzzz = 1\n"));
    let known = said
        .lines()
        .find_map(|line| Some(line.split_once(": it has ")?.1));
    let mut known: Vec<_> = known.unwrap().split(", ").map(str::to_owned).collect();
    known.sort_unstable();
    known
}

#[cfg(feature = "bigquery")]
#[test]
fn a_sink_bigquery_needs_a_place_and_takes_three_kinds_of_credentials_and_of_writing() {
    let folder = Folder::new(
        r#"
        data = "data"
        [sinks.default]
        type = "bigquery"
        project = "my-project"
        dataset = "logeater"
        [sinks.key]
        type = "bigquery"
        project = "my-project"
        dataset = "logeater"
        credentials = "key.json"
        endpoint = "https://bigquery.example.com"
        apply = false
        column_wait = "5m"
        [sinks.emulator]
        type = "bigquery"
        project = "local"
        dataset = "logeater"
        credentials = "none"
        endpoint = "http://127.0.0.1:9050"
        write = "storage_write"
        storage_endpoint = "http://127.0.0.1:9060"
        [sinks.once]
        type = "bigquery"
        project = "my-project"
        dataset = "logeater"
        write = "exactly_once"
        "#,
    );
    let (code, said) = folder.check(&[]);
    assert_eq!(code, 0, "{said}");
}

#[cfg(feature = "bigquery")]
#[test]
fn mistakes_in_a_sink_bigquery_are_said_at_their_place() {
    let said = mistakes(
        r#"data = "data"
[sinks.nowhere]
type = "bigquery"
dataset = "logeater"
[sinks.open]
type = "bigquery"
project = "my-project"
dataset = "logeater"
endpoint = "http://127.0.0.1:9050"
[sinks.named]
type = "bigquery"
project = "my-project"
dataset = "log-eater"
[sinks.twice]
type = "bigquery"
project = "my-project"
dataset = "logeater"
write = "twice"
[sinks.shown]
type = "bigquery"
project = "my-project"
dataset = "logeater"
write = "storage_write"
storage_endpoint = "http://127.0.0.1:9060"
[sinks.half]
type = "bigquery"
project = "local"
dataset = "logeater"
credentials = "none"
endpoint = "http://127.0.0.1:9050"
write = "exactly_once"
"#,
    );
    let credentials = "the application default credentials";
    assert_eq!(
        places(&said),
        [
            "2:1: `project` is missing in [sinks.nowhere]",
            &format!(
                "9:12: `endpoint`: `http://127.0.0.1:9050` would get {credentials} without encryption: \
                write https://, or \"none\" for the credentials of an emulator"
            ),
            "13:11: `dataset`: `log-eater` is no name of a dataset: it has letters, digits and underscores, at most 1,024",
            "18:9: `write`: `twice` is no way to write: \"insert_all\", \"storage_write\" or \"exactly_once\"",
            &format!(
                "24:20: `storage_endpoint`: `http://127.0.0.1:9060` would get {credentials} without encryption: \
                write https://, or \"none\" for the credentials of an emulator"
            ),
            "25:1: `storage_endpoint`: is needed beside `endpoint`, or rows would go to Google",
        ]
    );
}

#[cfg(not(feature = "bigquery"))]
#[test]
fn a_program_without_bigquery_says_which_feature_it_lacks() {
    let said = mistakes(
        r#"data = "data"
[sinks.warehouse]
type = "bigquery"
project = "my-project"
"#,
    );
    assert_eq!(
        places(&said),
        ["3:8: `type`: this program was built without the feature `bigquery`"]
    );
}

//! The program `logeater`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Folder, client, event};

fn serve(listen: &str, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_logeater"));
    command
        .args(["serve", "--listen", listen, "--data"])
        .arg(data);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("RUST_LOG");
    command
}

/// The line on stdout that says that it serves.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

fn stderr(child: &mut Child) -> String {
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// The client's connection needs a thread of its own while the test waits for the program.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_program_serves_until_a_signal_and_then_drains() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
        let mut child = serve("127.0.0.1:0", &folder.data())
            .arg("--catalog")
            .arg(folder.schemas())
            .spawn()
            .unwrap();
        let line = first_line(&mut child);
        let words = line
            .strip_prefix("logeater is listening on ")
            .and_then(|rest| rest.trim_end().split_once(", store "));
        let (address, store) = words.unwrap_or_else(|| panic!("{line}"));
        assert_eq!(Path::new(store), folder.data().join("logeater.db"));

        let mut client = client(&format!("http://{address}")).await;
        client
            .push(event("cart.add", r#"{"sku":"a secret"}"#))
            .await
            .unwrap();
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );

        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(folder.rows("SELECT sku FROM cart"), ["'a secret'"]);
        let log = stderr(&mut child);
        assert!(
            log.contains("stored=1") && !log.contains("a secret"),
            "{log}"
        );
    }
}

/// The address of the line on stderr that says that it serves.
fn said_address(log: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    let address = log.find_map(|line| {
        let line = line.unwrap();
        let rest = line.strip_prefix("logeater is listening on ")?;
        Some(rest.split_once(", store ")?.0.to_owned())
    });
    address.unwrap()
}

/// A program that is killed when the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn with_pages_a_second_line_says_where_they_are() {
    let folder = Folder::new();
    let child = serve("127.0.0.1:0", &folder.data())
        .args(["--listen-http", "127.0.0.1:0"])
        .spawn();
    let mut child = Killed(child.unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().starts_with("logeater is listening on 127.0.0.1:"));
    let pages = next();
    let address = pages
        .strip_prefix("logeater serves http://")
        .and_then(|rest| rest.strip_suffix("/metrics, /healthz, /readyz"));
    let address = address.unwrap_or_else(|| panic!("{pages}"));
    tokio::net::TcpStream::connect(address).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_sink_on_stdout_there_are_events_alone() {
    let folder = Folder::new();
    let file = folder.schemas().with_file_name("logeater.toml");
    std::fs::write(
        &file,
        "[sinks.console]\ntype = \"stdout\"\nbatch_wait = \"1ms\"\n",
    )
    .unwrap();
    let child = serve("127.0.0.1:0", &folder.data())
        .arg("--config")
        .arg(file)
        .spawn();
    let mut child = Killed(child.unwrap());
    let mut said = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let address = said_address(&mut said);
    let mut client = client(&format!("http://{address}")).await;
    client.push(event("cart.add", "{}")).await.unwrap();

    let first = first_line(&mut child.0);

    assert!(first.starts_with(r#"{"event_id":"#), "{first}");
}

#[test]
fn what_keeps_it_from_starting_is_one_line_and_exit_code_1() {
    let folder = Folder::new();
    std::fs::write(folder.data(), "a file").unwrap();
    for (mut command, line) in [
        (
            serve("127.0.0.1:0", &folder.data()),
            "error: cannot use the folder ",
        ),
        (
            serve("256.0.0.1:0", &folder.data()),
            "error: cannot listen on 256.0.0.1:0: ",
        ),
    ] {
        let mut child = command.spawn().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1));
        let log = stderr(&mut child);
        let errors: Vec<_> = log
            .lines()
            .filter(|logged| logged.starts_with("error: "))
            .collect();
        assert!(
            matches!(errors[..], [error] if error.starts_with(line)),
            "{log}"
        );
    }
}

#[test]
fn a_catalog_that_is_not_there_is_named() {
    let folder = Folder::new();
    let mut child = serve("127.0.0.1:0", &folder.data())
        .arg("--catalog")
        .arg(folder.schemas())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let log = stderr(&mut child);
    assert!(
        log.contains(&format!(
            "error: no catalog at {}",
            folder.schemas().display()
        )),
        "{log}"
    );
    assert!(!folder.data().exists(), "nothing was made");
}

#[test]
fn a_wrong_argument_is_exit_code_2() {
    let folder = Folder::new();
    let mut child = serve("127.0.0.1:0", &folder.data())
        .arg("--wrong")
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

/// Who does not read is tried several times; what waits for the first try is not written once it is given up.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_output_that_nobody_reads_is_written_to_by_one_try_at_a_time() {
    let folder = Folder::new();
    let config = folder.schemas().with_file_name("logeater.toml");
    let sink = "[sinks.out]\ntype = \"stdout\"\ntimeout = \"50ms\"\nbatch_wait = \"1ms\"\n";
    std::fs::write(&config, sink).unwrap();
    let mut child = serve("127.0.0.1:0", &folder.data())
        .arg("--config")
        .arg(config)
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = said_address(&mut log);

    // More than a pipe holds.
    let details = format!(r#"{{"text":"{}"}}"#, "a".repeat(500_000));
    let mut client = client(&format!("http://{address}")).await;
    client.push(event("cart.add", &details)).await.unwrap();
    assert!(log.any(|line| line.unwrap().contains("failures=4")));
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
    assert!(sent.unwrap().success());
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    let tries = text.matches("event_id").count();
    assert!((1..=2).contains(&tries), "{tries}");
}

#[cfg(unix)]
#[test]
fn who_asks_for_tokens_without_tls_is_told_that_others_can_read_them() {
    for (listen, is_told) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let folder = Folder::new();
        let config = folder.schemas().with_file_name("logeater.toml");
        let sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        let token = format!("[[tokens]]\nname = \"checkout\"\nsha256 = \"{sha256}\"\n");
        std::fs::write(&config, token).unwrap();
        let mut command = serve(listen, &folder.data());
        let mut child = command.arg("--config").arg(config).spawn().unwrap();
        let line = first_line(&mut child);
        assert!(line.starts_with("logeater is listening on "), "{line}");
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.unwrap().success());
        let log = stderr(&mut child);
        assert!(child.wait().unwrap().success(), "{log}");
        let told = log.contains("tokens come without TLS");
        assert_eq!(told, is_told, "{listen}: {log}");
    }
}

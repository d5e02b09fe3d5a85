//! What the variables set, and what is said about one that cannot work.

use super::*;

/// The variable of each pair is set so.
fn lookup(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
    |name| {
        let pair = pairs.iter().find(|(set, _)| *set == name);
        pair.map(|(_, value)| value.into())
    }
}

fn shown(pairs: &[(&str, &str)]) -> String {
    format!("{:?}", builder(lookup(pairs)).unwrap())
}

/// What is wrong with one variable beside those that must be set.
fn refusal(name: &str, value: &str) -> String {
    let pairs = [(name, value), (ENDPOINT, "http://a:1"), (SERVICE, "s")];
    client(lookup(&pairs)).unwrap_err().to_string()
}

#[test]
fn each_variable_sets_what_a_method_of_the_builder_does() {
    let variables = [
        (ENDPOINT, "http://a:1, http://b:2"),
        (SERVICE, "checkout"),
        (TOKEN, "open-sesame"),
        (COMPRESSION, "none"),
        (TIMEOUT, "3s"),
        (RETRY_FOR, "2h"),
        (LINGER, "250ms"),
        (BUFFER_BYTES, "4000000"),
        (SAMPLE, "page.view=0.1, search.* = 0.01"),
        (SPOOL, "/var/lib/logeater"),
        (SPOOL_BYTES, "5000000000"),
        (DISABLED, "0"),
    ];
    let by_hand = Client::builder("http://a:1")
        .endpoint("http://b:2")
        .service("checkout")
        .token("open-sesame")
        .timeout(Duration::from_secs(3))
        .retry_for(Duration::from_hours(2))
        .linger(Duration::from_millis(250))
        .buffer_bytes(4_000_000)
        .sample("page.view", 0.1)
        .sample("search.*", 0.01)
        .spool("/var/lib/logeater")
        .spool_bytes(5_000_000_000);
    assert_eq!(shown(&variables), format!("{by_hand:?}"));
}

#[test]
fn what_is_not_set_or_empty_has_its_default() {
    let empty = [
        TOKEN,
        CA,
        CERT,
        KEY,
        COMPRESSION,
        TIMEOUT,
        LINGER,
        DISABLED,
        SERVICE,
    ];
    let mut variables = vec![(ENDPOINT, "http://a:1")];
    variables.extend(empty.map(|name| (name, "")));
    assert_eq!(
        shown(&variables),
        format!("{:?}", Client::builder("http://a:1"))
    );
}

#[test]
fn a_client_that_is_disabled_needs_nothing_else() {
    for variables in [
        &[(DISABLED, "1")][..],
        &[(DISABLED, "true"), (ENDPOINT, "nonsense")],
    ] {
        assert!(client(lookup(variables)).is_ok());
        assert!(builder(lookup(variables)).unwrap().build().is_ok());
    }
}

#[test]
fn what_must_be_set_is_named() {
    let no_endpoint = client(lookup(&[(SERVICE, "s")])).unwrap_err();
    assert_eq!(
        no_endpoint.to_string(),
        "`LOGEATER_ENDPOINT`: it is not set; set it to the server's URL, such as http://127.0.0.1:50051, \
         or LOGEATER_DISABLED=1"
    );
    let no_service = client(lookup(&[(ENDPOINT, "http://a:1")])).unwrap_err();
    assert_eq!(
        no_service.to_string(),
        "`LOGEATER_SERVICE`: it is not set; name the program that sends, such as checkout"
    );
}

#[test]
fn a_variable_that_cannot_work_is_named_with_its_value_and_the_fix() {
    const NO_TIME: &str =
        "it is no time; write a whole number and ms, s, m or h, such as 250ms or 10s";
    for (name, value, expected) in [
        (
            TIMEOUT,
            "0s",
            "`LOGEATER_TIMEOUT=0s`: no request can be answered in no time",
        ),
        (
            BUFFER_BYTES,
            "8MB",
            "`LOGEATER_BUFFER_BYTES=8MB`: it is no number of bytes; write it in digits alone",
        ),
        (
            BUFFER_BYTES,
            "0",
            "`LOGEATER_BUFFER_BYTES=0`: a buffer of no bytes holds no event",
        ),
        (
            SAMPLE,
            "page.view:0.1",
            "`LOGEATER_SAMPLE=page.view:0.1`: it is no list of shares; write it as page.view=0.1,search.*=0.01",
        ),
        (
            SAMPLE,
            "page.view=10",
            "`LOGEATER_SAMPLE=page.view=10`: 10 of `page.view` is no share; write a number from 0 (none) to 1 (all)",
        ),
        (
            SPOOL_BYTES,
            "0",
            "`LOGEATER_SPOOL_BYTES=0`: a spool of no bytes keeps no batch",
        ),
        (
            SPOOL,
            "Cargo.toml",
            "`LOGEATER_SPOOL=Cargo.toml`: Cargo.toml: it is no folder; remove it, or name another",
        ),
        (
            COMPRESSION,
            "brotli",
            "`LOGEATER_COMPRESSION=brotli`: it is none of gzip, zstd and none",
        ),
        (
            DISABLED,
            "yes",
            "`LOGEATER_DISABLED=yes`: it is neither 1 nor 0",
        ),
        (
            TOKEN,
            "two words",
            "`LOGEATER_TOKEN`: it has other characters than visible ASCII, or white space",
        ),
    ] {
        assert_eq!(refusal(name, value), expected);
    }
    for wrong in [
        "10",
        "s",
        "-1s",
        "1.5s",
        "1d",
        "1 s",
        "99999999999999999999s",
        "18446744073709551615h",
    ] {
        assert_eq!(
            refusal(LINGER, wrong),
            format!("`LOGEATER_LINGER={wrong}`: {NO_TIME}")
        );
    }
    let one_wrong = [(ENDPOINT, "http://a:1,u:secret@b:2"), (SERVICE, "s")];
    assert_eq!(
        client(lookup(&one_wrong)).unwrap_err().to_string(),
        "`LOGEATER_ENDPOINT=…@b:2`: it has no scheme; write http://HOST:PORT"
    );
}

#[test]
fn a_spool_is_of_one_kind() {
    let spool_first = [(ENDPOINT, "http://a:1"), (SPOOL_FIRST, "/spool")];
    let by_hand = Client::builder("http://a:1").spool_first("/spool");
    assert_eq!(shown(&spool_first), format!("{by_hand:?}"));
    let both = [spool_first[0], spool_first[1], (SPOOL, "/spool")];
    assert_eq!(
        client(lookup(&both)).unwrap_err().to_string(),
        "`LOGEATER_SPOOL_FIRST`: it is set, and LOGEATER_SPOOL is; set one of the two"
    );
}

#[cfg(not(feature = "tls"))]
#[test]
fn what_needs_tls_says_so() {
    for name in [CA, CERT, KEY] {
        let expected = "it needs the feature `tls` of logeater-client; \
             write logeater-client = { features = [\"tls\"], … } in Cargo.toml";
        assert_eq!(refusal(name, "p"), format!("`{name}=p`: {expected}"));
    }
}

#[cfg(not(feature = "gzip"))]
#[test]
fn what_needs_gzip_says_so() {
    let refusal = refusal(COMPRESSION, "gzip");
    assert!(
        refusal.starts_with(
            "`LOGEATER_COMPRESSION=gzip`: it needs the feature `gzip` of logeater-client"
        ),
        "{refusal}"
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_no_value() {
    use std::os::unix::ffi::OsStringExt;
    let error = client(|_| Some(OsString::from_vec(vec![0xff]))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`LOGEATER_DISABLED`: its value is no UTF-8"
    );
}

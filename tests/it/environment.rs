//! A client that is set up by the environment of its process alone.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use logeater_client::Client;
use tonic::Status;
use tonic::codec::CompressionEncoding;

use crate::support::{Authority, Front, Order, Peer};

const PATIENCE: Duration = Duration::from_secs(30);

/// The process with variables of its own that the others start.
#[test]
#[ignore = "other tests run it"]
fn process() {
    let report = match Client::from_env() {
        Err(error) => error.to_string(),
        Ok(client) => {
            for number in 0..2 {
                client.emit(Order { number });
                client.flush_blocking(PATIENCE).unwrap();
            }
            let report = client.shutdown_blocking(PATIENCE);
            format!("{} of {}", report.delivered, report.emitted)
        }
    };
    std::fs::write(std::env::var_os("REPORT").unwrap(), report).unwrap();
}

/// What a process with these variables says: how many of its events were delivered, or why it has no client.
fn report(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let others = std::env::vars_os().filter(|(name, _)| {
        let ours = name
            .to_str()
            .is_some_and(|name| name.starts_with("LOGEATER_"));
        !ours
    });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "environment::process"])
        .env_clear()
        .envs(others)
        .env("REPORT", &report)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    std::fs::read_to_string(report).unwrap()
}

/// Writes a file, and gives its path.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A server that wants everything that the environment can give.
fn closed(authority: &Authority) -> Peer {
    let front = Front::default()
        .tls(authority.closed_server("127.0.0.1"))
        .accept(CompressionEncoding::Gzip)
        .on_head(|head| {
            let text = |key| {
                head.get(key)
                    .map(|value| value.to_str().unwrap().to_owned())
            };
            let seen = ["authorization", "grpc-encoding", "grpc-timeout"].map(text);
            let wanted = ["Bearer open-sesame", "gzip", "20000000u"].map(|text| Some(text.into()));
            if seen == wanted {
                Ok(())
            } else {
                Err(Status::invalid_argument(format!("{seen:?}")))
            }
        });
    Peer::behind(front)
}

#[test]
fn a_client_has_everything_that_its_environment_says() {
    let authority = Authority::new();
    let own = authority.sign("checkout");
    let folder = tempfile::tempdir().unwrap();
    let peers = [(); 2].map(|()| closed(&authority));
    let report = report(&[
        (
            "LOGEATER_ENDPOINT",
            &format!("{}, {}", peers[0].url, peers[1].url),
        ),
        ("LOGEATER_SERVICE", "it"),
        ("LOGEATER_TOKEN", "open-sesame"),
        ("LOGEATER_COMPRESSION", "gzip"),
        ("LOGEATER_TIMEOUT", "20s"),
        ("LOGEATER_LINGER", "1ms"),
        (
            "LOGEATER_CA",
            &file(folder.path(), "ca.pem", &authority.pem()),
        ),
        (
            "LOGEATER_CERT",
            &file(folder.path(), "own.pem", &own.certificate),
        ),
        ("LOGEATER_KEY", &file(folder.path(), "own.key", &own.key)),
    ]);
    assert_eq!(report, "2 of 2");
    for peer in peers {
        assert_eq!(peer.entries().len(), 1);
        assert_eq!(peer.entries()[0].service, "it");
    }
}

#[test]
fn a_client_that_is_disabled_ignores_its_events() {
    assert_eq!(report(&[("LOGEATER_DISABLED", "1")]), "0 of 0");
}

#[test]
fn a_client_without_a_server_is_an_error_that_says_so() {
    let report = report(&[("LOGEATER_SERVICE", "it")]);
    assert!(
        report.starts_with("`LOGEATER_ENDPOINT`: it is not set; "),
        "{report}"
    );
}

#[test]
fn files_that_cannot_work_are_named_with_their_variable() {
    let folder = tempfile::tempdir().unwrap();
    let own = Authority::new().sign("checkout");
    let certificate = file(folder.path(), "own.pem", &own.certificate);
    let key = file(folder.path(), "own.key", &own.key);
    let other_key = file(
        folder.path(),
        "other.key",
        &Authority::new().sign("other").key,
    );
    let none = folder.path().join("none").to_str().unwrap().to_owned();
    for (variables, expected) in [
        (
            &[("LOGEATER_CA", &*none)][..],
            &*format!("`LOGEATER_CA={none}`: the file cannot be read: No such file"),
        ),
        (
            &[("LOGEATER_CA", &*key)],
            &format!("`LOGEATER_CA={key}`: it has no certificate in PEM form"),
        ),
        (
            &[("LOGEATER_CERT", &*certificate)],
            "`LOGEATER_KEY`: it is not set, and LOGEATER_CERT is; set both",
        ),
        (
            &[
                ("LOGEATER_CERT", &*certificate),
                ("LOGEATER_KEY", &*other_key),
            ],
            &format!("`LOGEATER_CERT={certificate}`: "),
        ),
    ] {
        let mut variables = variables.to_vec();
        variables.extend([
            ("LOGEATER_ENDPOINT", "https://localhost:1"),
            ("LOGEATER_SERVICE", "it"),
        ]);
        let report = report(&variables);
        assert!(report.starts_with(expected), "{report}");
        assert!(!report.contains("PRIVATE"), "{report}");
    }
}

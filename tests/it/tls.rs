//! `https://`: whom the client trusts, how it shows who it is, and what is wrong with a setting.

use std::process::Command;
use std::time::Duration;

use logeater_client::{ClientBuilder, LossReason, Stats};

use crate::logs::logged;
use crate::support::{Authority, Front, Order, Peer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// What became of one event.
fn send(builder: ClientBuilder) -> Stats {
    let client = builder.build().unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    client.shutdown_blocking(PATIENCE)
}

/// The same, where it cannot be delivered.
fn lose(builder: ClientBuilder) {
    let report = send(builder.retry_for(Duration::from_millis(50)));
    assert_eq!(
        (
            report.delivered,
            report.dropped_for(LossReason::RetriesSpent)
        ),
        (0, 1)
    );
}

#[test]
fn an_https_url_works_as_written_with_an_authority_of_ones_own() {
    let authority = Authority::new();
    let peer = Peer::behind(Front::default().tls(authority.server("127.0.0.1")));
    assert_eq!(send(client(&peer.url).tls_ca(authority.pem())).delivered, 1);
    assert_eq!(peer.entries().len(), 1);
}

#[test]
fn a_server_of_another_authority_or_name_gets_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let peer = Peer::behind(Front::default().tls(authority.server("collector.example")));
    let named = || client(&peer.url).tls_server_name("collector.example");
    lose(named().tls_ca(other.pem()));
    lose(client(&peer.url).tls_ca(authority.pem()));
    assert_eq!(peer.calls(), (0, 0));
    let both = named().tls_ca(other.pem()).tls_ca(authority.pem());
    assert_eq!(send(both).delivered, 1);
}

/// Why the first try failed, in the words of the log.
fn reason(builder: ClientBuilder) -> String {
    let text = logged(|| lose(builder));
    let (_, reason) = text.lines().next().unwrap().split_once(" reason=").unwrap();
    reason.to_owned()
}

#[test]
fn a_certificate_that_is_wrong_is_said_with_what_to_do() {
    let authority = Authority::new();
    let peer = Peer::behind(Front::default().tls(authority.server("collector.example")));
    assert_eq!(
        reason(client(&peer.url).tls_server_name("collector.example")),
        "\"Unavailable: invalid peer certificate: UnknownIssuer; \
         give the authority that has signed the server's certificate: `tls_ca`\""
    );
    assert_eq!(
        reason(client(&peer.url).tls_ca(authority.pem())),
        "\"Unavailable: invalid peer certificate: certificate not valid for name \\\"127.0.0.1\\\"; \
         certificate is only valid for DnsName(\\\"collector.example\\\"); \
         write an endpoint with a name that it is valid for, or give that name: `tls_server_name`\""
    );
}

#[test]
fn a_server_that_asks_who_we_are_is_shown_the_certificate() {
    let authority = Authority::new();
    let peer = Peer::behind(Front::default().tls(authority.closed_server("127.0.0.1")));
    let trusting = || client(&peer.url).tls_ca(authority.pem());
    lose(trusting());
    let own = authority.sign("checkout");
    assert_eq!(
        send(trusting().tls_identity(own.certificate, own.key)).delivered,
        1
    );
}

/// The part of [`the_systems_roots_count_and_their_absence_is_a_loss_and_no_panic`] that needs other variables of
/// its process.
#[test]
#[ignore = "another test runs it"]
fn with_the_systems_roots() {
    let url = std::env::var("URL").unwrap();
    let report = send(client(&url).retry_for(Duration::from_secs(1)));
    let expected = std::env::var("DELIVERED").unwrap().parse().unwrap();
    assert_eq!(
        (
            report.delivered,
            report.dropped_for(LossReason::RetriesSpent)
        ),
        (expected, 1 - expected)
    );
}

#[test]
fn the_systems_roots_count_and_their_absence_is_a_loss_and_no_panic() {
    let authority = Authority::new();
    let peer = Peer::behind(Front::default().tls(authority.server("127.0.0.1")));
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).unwrap();
    for (roots, delivered) in [(roots.as_path(), "1"), (&folder.path().join("none"), "0")] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "tls::with_the_systems_roots"])
            .env("URL", &peer.url)
            .env("DELIVERED", delivered)
            .env("SSL_CERT_FILE", roots)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
        assert!(ran, "{output:?}");
    }
    assert_eq!(peer.entries().len(), 1);
}

#[test]
fn what_cannot_work_is_refused_by_name_and_without_secrets() {
    let authority = Authority::new();
    let (own, other) = (authority.sign("a"), authority.sign("b"));
    let https = || client("https://localhost:1");
    for (builder, expected) in [
        (
            client("http://localhost:1").tls_ca(authority.pem()),
            "`tls_ca`: it is for https:// alone; the endpoint is http://localhost:1",
        ),
        (
            https().tls_ca("no certificate"),
            "`tls_ca`: it has no certificate",
        ),
        (
            https().tls_ca("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            "`tls_ca`: ",
        ),
        (
            https().tls_identity(&own.certificate, "no key"),
            "`tls_identity`: ",
        ),
        (
            https().tls_identity(&own.certificate, &other.key),
            "`tls_identity`: ",
        ),
        (https().tls_server_name("no name"), "`tls_server_name`: "),
    ] {
        let refusal = builder.build().unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
        assert!(!refusal.contains("PRIVATE KEY"), "{refusal}");
    }
    let shown = format!("{:?}", https().tls_identity(&own.certificate, &own.key));
    assert!(shown.contains("identity: true"), "{shown}");
    let secret = own.key.lines().nth(1).unwrap();
    assert!(!shown.contains(secret) && !shown.contains(&format!("{:?}", own.key.as_bytes())));
}

//! Who may send, and how much: tokens, rates, TLS.

use std::num::NonZeroU32;
use std::time::Duration;

use logeater_proto::event::EventEntry;
use logeater_proto::event::event_client::EventClient;
use logeater_server::Token;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::support::{Folder, Running, batch, event};

fn per_second(events: u32) -> NonZeroU32 {
    NonZeroU32::new(events).unwrap()
}

fn of_service(service: &str) -> EventEntry {
    EventEntry {
        service: service.to_owned(),
        ..event("cart.add", "{}")
    }
}

/// What a client that sends this `authorization` is told.
async fn push_as(
    client: &mut EventClient<Channel>,
    authorization: Option<&'static str>,
) -> Result<(), Status> {
    let mut request = Request::new(event("cart.add", "{}"));
    if let Some(authorization) = authorization {
        request
            .metadata_mut()
            .insert("authorization", MetadataValue::from_static(authorization));
    }
    client.push(request).await.map(drop)
}

/// How long a refused client is asked to wait.
fn pause(status: &Status) -> Duration {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay)
        .unwrap_or_else(|| panic!("no RetryInfo: {status:?}"))
}

#[tokio::test]
async fn only_who_sends_one_of_the_tokens_may_send_events() {
    let folder = Folder::new();
    let config = folder
        .config()
        .token(Token::new("checkout", "a secret"))
        .token(Token::new("search", "another secret"));
    let shown = format!("{config:?}");
    assert!(
        shown.contains("checkout") && !shown.contains("secret"),
        "{shown}"
    );
    let running = Running::start(config).await;
    let mut client = running.client().await;

    for authorization in ["Bearer a secret", "Bearer another secret"] {
        push_as(&mut client, Some(authorization)).await.unwrap();
    }
    for (authorization, words) in [
        (
            None,
            "a token is needed: send the metadata `authorization: Bearer TOKEN`",
        ),
        (Some("Basic a secret"), "a token is needed: "),
        (
            Some("Bearer a secre"),
            "this collector does not know the token: `logeater token` makes one",
        ),
    ] {
        let status = push_as(&mut client, authorization).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{authorization:?}");
        assert!(status.message().starts_with(words), "{status}");
        assert!(!status.message().contains("secre"), "{status}");
    }
    assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), 2);

    let channel = Endpoint::from_shared(running.address.clone()).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    health.check(HealthCheckRequest::default()).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_token_beyond_its_rate_is_told_when_to_come_back() {
    let folder = Folder::new();
    let slow = Token::new("slow", "slow").events_per_second(per_second(1));
    let config = folder
        .config()
        .token(slow)
        .token(Token::new("fast", "fast"));
    let running = Running::start(config).await;
    let mut client = running.client().await;
    let mut request = Request::new(batch((0..600).map(|_| event("cart.add", "{}"))));
    request
        .metadata_mut()
        .insert("authorization", MetadataValue::from_static("Bearer slow"));

    assert_eq!(
        client
            .push_batch(request)
            .await
            .unwrap()
            .into_inner()
            .accepted,
        600,
        "a batch passes whole, whatever the rate"
    );
    let status = push_as(&mut client, Some("Bearer slow")).await.unwrap_err();
    let wait = pause(&status);
    assert!(
        (Duration::from_mins(9)..=Duration::from_mins(10)).contains(&wait),
        "{wait:?}"
    );
    assert!(status.message().contains("`slow`"), "{status}");
    push_as(&mut client, Some("Bearer fast")).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_service_beyond_its_rate_does_not_slow_the_others() {
    let folder = Folder::new();
    let running = Running::start(folder.config().events_per_second(per_second(1))).await;
    let mut client = running.client().await;
    let busy = |count: usize| batch((0..count).map(|_| of_service("busy")));

    client.push_batch(busy(600)).await.unwrap();
    let status = client.push_batch(busy(1)).await.unwrap_err();
    assert!(pause(&status) > Duration::from_secs(500), "{status}");
    client.push(of_service("quiet")).await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_not_stored_is_not_paid_for() {
    let folder = Folder::new();
    let slow = Token::new("slow", "slow").events_per_second(per_second(1));
    let config = folder.config().token(slow);
    let running = Running::start(config.events_per_second(per_second(1))).await;
    let mut client = running.client().await;
    let request = || {
        let mut request = Request::new(batch((0..600).map(|_| of_service("busy"))));
        request
            .metadata_mut()
            .insert("authorization", MetadataValue::from_static("Bearer slow"));
        request
    };
    let store = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    store
        .execute_batch(
            "CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        .unwrap();
    let status = client.push_batch(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    store.execute_batch("DROP TRIGGER broken").unwrap();

    client.push_batch(request()).await.unwrap();

    pause(&client.push_batch(request()).await.unwrap_err());
    running.stop().await.unwrap();
}

#[cfg(feature = "tls")]
mod tls {
    use logeater_server::Tls;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};

    use super::*;

    /// Who signs the certificates of a test.
    struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        fn new() -> Self {
            let mut params = CertificateParams::new([]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            Self(CertifiedIssuer::self_signed(params, key).unwrap())
        }

        /// A certificate for this host, and its key.
        fn sign(&self) -> (String, String) {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &self.0).unwrap();
            (certificate.pem(), key.serialize_pem())
        }

        fn tls(&self, clients: Option<&Self>) -> Tls {
            let (certificate, key) = self.sign();
            let client_ca = clients.map(|clients| clients.0.pem());
            let client_ca = client_ca.as_ref().map(String::as_bytes);
            Tls::from_pem(certificate.as_bytes(), key.as_bytes(), client_ca).unwrap()
        }

        /// What a client does that trusts this authority.
        async fn push(&self, address: &str, identity: Option<Identity>) -> Result<(), String> {
            let trusted = Certificate::from_pem(self.0.pem());
            let mut tls = ClientTlsConfig::new()
                .ca_certificate(trusted)
                .domain_name("localhost");
            if let Some(identity) = identity {
                tls = tls.identity(identity);
            }
            let endpoint = Endpoint::from_shared(address.replace("http:", "https:")).unwrap();
            let channel = endpoint.tls_config(tls).unwrap().connect().await;
            let mut client = EventClient::new(channel.map_err(|error| format!("{error:?}"))?);
            let pushed = client.push(event("cart.add", "{}")).await;
            pushed.map(drop).map_err(|status| format!("{status:?}"))
        }
    }

    #[tokio::test]
    async fn with_tls_nobody_is_served_without() {
        let (folder, authority) = (Folder::new(), Authority::new());
        let running = Running::start(folder.config().tls(authority.tls(None))).await;
        authority.push(&running.address, None).await.unwrap();
        Authority::new()
            .push(&running.address, None)
            .await
            .unwrap_err();
        let mut plain = EventClient::new(
            Endpoint::from_shared(running.address.clone())
                .unwrap()
                .connect_lazy(),
        );
        plain.push(event("cart.add", "{}")).await.unwrap_err();
        assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), 1);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn only_clients_with_a_certificate_of_the_authority_are_served() {
        let (folder, authority, clients) = (Folder::new(), Authority::new(), Authority::new());
        let running = Running::start(folder.config().tls(authority.tls(Some(&clients)))).await;
        let identity = |signer: &Authority| {
            let (certificate, key) = signer.sign();
            Some(Identity::from_pem(certificate, key))
        };
        let address = &running.address;
        authority.push(address, identity(&clients)).await.unwrap();
        authority
            .push(address, identity(&authority))
            .await
            .unwrap_err();
        authority.push(address, None).await.unwrap_err();
        running.stop().await.unwrap();
    }

    #[cfg(feature = "cli")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_command_push_speaks_tls_and_shows_a_certificate_of_its_own() {
        use std::process::Command;

        let (folder, authority, clients) = (Folder::new(), Authority::new(), Authority::new());
        let running = Running::start(folder.config().tls(authority.tls(Some(&clients)))).await;
        let url = running
            .address
            .replace("http://127.0.0.1", "https://localhost");
        let file = |name: &str, text: &str| {
            let path = folder.data().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = clients.sign();
        let arguments = [
            ("--ca", file("ca.pem", &authority.0.pem())),
            ("--cert", file("client.pem", &certificate)),
            ("--key", file("client.key", &key)),
        ];
        let push = |arguments: &[(&str, std::path::PathBuf)]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_logeater"));
            command.args(["push", "cart.add", "--endpoint", &url]);
            for (flag, path) in arguments {
                command.arg(flag).arg(path);
            }
            command.output().unwrap()
        };

        let pushed = push(&arguments);
        assert!(pushed.status.success(), "{pushed:?}");
        assert_eq!(push(&arguments[..1]).status.code(), Some(1));
        assert_eq!(push(&[]).status.code(), Some(1));
        let refused = |url: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_logeater"));
            let output = command
                .args(["push", "cart.add", "--endpoint", url])
                .output();
            String::from_utf8(output.unwrap().stderr).unwrap()
        };
        let said = refused(&url.replace("https:", "http:"));
        assert!(
            said.ends_with(&format!("does it have TLS? then write {url}\n")),
            "{said}"
        );
        let other = Folder::new();
        let plain = Running::start(other.config()).await;
        let said = refused(&plain.address.replace("http:", "https:"));
        assert!(
            said.ends_with(&format!("has it no TLS? then write {}\n", plain.address)),
            "{said}"
        );
        plain.stop().await.unwrap();
        assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), 1);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_new_certificate_counts_from_the_next_connection_on() {
        let (folder, old, new) = (Folder::new(), Authority::new(), Authority::new());
        let running = Running::start(folder.config().tls(old.tls(None))).await;
        old.push(&running.address, None).await.unwrap();

        let next = folder.config().tls(new.tls(None));
        running.control.reload(next).await.unwrap();

        new.push(&running.address, None).await.unwrap();
        old.push(&running.address, None).await.unwrap_err();
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_token_that_is_taken_away_counts_no_more_on_connections_that_are_open() {
    let folder = Folder::new();
    let running = Running::start(folder.config().token(Token::new("old", "old"))).await;
    let mut client = running.client().await;
    push_as(&mut client, Some("Bearer old")).await.unwrap();

    let next = folder.config().token(Token::new("new", "new"));
    running.control.reload(next).await.unwrap();

    let status = push_as(&mut client, Some("Bearer old")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    push_as(&mut client, Some("Bearer new")).await.unwrap();
    running.stop().await.unwrap();
}

//! The token and the metadata that go with each request, and a token that is refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_client::ClientBuilder;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::logs::logged;
use crate::support::{Front, Order, Peer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that takes only requests with this token.
fn guarded(token: &'static str) -> Peer {
    Peer::behind(Front::default().on_head(move |head| {
        if text(head, "authorization") == format!("Bearer {token}") {
            Ok(())
        } else {
            Err(Status::unauthenticated("who are you?"))
        }
    }))
}

fn text(head: &MetadataMap, key: &str) -> String {
    head.get(key)
        .map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

fn delivered(builder: ClientBuilder) -> u64 {
    let client = builder.build().unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    client.shutdown_blocking(PATIENCE).delivered
}

#[test]
fn a_token_and_metadata_go_with_each_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_by_peer = Arc::clone(&seen);
    let peer = Peer::behind(Front::default().on_head(move |head| {
        let keys = ["authorization", "x-tenant", "grpc-timeout"];
        let values = keys.map(|key| text(head, key));
        seen_by_peer.lock().unwrap().push(values);
        Ok(())
    }));
    let builder = client(&peer.url)
        .token("open-sesame")
        .metadata("x-tenant", "blue");
    assert_eq!(delivered(builder), 1);
    let expected = ["Bearer open-sesame", "blue", "10000000u"].map(str::to_owned);
    assert_eq!(*seen.lock().unwrap(), [expected]);
}

#[test]
fn a_provider_is_asked_again_when_its_token_is_refused_and_not_before() {
    let peer = guarded("3");
    let asked = Arc::new(AtomicU64::new(0));
    let asked_by_client = Arc::clone(&asked);
    let client = client(&peer.url)
        .token_provider(move || {
            let times = asked_by_client.fetch_add(1, Ordering::SeqCst) + 1;
            Ok::<_, String>(times.to_string())
        })
        .build()
        .unwrap();
    for number in 0..10 {
        client.emit(Order { number });
        client.flush_blocking(PATIENCE).unwrap();
    }
    assert_eq!(client.stats().delivered, 10);
    assert_eq!(
        (client.stats().retries, asked.load(Ordering::SeqCst)),
        (2, 3)
    );
}

#[test]
fn a_provider_that_fails_or_panics_is_asked_again_and_costs_no_event() {
    let peer = guarded("token");
    let asked = AtomicU64::new(0);
    let text = logged(|| {
        let builder =
            client(&peer.url).token_provider(move || match asked.fetch_add(1, Ordering::SeqCst) {
                0 => Err("the vault is closed"),
                1 => panic!("a bug"),
                2 => Ok("white space".to_owned()),
                _ => Ok("token".to_owned()),
            });
        assert_eq!(delivered(builder), 1);
    });
    assert!(
        text.contains("the token provider failed: the vault is closed"),
        "{text}"
    );
    assert_eq!(peer.calls().1, 1);
}

#[test]
fn a_provider_that_never_answers_is_asked_once_and_holds_up_no_shutdown() {
    let peer = guarded("token");
    let asked = Arc::new(AtomicU64::new(0));
    let asked_by_client = Arc::clone(&asked);
    let client = client(&peer.url)
        .timeout(Duration::from_millis(20))
        .retry_for(Duration::from_millis(100))
        .token_provider(move || -> Result<String, String> {
            asked_by_client.fetch_add(1, Ordering::SeqCst);
            loop {
                std::thread::park();
            }
        })
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.dropped, asked.load(Ordering::SeqCst)), (1, 1));
    assert!(report.retries > 0);
}

#[test]
fn a_token_that_is_refused_is_said_and_seldom_and_never_shown() {
    let peer = guarded("another");
    let mut refused = 0;
    let text = logged(|| {
        let client = client(&peer.url)
            .token("open-sesame")
            .retry_for(Duration::from_secs(1))
            .build()
            .unwrap();
        client.emit(Order { number: 0 });
        client.flush_blocking(PATIENCE).unwrap();
        refused = client.stats().retries + 1;
        client.shutdown_blocking(PATIENCE);
    });
    let lines = text.matches("the server refuses the token").count();
    assert_eq!(lines as u64, u64::from(refused.ilog2()) + 1, "{text}");
    assert!(
        text.contains("who are you?") && !text.contains("sesame"),
        "{text}"
    );
}

#[test]
fn a_token_that_is_refused_is_said_with_what_to_do() {
    let peer = guarded("another");
    let any = || client(&peer.url).retry_for(Duration::from_millis(50));
    for (builder, fix) in [
        (
            any(),
            "there is none, so give one: `token` or `token_provider`",
        ),
        (
            any().token("expired"),
            "give another, or a `token_provider`, which is asked for another by then",
        ),
        (
            any().token_provider(|| Ok::<_, String>("expired".to_owned())),
            "`token_provider` is asked for another",
        ),
    ] {
        let text = logged(|| _ = delivered(builder));
        let expected = format!(
            "WARN logeater_client::worker: the server refuses the token; {fix} \
             server=\"{}\" times=1 reason=\"Unauthenticated: who are you?\"\n",
            peer.url.trim_start_matches("http://")
        );
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn what_cannot_be_sent_is_refused_by_name_and_without_secrets() {
    let any = || client("http://localhost:1");
    for (builder, expected) in [
        (any().token(""), "`token`: it is empty"),
        (any().token("secret\n"), "`token`: it has other characters"),
        (
            any().metadata("X-Key", "v"),
            "`metadata`: `X-Key` is no key",
        ),
        (
            any().metadata("key-bin", "v"),
            "`metadata`: `key-bin` is no key",
        ),
        (
            any().metadata("grpc-timeout", "1S"),
            "`metadata`: `grpc-timeout` is written by gRPC itself",
        ),
        (
            any().metadata("key", "secret\n"),
            "`metadata`: the value of `key` is not visible ASCII",
        ),
        (
            any().metadata("authorization", "secret").token("t"),
            "`metadata`: `authorization` is set, and a token as well",
        ),
    ] {
        let refusal = builder.build().unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
    let shown = format!("{:?}", any().token("secret").metadata("key", "secret"));
    assert!(
        shown.contains("key") && !shown.contains("secret"),
        "{shown}"
    );
}

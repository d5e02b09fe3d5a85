//! Several servers: who gets what, and what one that fails costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use logeater_client::Client;
use tonic::Status;

use crate::logs::logged;
use crate::support::{Authority, Front, Order, Peer, SilentPeer, client, nowhere};

const PATIENCE: Duration = Duration::from_secs(30);

/// Far less than any of the waits that must not happen.
const SOON: Duration = Duration::from_secs(20);

/// Sends one batch of one event after the other.
fn send_one_by_one(client: &Client, events: u32) {
    for number in 0..events {
        client.emit(Order { number });
        client.flush_blocking(PATIENCE).unwrap();
    }
}

/// The numbers of all events that these servers stored.
fn stored(peers: &[&Peer]) -> Vec<u32> {
    let entries = peers.iter().flat_map(|peer| peer.entries());
    let mut numbers: Vec<_> = entries.map(Order::number_of).collect();
    numbers.sort_unstable();
    numbers
}

fn numbers(events: u32) -> Vec<u32> {
    (0..events).collect()
}

/// A server that asks for the longest pause there is.
fn paused() -> Peer {
    Peer::answering_batches(|_| {
        let mut status = Status::unavailable("not for a long time");
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
        Err(status)
    })
}

#[test]
fn servers_take_turns() {
    let peers = [(); 3].map(|()| Peer::answering_batches(|_| Ok(())));
    let [first, second, third] = &peers;
    let client = client(&first.url)
        .endpoint(&second.url)
        .endpoint(&third.url)
        .build()
        .unwrap();
    send_one_by_one(&client, 9);
    assert_eq!(stored(&[first, second, third]), numbers(9));
    for peer in &peers {
        assert_eq!(peer.calls(), (0, 3));
    }
}

#[test]
fn a_burst_is_shared() {
    let [first, second] = [(); 2].map(|()| Peer::answering_batches(|_| Ok(())));
    let client = client(&first.url)
        .endpoint(&second.url)
        .batch_events(10)
        .build()
        .unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 1_000);
    assert_eq!(stored(&[&first, &second]), numbers(1_000));
    assert!(first.calls().1 > 0 && second.calls().1 > 0);
}

#[test]
fn a_batch_that_fails_goes_to_another_server_without_its_pause() {
    let (failing, healthy) = (paused(), Peer::answering_batches(|_| Ok(())));
    let client = client(&failing.url).endpoint(&healthy.url).build().unwrap();
    let started = Instant::now();
    send_one_by_one(&client, 20);
    assert!(started.elapsed() < SOON);
    assert_eq!((failing.calls(), healthy.calls()), ((0, 1), (0, 20)));
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.retries), (20, 1));
}

#[test]
fn a_server_that_is_not_there_costs_no_event() {
    let healthy = Peer::answering_batches(|_| Ok(()));
    let client = client(&nowhere())
        .endpoint(&healthy.url)
        .endpoint(nowhere())
        .batch_events(10)
        .build()
        .unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    client.flush_blocking(SOON).unwrap();
    assert_eq!(client.stats().delivered, 1_000);
    assert_eq!(stored(&[&healthy]), numbers(1_000));
}

#[test]
fn a_server_that_never_answers_keeps_what_it_was_sent_until_its_time_is_up_and_no_more() {
    let (silent, healthy) = (SilentPeer::start(), Peer::answering_batches(|_| Ok(())));
    let client = client(&silent.url)
        .endpoint(&healthy.url)
        .batch_events(10)
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    client.flush_blocking(SOON).unwrap();
    assert_eq!(client.stats().delivered, 1_000);
    assert_eq!(stored(&[&healthy]), numbers(1_000));
}

#[test]
fn a_server_that_is_back_gets_events_again() {
    let is_down = Arc::new(AtomicBool::new(true));
    let is_down_there = Arc::clone(&is_down);
    let failing = Peer::answering_batches(move |_| {
        if is_down_there.load(Ordering::SeqCst) {
            Err(Status::unavailable("down"))
        } else {
            Ok(())
        }
    });
    let healthy = Peer::answering_batches(|_| Ok(()));
    let text = logged(|| {
        let client = client(&failing.url).endpoint(&healthy.url).build().unwrap();
        send_one_by_one(&client, 2);
        assert_eq!(failing.entries(), []);
        is_down.store(false, Ordering::SeqCst);
        let started = Instant::now();
        while failing.entries().is_empty() {
            send_one_by_one(&client, 1);
            assert!(started.elapsed() < PATIENCE);
        }
        let before = failing.calls().1;
        send_one_by_one(&client, 10);
        assert_eq!(failing.calls().1, before + 5, "it has its turns again");
        client.shutdown_blocking(PATIENCE);
    });
    let address = failing.url.strip_prefix("http://").unwrap();
    for line in [
        "events cannot be delivered; trying again",
        "events are delivered again",
    ] {
        assert!(
            text.contains(&format!("{line} server=\"{address}\"")),
            "{text}"
        );
    }
}

#[test]
fn without_any_server_a_batch_is_given_up_in_time() {
    let client = client(&nowhere())
        .endpoint(nowhere())
        .retry_for(Duration::from_millis(50))
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    assert_eq!(client.shutdown_blocking(PATIENCE).dropped, 1);
}

#[test]
fn each_server_is_asked_for_its_own_kind_of_call() {
    let (old, new) = (Peer::push_only(), Peer::answering_batches(|_| Ok(())));
    let client = client(&old.url).endpoint(&new.url).build().unwrap();
    send_one_by_one(&client, 10);
    assert_eq!(stored(&[&old, &new]), numbers(10));
    // The first batch, which the old server did not understand, went to the other.
    assert_eq!((old.calls(), new.calls()), ((5, 1), (0, 5)));
}

#[test]
fn each_server_shows_a_certificate_for_its_own_host_or_all_for_the_name_that_is_set() {
    let authority = Authority::new();
    let peer = |name: &str| Peer::behind(Front::default().tls(authority.server(name)));
    let (by_address, by_name) = (peer("127.0.0.1"), peer("localhost"));
    let client_of_two = client(&by_address.url)
        .endpoint(by_name.url.replace("127.0.0.1", "localhost"))
        .tls_ca(authority.pem())
        .build()
        .unwrap();
    send_one_by_one(&client_of_two, 4);
    assert_eq!((by_address.calls(), by_name.calls()), ((0, 2), (0, 2)));

    let [first, second] = [(); 2].map(|()| peer("collector.example"));
    let client = client(&first.url)
        .endpoint(&second.url)
        .tls_ca(authority.pem())
        .tls_server_name("collector.example")
        .build()
        .unwrap();
    send_one_by_one(&client, 4);
    assert_eq!((first.calls(), second.calls()), ((0, 2), (0, 2)));
}

#[test]
fn an_endpoint_that_cannot_work_is_refused_by_its_url() {
    let builder = client("http://localhost:1").endpoint("localhost:2");
    assert_eq!(
        builder.build().unwrap_err().to_string(),
        "endpoint `localhost:2`: it has no scheme; write http://localhost:2"
    );
    let mixed = client("https://localhost:1")
        .endpoint("http://localhost:2")
        .tls_server_name("a");
    assert_eq!(
        mixed.build().unwrap_err().to_string(),
        "`tls_server_name`: it is for https:// alone; the endpoint is http://localhost:2/"
    );
    let shown = format!("{:?}", client("http://a:1").endpoint("http://u:secret@b:2"));
    assert!(
        shown.contains("@b:2") && !shown.contains("secret"),
        "{shown}"
    );
}

//! A server that says when to come back.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tonic::{Code, Status};

use crate::support::{Collector, Order, Peer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than a first pause of the client's own can be.
const ASKED: Duration = Duration::from_millis(400);

/// A status that asks for [`ASKED`] in its trailer.
fn by_trailer() -> Status {
    let mut status = Status::unavailable("later");
    status
        .metadata_mut()
        .insert("grpc-retry-pushback-ms", "400".parse().unwrap());
    status
}

/// A status that asks for [`ASKED`] by a `google.rpc.RetryInfo`.
fn by_details() -> Status {
    // A google.rpc.Status of one Any of a RetryInfo of a Duration of 400,000,000 ns.
    let details = b"\x1a\x34\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x08\x0a\x06\x10\x80\x88\xde\xbe\x01";
    Status::with_details(Code::ResourceExhausted, "later", details[..].into())
}

/// What answers with this status the first time, and when it was called.
fn at_first(status: Status) -> (impl Fn() -> Result<(), Status>, Arc<Mutex<Vec<Instant>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    let answer = move || {
        let mut calls = noted.lock().unwrap();
        calls.push(Instant::now());
        if calls.len() == 1 {
            Err(status.clone())
        } else {
            Ok(())
        }
    };
    (answer, calls)
}

fn check_pause(peer: &Peer, calls: &Mutex<Vec<Instant>>) {
    let client = client(&peer.url).build().unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 2);
    assert!(calls[1] - calls[0] >= ASKED, "{:?}", calls[1] - calls[0]);
}

#[test]
fn a_pause_that_the_server_asks_for_is_kept() {
    for status in [by_trailer(), by_details()] {
        let (answer, calls) = at_first(status);
        check_pause(&Peer::answering_batches(move |_| answer()), &calls);
    }
}

#[test]
fn a_pause_that_the_server_asks_for_is_kept_by_push() {
    for status in [by_trailer(), by_details()] {
        let (answer, calls) = at_first(status);
        let peer = Peer::answering_push(move |_| answer().map(|()| true));
        check_pause(&peer, &calls);
    }
}

#[test]
fn a_client_keeps_to_the_pause_that_the_collector_asks_for() {
    let two = NonZeroU32::new(2).unwrap();
    let collector = Collector::start_with(|config| config.events_per_second(two));
    let client = client(&collector.url)
        .linger(Duration::ZERO)
        .build()
        .unwrap();
    let started = Instant::now();
    for number in 0..3 {
        client.emit(Order { number });
        client.flush_blocking(PATIENCE).unwrap();
    }
    // Two are the burst of a second, and the third has to wait for half of one.
    assert!(started.elapsed() >= Duration::from_millis(400));
    let stats = client.stats();
    assert_eq!((stats.delivered, stats.retries), (3, 1));
    collector.stop();
}

#[test]
fn a_shutdown_does_not_wait_for_a_pause_that_the_server_asked_for() {
    let first = Mutex::new(true);
    let (asked, was_asked) = std::sync::mpsc::channel();
    let peer = Peer::answering_batches(move |_| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            let mut status = Status::unavailable("never");
            status
                .metadata_mut()
                .insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
            asked.send(()).unwrap();
            return Err(status);
        }
        Ok(())
    });
    let client = client(&peer.url).build().unwrap();
    client.emit(Order { number: 0 });
    was_asked.recv().unwrap();
    while client.stats().retries == 0 {
        std::thread::yield_now();
    }
    let started = Instant::now();
    assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 1);
    assert!(started.elapsed() < Duration::from_secs(20));
}

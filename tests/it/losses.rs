//! Losses: each has a reason, and the application's hook is told of each.

use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::{Client, ClientBuilder, Column, Event, EventExt, JsonWriter, LossReason};
use tonic::Status;

use crate::support::{Order, Peer, SilentPeer, Told, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

fn client_of(url: &str, told: &Told) -> ClientBuilder {
    client(url).timeout(LONG).on_loss(told.hook())
}

#[derive(Event)]
#[event("visit.ended")]
struct Visit {
    #[event(int64)]
    millis: u64,
}

struct Panics;

impl Column for Panics {
    type Shape = logeater_client::One;
    type List = logeater_client::Many;
    const TYPE: logeater_client::ColumnType = logeater_client::ColumnType::String;

    fn write(&self, _: &mut JsonWriter<'_>) {
        panic!("not today");
    }
}

#[derive(Event)]
#[event("visit.panicked")]
struct Panicking {
    panics: Panics,
}

#[test]
fn what_cannot_be_sent_is_told_with_its_type_and_why() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let told = Told::default();
    let client = client_of(&peer.url, &told).build().unwrap();
    for millis in [1, u64::MAX, u64::MAX] {
        client.emit(Visit { millis });
    }
    client.emit(Panicking { panics: Panics });
    client.emit(Order { number: 1 }.by("u".repeat(1 << 20)));
    let report = client.shutdown_blocking(PATIENCE);
    client.emit(Order { number: 2 });
    let (invalid, why) = told.of("visit.ended", LossReason::Invalid);
    assert_eq!(invalid, 2);
    assert!(why.unwrap().starts_with("column `millis`: "));
    assert_eq!(told.of("visit.panicked", LossReason::Invalid).0, 1);
    assert_eq!(told.of("order.placed", LossReason::TooLarge), (1, None));
    assert_eq!((report.delivered, report.dropped), (1, 4));
}

#[test]
fn what_the_server_rejects_is_told_with_its_words() {
    let peer = Peer::push_only();
    let told = Told::default();
    let client = client_of(&peer.url, &told).build().unwrap();
    client.emit(Order { number: 1 }.by("refused"));
    client.emit(Order { number: 2 }.by("u-42"));
    client.emit(Visit { millis: 3 }.by("invalid"));
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.rejected), (1, 2));
    let (refused, why) = told.of("order.placed", LossReason::Rejected);
    assert_eq!(
        (refused, why.unwrap().as_str()),
        (1, "the server answered success = false")
    );
    let (invalid, why) = told.of("visit.ended", LossReason::Rejected);
    assert_eq!(invalid, 1);
    assert!(why.unwrap().contains("no such user"));
    assert_eq!(told.total(), report.lost());
}

#[test]
fn what_is_given_up_is_told_for_each_type() {
    let peer = Peer::answering_batches(|_| Err(Status::unavailable("closed")));
    let told = Told::default();
    let builder = client_of(&peer.url, &told).retry_for(Duration::ZERO);
    let client = builder.build().unwrap();
    for number in 0..30 {
        client.emit(Order { number });
        client.emit(Visit { millis: 1 });
    }
    client.flush_blocking(PATIENCE).unwrap();
    client.shutdown_blocking(PATIENCE);
    assert_eq!(told.of("order.placed", LossReason::RetriesSpent).0, 30);
    assert_eq!(told.of("visit.ended", LossReason::RetriesSpent).0, 30);
}

#[test]
fn what_is_on_its_way_and_what_waits_at_a_shutdown_is_told() {
    let peer = SilentPeer::start();
    let told = Told::default();
    let builder = client_of(&peer.url, &told).batch_events(10);
    let client = builder.buffer_bytes(10_000).build().unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    thread::scope(|scope| {
        // It waits for room, or comes too late; neither can be delivered.
        scope.spawn(|| client.emit_blocking(Visit { millis: 1 }));
        client.shutdown_blocking(Duration::from_millis(20))
    });
    while told.total() < 1_001 {
        thread::yield_now();
    }
    let stats = client.stats();
    let (full, _) = told.of("order.placed", LossReason::QueueFull);
    let (shut_down, _) = told.of("order.placed", LossReason::ShutDown);
    assert!(full > 0 && shut_down > 40, "{stats:?}");
    assert_eq!(told.of("visit.ended", LossReason::ShutDown).0, 1);
    assert_eq!(full, stats.dropped_for(LossReason::QueueFull));
    assert_eq!(shut_down + 1, stats.dropped_for(LossReason::ShutDown));
    assert_eq!((told.total(), stats.pending), (1_001, 0));
}

#[test]
fn a_hook_that_emits_what_is_lost_is_not_called_for_it() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let (calls, called) = channel();
    let own: Arc<OnceLock<Client>> = Arc::default();
    let hooked = Arc::clone(&own);
    let builder = client(&peer.url).on_loss(move |_| {
        // The client that it emits with may be this one.
        hooked.wait().emit(Visit { millis: u64::MAX });
        calls.send(()).unwrap();
    });
    let client = builder.build().unwrap();
    own.set(client.clone()).unwrap();
    client.emit(Visit { millis: u64::MAX });
    called.recv_timeout(PATIENCE).unwrap();
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!(report.dropped_for(LossReason::Invalid), 2);
    assert!(called.try_recv().is_err());
}

#[test]
fn a_hook_that_hangs_holds_up_neither_the_worker_nor_the_shutdown() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let builder = client(&peer.url).on_loss(|_| thread::park());
    let client = builder.build().unwrap();
    client.emit(Visit { millis: u64::MAX });
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    client.flush_blocking(PATIENCE).unwrap();
    let started = Instant::now();
    let report = client.shutdown_blocking(LONG);
    assert!(started.elapsed() < PATIENCE);
    assert_eq!((report.delivered, report.dropped), (1_000, 1));
}

#[test]
fn a_hook_that_panics_is_called_again() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let (calls, called) = channel();
    let builder = client(&peer.url).on_loss(move |_| {
        calls.send(()).unwrap();
        panic!("not today");
    });
    let client = builder.build().unwrap();
    for _ in 0..2 {
        client.emit(Visit { millis: u64::MAX });
        called.recv_timeout(PATIENCE).unwrap();
    }
}

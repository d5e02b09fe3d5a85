//! A buffer that is full: what gives way, and who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::{Client, EventExt, LossReason, WhenFull};

use crate::support::{Order, Peer, SilentPeer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// A buffer for about 1,400 events of 70 bytes; 200 are a batch.
fn small(url: &str) -> Client {
    small_when_full(url, WhenFull::DropNewest)
}

fn small_when_full(url: &str, when_full: WhenFull) -> Client {
    client(url)
        .buffer_bytes(100_000)
        .batch_events(200)
        .timeout(LONG)
        .when_full(when_full)
        .build()
        .unwrap()
}

/// A server that takes nothing before it is let.
fn shut_peer() -> (Peer, Arc<AtomicBool>) {
    let is_open = Arc::new(AtomicBool::new(false));
    let open = Arc::clone(&is_open);
    let peer = Peer::answering_batches(move |_| {
        if is_open.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(tonic::Status::unavailable("closed"))
        }
    });
    (peer, open)
}

/// The numbers that were stored.
fn numbers(peer: &Peer) -> Vec<u32> {
    let entries = peer.entries().into_iter();
    let mut numbers: Vec<_> = entries.map(Order::number_of).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn the_newest_events_are_dropped_unless_it_is_said_otherwise() {
    let (peer, open) = shut_peer();
    let client = small(&peer.url);
    for number in 0..5_000 {
        client.emit(Order { number });
    }
    let dropped = client.stats().dropped_for(LossReason::QueueFull);
    open.store(true, Ordering::SeqCst);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!(
        (report.delivered, report.dropped),
        (5_000 - dropped, dropped)
    );
    let stored = numbers(&peer);
    assert!(stored.len() > 1_000 && dropped > 1_000, "{report:?}");
    assert!(
        stored
            .iter()
            .copied()
            .eq(0..u32::try_from(stored.len()).unwrap())
    );
}

#[test]
fn the_oldest_events_are_dropped_where_that_is_said() {
    let (peer, open) = shut_peer();
    let client = small_when_full(&peer.url, WhenFull::DropOldest);
    for number in 0..5_000 {
        client.emit(Order { number });
    }
    open.store(true, Ordering::SeqCst);
    let report = client.shutdown_blocking(PATIENCE);
    let dropped = report.dropped_for(LossReason::QueueFull);
    assert_eq!(
        (report.delivered, report.dropped),
        (5_000 - dropped, dropped)
    );
    let stored = numbers(&peer);
    assert!(stored.len() > 500 && dropped > 1_000, "{report:?}");
    // What was on its way was not taken back.
    let newest: Vec<_> = stored
        .iter()
        .copied()
        .filter(|number| *number >= 4_500)
        .collect();
    assert!(newest.into_iter().eq(4_500..5_000));
}

#[test]
fn an_awaited_event_that_is_dropped_for_a_newer_one_is_told_so() {
    let peer = Peer::answering_batches(|_| {
        let mut busy = tonic::Status::unavailable("busy");
        let pushback = "60000".parse().unwrap();
        busy.metadata_mut()
            .insert("grpc-retry-pushback-ms", pushback);
        Err(busy)
    });
    let client = small_when_full(&peer.url, WhenFull::DropOldest);
    client.emit(Order { number: 0 });
    // From then on nothing is on its way, for a minute.
    while client.stats().retries == 0 {
        thread::yield_now();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let pushed = runtime.block_on(async {
        let push = client.push(Order { number: 1 });
        let emit = async {
            for number in 0..5_000 {
                client.emit(Order { number });
            }
        };
        let (pushed, ()) = tokio::join!(push, emit);
        pushed
    });
    let lost = logeater_client::PushError::Lost(LossReason::QueueFull);
    assert_eq!(pushed, Err(lost));
    client.shutdown_blocking(Duration::ZERO);
}

#[test]
fn a_batch_that_is_complete_when_there_is_no_room_does_not_linger() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let large = |number| Order { number }.by("u".repeat(3_000));
    let too_large = Order { number: 0 }.by("u".repeat(5_000));
    for waits in [false, true] {
        let builder = client(&peer.url).linger(LONG).buffer_bytes(4_000);
        let client = builder.build().unwrap();
        client.emit(large(0));
        for _ in 0..1_000 {
            // Meanwhile whom the first one has woken goes to sleep again.
            client.emit(&too_large);
        }
        let started = Instant::now();
        if waits {
            client.emit_blocking(large(1));
        } else {
            client.emit(large(1));
        }
        while client.stats().delivered == 0 {
            thread::yield_now();
        }
        // The metrics are told every five seconds, which would see to it as well.
        assert!(started.elapsed() < Duration::from_secs(4));
        let report = client.shutdown_blocking(PATIENCE);
        assert_eq!(report.delivered, 1 + u64::from(waits), "{report:?}");
    }
}

#[test]
fn who_waits_loses_nothing() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let client = small(&peer.url);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    thread::scope(|scope| {
        for part in 0..2 {
            let client = client.clone();
            scope.spawn(move || {
                for number in 0..5_000 {
                    client.emit_blocking(Order {
                        number: part * 5_000 + number,
                    });
                }
            });
        }
        runtime.block_on(async {
            for number in 10_000..15_000 {
                client.emit_wait(Order { number }).await;
            }
            // Blocking a runtime's thread is not good, but nothing worse.
            for number in 15_000..20_000 {
                client.emit_blocking(Order { number });
            }
        });
    });
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.lost()), (20_000, 0));
    assert!(numbers(&peer).into_iter().eq(0..20_000));
}

#[test]
fn who_waits_goes_on_when_the_client_is_shut_down_and_who_gives_up_sends_nothing() {
    let peer = SilentPeer::start();
    let client = small(&peer.url);
    while client.stats().dropped == 0 {
        client.emit(Order { number: 0 });
    }
    let full = client.stats().emitted;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let wait = client.emit_wait(Order { number: 1 });
        tokio::time::timeout(Duration::from_millis(1), wait)
            .await
            .unwrap_err();
    });
    assert_eq!(client.stats().emitted, full);
    thread::scope(|scope| {
        let waits = scope.spawn(|| client.emit_blocking(Order { number: 2 }));
        client.shutdown_blocking(Duration::from_millis(50));
        waits.join().unwrap();
    });
    let report = client.stats();
    assert_eq!((report.emitted, report.pending), (full + 1, 0));
    assert_eq!(report.emitted, report.dropped);
}

//! A server that never answers: the application must not notice.

use std::time::{Duration, Instant};

use logeater_client::LossReason;

use crate::support::{Order, SilentPeer, client};

/// Far more than the work takes, and far less than any of the waits that must not happen.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn emit_is_bounded_and_counts_what_does_not_fit() {
    let peer = SilentPeer::start();
    let client = client(&peer.url)
        .buffer_bytes(2 << 20)
        .timeout(Duration::from_hours(1))
        .build()
        .unwrap();
    let started = Instant::now();
    for number in 0..100_000 {
        client.emit(Order { number });
    }
    assert!(started.elapsed() < SOON);
    let stats = client.stats();
    assert_eq!(stats.emitted, 100_000);
    assert_eq!(stats.delivered, 0);
    assert_eq!(stats.pending + stats.dropped, 100_000);
    assert_eq!(stats.dropped_for(LossReason::QueueFull), stats.dropped);
    // An entry has 67 to 72 bytes here, with its id.
    assert!((20_000..40_000).contains(&stats.pending), "{stats:?}");
    client.shutdown_blocking(Duration::ZERO);
}

#[test]
fn shutdown_returns_in_time_with_every_event_accounted_for() {
    let peer = SilentPeer::start();
    let client = client(&peer.url)
        .timeout(Duration::from_hours(1))
        .build()
        .unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    let started = Instant::now();
    let report = client.shutdown_blocking(Duration::from_millis(100));
    assert!(started.elapsed() < SOON);
    assert_eq!(
        (
            report.emitted,
            report.dropped_for(LossReason::ShutDown),
            report.pending
        ),
        (1_000, 1_000, 0)
    );

    client.emit(Order { number: 1_000 });
    assert_eq!(client.stats().dropped_for(LossReason::ShutDown), 1_001);
    assert_eq!(
        client.shutdown_blocking(Duration::from_hours(1)),
        client.stats()
    );
    assert!(started.elapsed() < SOON);
}

#[tokio::test]
async fn flush_keeps_its_deadline_and_the_events() {
    let peer = SilentPeer::start();
    let client = client(&peer.url)
        .timeout(Duration::from_hours(1))
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    let late = client.flush(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(late.pending, 1);
    assert_eq!(client.flush_blocking(Duration::from_millis(50)), Err(late));
    assert_eq!(client.stats().pending, 1);
    client.shutdown(Duration::ZERO).await;
}

#[test]
fn the_last_handles_drop_returns_in_time() {
    let peer = SilentPeer::start();
    let builder = client(&peer.url)
        .timeout(Duration::from_hours(1))
        .drop_timeout(Duration::from_millis(100));
    let client = builder.build().unwrap();
    client.emit(Order { number: 0 });
    let started = Instant::now();
    let clone = client.clone();
    drop(client);
    clone.emit(Order { number: 1 });
    assert_eq!(clone.stats().pending, 2);
    drop(clone);
    assert!(started.elapsed() < SOON);
}

#[test]
fn a_batch_that_cannot_be_delivered_is_given_up_after_its_time() {
    // Nobody listens on a port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&url)
        .retry_for(Duration::from_millis(50))
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(SOON).unwrap();
    let stats = client.stats();
    assert_eq!(
        (stats.dropped_for(LossReason::RetriesSpent), stats.pending),
        (1, 0)
    );
    assert!(stats.retries > 0);
}

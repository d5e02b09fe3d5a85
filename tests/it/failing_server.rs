//! Servers that answer, and fail: what is tried again, for how long, and what it costs the other events.

use std::sync::Mutex;
use std::time::Duration;

use logeater_client::{EventExt, LossReason, PushError, Stats};
use logeater_proto::event::EventEntry;
use tonic::{Code, Status};

use crate::support::{Order, Peer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

fn is_poison(entry: &EventEntry) -> bool {
    entry.user_id.as_deref() == Some("poison")
}

#[test]
fn an_event_that_always_fails_is_given_up_in_time_and_costs_no_other_by_push() {
    let peer = Peer::answering_push(|entry| {
        if is_poison(entry) {
            Err(Status::internal("a bug"))
        } else {
            Ok(true)
        }
    });
    let client = client(&peer.url)
        .linger(LONG)
        .retry_for(Duration::from_secs(1))
        .build()
        .unwrap();
    client.emit(Order { number: 0 }.by("poison"));
    for number in 1..100 {
        client.emit(Order { number });
    }
    client.flush_blocking(PATIENCE).unwrap();
    let Stats {
        delivered,
        dropped,
        retries,
        ..
    } = client.stats();
    assert_eq!((delivered, dropped), (99, 1));
    assert_eq!(client.stats().dropped_for(LossReason::RetriesSpent), 1);
    assert!(retries > 0);
    assert_eq!(peer.calls().1, 1, "it was asked for batches once");
}

#[test]
fn a_server_that_knows_neither_call_is_given_up_in_time() {
    let peer = Peer::answering_push(|_| Err(Status::unimplemented("unknown service")));
    let client = client(&peer.url)
        .retry_for(Duration::from_millis(300))
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    assert_eq!(client.stats().dropped_for(LossReason::RetriesSpent), 1);
}

#[test]
fn a_batch_that_always_fails_does_not_stand_before_the_others() {
    let peer = Peer::answering_batches(|batch| {
        if batch.entries.iter().any(is_poison) {
            Err(Status::internal("a bug"))
        } else {
            Ok(())
        }
    });
    let client = client(&peer.url)
        .batch_events(1)
        .retry_for(LONG)
        .build()
        .unwrap();
    client.emit(Order { number: 0 }.by("poison"));
    for number in 1..100 {
        client.emit(Order { number });
    }
    // The flush waits for the poison as well, so only its time ends it.
    while client.stats().delivered < 99 {
        client
            .flush_blocking(Duration::from_millis(10))
            .unwrap_err();
    }
    assert_eq!(client.stats().pending, 1);
    client.shutdown_blocking(Duration::ZERO);
}

#[tokio::test]
async fn a_batch_that_is_refused_is_halved_down_to_the_event_that_is_meant() {
    for code in [Code::InvalidArgument, Code::OutOfRange] {
        let peer = Peer::answering_batches(move |batch| {
            if batch.entries.iter().any(is_poison) {
                Err(Status::new(code, "no poison"))
            } else {
                Ok(())
            }
        });
        let client = client(&peer.url).linger(LONG).build().unwrap();
        for number in 0..100 {
            client.emit(Order { number });
        }
        let (good, bad, also_good) = tokio::join!(
            client.push(Order { number: 100 }),
            client.push(Order { number: 101 }.by("poison")),
            client.push(Order { number: 102 }),
        );
        assert_eq!((good, also_good), (Ok(()), Ok(())));
        assert_eq!(
            bad,
            Err(PushError::Rejected(format!("{code:?}: no poison")))
        );
        let report = client.shutdown(PATIENCE).await;
        assert_eq!(
            (report.delivered, report.rejected, report.dropped),
            (102, 1, 0)
        );
        assert_eq!(peer.entries().len(), 102);
    }
}

#[test]
fn every_other_code_is_tried_again_with_the_same_ids() {
    for code in [
        Code::Cancelled,
        Code::Unknown,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ] {
        let first = Mutex::new(None);
        let peer = Peer::answering_batches(move |batch| {
            let mut first = first.lock().unwrap();
            match &*first {
                None => {
                    *first = Some(batch.clone());
                    Err(Status::new(code, "not now"))
                }
                Some(first) => {
                    assert_eq!(batch, first);
                    Ok(())
                }
            }
        });
        let client = client(&peer.url).build().unwrap();
        client.emit(Order { number: 0 });
        client.flush_blocking(PATIENCE).unwrap();
        let Stats {
            delivered, retries, ..
        } = client.stats();
        assert_eq!(
            (delivered, retries, peer.entries().len()),
            (1, 1, 1),
            "{code:?}"
        );
    }
}

#[test]
fn what_was_acknowledged_by_push_before_the_shutdown_counts_as_delivered() {
    let peer = Peer::answering_push(|entry| {
        while is_poison(entry) {
            std::thread::park();
        }
        Ok(true)
    });
    let client = client(&peer.url).retry_for(LONG).build().unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    client.emit(Order { number: 1_000 }.by("poison"));
    while peer.entries().len() < 900 {
        std::thread::yield_now();
    }
    let report = client.shutdown_blocking(Duration::from_millis(500));
    // Of the 64 that are on their way when the server stands still, it may not have sent the answers.
    let acknowledged = peer.entries().len() as u64;
    assert!(
        (acknowledged - 64..=acknowledged).contains(&report.delivered),
        "{acknowledged} {report:?}"
    );
    assert_eq!(
        report.delivered + report.dropped_for(LossReason::ShutDown),
        1_001
    );
}

#[test]
fn an_event_alone_is_sent_after_its_linger_without_anybody_asking() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let client = client(&peer.url).build().unwrap();
    for number in 0..3 {
        client.emit(Order { number });
        while peer.entries().len() as u64 <= u64::from(number) {
            std::thread::yield_now();
        }
    }
    client.shutdown_blocking(PATIENCE);
}

#[test]
fn a_timeout_without_end_is_one_that_works() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let client = client(&peer.url)
        .timeout(Duration::MAX)
        .retry_for(Duration::MAX)
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(Duration::MAX).unwrap();
    assert_eq!(client.shutdown_blocking(Duration::MAX).delivered, 1);
}

//! The wire's limits, kept by both sides.

use std::time::Duration;

use logeater_client::{Event, LossReason};
use logeater_proto::event::event_client::EventClient;
use logeater_proto::event::{EventBatch, EventEntry};
use logeater_proto::{ENTRY_BYTES_MAX, REQUEST_BYTES_MAX};
use prost::Message;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Endpoint;

use crate::support::{Collector, client};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Event)]
#[event("note.taken")]
struct Note {
    text: String,
}

/// An entry of exactly so many bytes, as a note would be.
fn entry(bytes: usize) -> EventEntry {
    let with = |letters: usize| EventEntry {
        timestamp: 1_700_000_000_000,
        service: "it".to_owned(),
        r#type: "note.taken".to_owned(),
        details: Some(format!("{{\"text\":\"{}\"}}", "x".repeat(letters))),
        event_id: Some(vec![7; 16]),
        ..EventEntry::default()
    };
    // The details' own length takes as many bytes for all lengths near the limit.
    let frame = with(bytes / 2).encoded_len() - bytes / 2;
    let entry = with(bytes - frame);
    assert_eq!(entry.encoded_len(), bytes);
    entry
}

/// The letters of a note whose entry has exactly so many bytes.
fn letters(bytes: usize) -> usize {
    let details = entry(bytes).details.unwrap();
    details.len() - "{\"text\":\"\"}".len()
}

#[tokio::test]
async fn the_largest_event_arrives_and_a_larger_one_is_dropped_by_the_client() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    client.emit(Note {
        text: "x".repeat(letters(ENTRY_BYTES_MAX)),
    });
    client.emit(Note {
        text: "x".repeat(letters(ENTRY_BYTES_MAX) + 1),
    });
    client.emit(Note {
        text: "small".to_owned(),
    });
    let report = client.shutdown(PATIENCE).await;
    assert_eq!(
        (
            report.delivered,
            report.dropped_for(LossReason::TooLarge),
            report.lost()
        ),
        (2, 1, 1)
    );

    let lengths: Vec<u32> = collector
        .stop()
        .all("SELECT length(text) FROM note ORDER BY 1");
    assert_eq!(
        lengths,
        [5, u32::try_from(letters(ENTRY_BYTES_MAX)).unwrap()]
    );
}

#[tokio::test]
async fn many_large_events_are_cut_into_requests_that_a_server_takes() {
    let collector = Collector::start();
    let client = client(&collector.url)
        .batch_bytes(REQUEST_BYTES_MAX)
        .buffer_bytes(32 << 20)
        .build()
        .unwrap();
    for _ in 0..20 {
        client.emit(Note {
            text: "x".repeat(900_000),
        });
    }
    let report = client.shutdown(PATIENCE).await;
    assert_eq!((report.delivered, report.lost()), (20, 0));
    assert_eq!(collector.stop().one::<i64>("SELECT count(*) FROM note"), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_collector_limits_what_a_request_is_once_it_is_decompressed() {
    let collector = Collector::start();
    let channel = Endpoint::from_shared(collector.url.clone())
        .unwrap()
        .connect_lazy();
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let mut peer = EventClient::new(channel.clone()).send_compressed(encoding);
        let bomb = EventBatch {
            entries: vec![entry(1_000_000); 100],
        };
        let refusal = peer.push_batch(bomb).await.unwrap_err();
        assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal}");
        assert!(refusal.message().contains("4194304 bytes"), "{refusal}");
    }
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        0
    );
}

// The peer's connection must be able to end while the collector waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_collector_refuses_what_a_client_should_not_have_sent() {
    let collector = Collector::start();
    let channel = Endpoint::from_shared(collector.url.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut peer = EventClient::new(channel);

    let batch = EventBatch {
        entries: vec![entry(ENTRY_BYTES_MAX + 1), entry(1_000)],
    };
    let answer = peer.push_batch(batch).await.unwrap().into_inner();
    assert_eq!(
        (
            answer.accepted,
            answer.rejected.len(),
            answer.rejected[0].index
        ),
        (1, 1, 0)
    );
    assert!(
        answer.rejected[0].reason.contains("1048577 bytes"),
        "{}",
        answer.rejected[0].reason
    );

    let too_large = peer
        .push_batch(EventBatch {
            entries: vec![entry(1_000_000); 5],
        })
        .await
        .unwrap_err();
    assert_eq!(too_large.code(), Code::OutOfRange);
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        1
    );
}

//! Emitting takes no memory from the heap, once the client has what it needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_client::{Client, Column, Event};

use crate::support::{Front, Peer};

/// A window of events.
const EVENTS: u32 = 1_000;

#[derive(Event)]
#[event("purchase.completed")]
struct Purchase {
    #[event(user_id)]
    user: String,
    screen: String,
    amount_cents: i64,
    status: Status,
    weight: f64,
    first: bool,
    experiment: Option<&'static str>,
    address: Address,
}

#[derive(Column)]
enum Status {
    Paid,
}

#[derive(Column)]
struct Address {
    city: String,
    floors: Vec<u8>,
}

fn purchase() -> Purchase {
    Purchase {
        user: "u-42".to_owned(),
        screen: "a \"quoted\" summary".to_owned(),
        amount_cents: -129_900,
        status: Status::Paid,
        weight: 12.75,
        first: true,
        experiment: Some("pricing"),
        address: Address {
            city: "Köln".to_owned(),
            floors: vec![0, 1, 2],
        },
    }
}

/// Held while no request is to be answered.
type Gate = Arc<Mutex<()>>;

/// The allocations of this thread while it emits a window of events, which are delivered only then.
fn window(client: &Client, gate: &Gate) -> u64 {
    let purchase = purchase();
    let held = gate.lock().unwrap();
    let counted = allocation_counter::measure(|| {
        for _ in 0..EVENTS {
            client.emit(&purchase);
        }
    });
    drop(held);
    client.flush_blocking(Duration::from_secs(20)).unwrap();
    counted.count_total
}

/// Emits windows of events, each so many batches: all but the first take no memory.
fn check_windows(batches: u32) {
    let gate = Gate::default();
    let gate_of_peer = Arc::clone(&gate);
    let peer = Peer::behind(Front::default().on_head(move |_| {
        drop(gate_of_peer.lock().unwrap());
        Ok(())
    }));
    let client = Client::builder(&peer.url)
        .service("it")
        .batch_events(EVENTS / batches)
        .linger(Duration::from_hours(1))
        .build()
        .unwrap();
    assert!(
        window(&client, &gate) > 0,
        "the first segments have to grow"
    );
    assert_eq!([(); 3].map(|()| window(&client, &gate)), [0; 3]);
    let report = client.shutdown_blocking(Duration::from_secs(20));
    assert_eq!(report.delivered, 4 * u64::from(EVENTS));
    assert_eq!(peer.calls(), (0, 4 * u64::from(batches)));
}

#[test]
fn emit_takes_no_memory_once_segments_are_used_again() {
    check_windows(1);
}

#[test]
fn emit_takes_no_memory_when_it_seals_one_segment_after_the_other() {
    // As many as there are buffers to use again.
    check_windows(4);
}

//! A server that has only the seed's contract.

use std::time::Duration;

use logeater_client::{Client, EventExt, PushError, Stats};

use crate::support::{Noise, Order, Peer, Reply, ScriptedPeer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_server_that_knows_only_push_gets_every_event_once() {
    let peer = Peer::push_only();
    let client = client(&peer.url).build().unwrap();
    for number in 0..1_000 {
        client.emit(Order { number }.by("u-42"));
    }
    let report = client.shutdown(PATIENCE).await;
    assert_eq!(
        (report.emitted, report.delivered, report.lost()),
        (1_000, 1_000, 0)
    );

    let mut details: Vec<_> = peer
        .entries()
        .into_iter()
        .map(|entry| entry.details.unwrap())
        .collect();
    details.sort_unstable();
    let mut expected: Vec<_> = (0..1_000)
        .map(|number| format!("{{\"number\":{number}}}"))
        .collect();
    expected.sort_unstable();
    assert_eq!(details, expected);
    let entry = &peer.entries()[0];
    assert_eq!(
        (entry.service.as_str(), entry.r#type.as_str()),
        ("it", "order.placed")
    );
    assert_eq!(entry.user_id.as_deref(), Some("u-42"));
    assert_eq!(entry.event_id.as_ref().map(Vec::len), Some(16));
}

#[tokio::test]
async fn the_batch_call_is_tried_once_and_not_for_every_batch() {
    let peer = Peer::push_only();
    // One batch, however slowly it is emitted.
    let client = client(&peer.url)
        .batch_events(10)
        .linger(LONG)
        .build()
        .unwrap();
    for number in 0..10 {
        client.emit(Order { number });
    }
    client.flush(PATIENCE).await.unwrap();
    assert_eq!(peer.calls(), (10, 1));
    for number in 10..500 {
        client.emit(Order { number });
    }
    client.flush(PATIENCE).await.unwrap();
    assert_eq!(peer.calls(), (500, 1));
}

#[tokio::test]
async fn an_event_that_the_server_refuses_costs_no_other() {
    let peer = Peer::push_only();
    let client = client(&peer.url).build().unwrap();
    for number in 0..100 {
        let user = match number {
            7 => "refused",
            8 => "invalid",
            _ => "welcome",
        };
        client.emit(Order { number }.by(user));
    }
    let refused = client.push(Order { number: 100 }.by("refused")).await;
    assert_eq!(
        refused,
        Err(PushError::Rejected(
            "the server answered success = false".to_owned()
        ))
    );
    let invalid = client.push(Order { number: 101 }.by("invalid")).await;
    assert!(
        matches!(&invalid, Err(PushError::Rejected(reason)) if reason.contains("no such user")),
        "{invalid:?}"
    );

    let report = client.shutdown(PATIENCE).await;
    let Stats {
        emitted,
        delivered,
        rejected,
        dropped,
        pending,
        ..
    } = report;
    assert_eq!(
        (emitted, delivered, rejected, dropped, pending),
        (102, 98, 4, 0, 0)
    );
    assert_eq!(peer.entries().len(), 98);
}

#[test]
fn of_events_one_by_one_64_are_on_their_way_and_no_more() {
    let peer = ScriptedPeer::push_only([], Reply::StoresAnd(Noise::Silence));
    let client = client(&peer.url).timeout(LONG).build().unwrap();
    for number in 0..1_000 {
        client.emit(Order { number });
    }
    while peer.calls().0 < 64 {
        std::thread::yield_now();
    }
    client
        .flush_blocking(Duration::from_millis(300))
        .unwrap_err();
    assert_eq!(peer.calls(), (64, 0));
    client.shutdown_blocking(Duration::ZERO);
}

/// Sends ten events at once.
fn send_ten(client: &Client) {
    for number in 0..10 {
        client.emit(Order { number });
    }
    client.flush_blocking(PATIENCE).unwrap();
}

#[test]
fn a_server_that_has_learned_batches_gets_some_when_its_connection_breaks() {
    for noise in [Noise::End, Noise::Reset, Noise::GoAway] {
        let first_ten = [Reply::Stores; 10];
        let script = first_ten.into_iter().chain([Reply::Only(noise)]);
        let peer = ScriptedPeer::push_only(script, Reply::Stores);
        let client = client(&peer.url).linger(LONG).build().unwrap();
        send_ten(&client);
        assert_eq!(peer.calls(), (10, 0));
        peer.learn_batches();
        send_ten(&client);
        let (pushes, batches) = peer.calls();
        assert!(pushes <= 20, "{noise:?}: {pushes}");
        assert_eq!(batches, 1, "{noise:?}");
        assert_eq!(client.stats().delivered, 20);
    }
}

//! The service around the events: limits, health, shutdown.

use std::pin::pin;
use std::time::Duration;

use logeater_proto::REQUEST_BYTES_MAX;
use prost::Message;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Folder, Running, batch, event, event_with_id};

#[tokio::test]
async fn a_request_at_the_limit_is_taken_and_one_beyond_is_not() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    let entry = |bytes: usize| {
        event(
            "cart.add",
            &format!(r#"{{"text":"{}"}}"#, "a".repeat(bytes)),
        )
    };
    let parts = |last: usize| {
        batch([
            entry(1_000_000),
            entry(1_000_000),
            entry(1_000_000),
            entry(1_000_000),
            entry(last),
        ])
    };
    let rest = REQUEST_BYTES_MAX - parts(100_000).encoded_len();

    let fits = parts(100_000 + rest);
    assert_eq!(fits.encoded_len(), REQUEST_BYTES_MAX);
    assert_eq!(
        client.push_batch(fits).await.unwrap().into_inner().accepted,
        5
    );
    let status = client.push_batch(parts(100_001 + rest)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), 5);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_batch_is_accepted() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let answer = running
        .client()
        .await
        .push_batch(batch([]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((answer.accepted, answer.rejected.len()), (0, 0));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_health_service_says_that_events_are_served() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let channel = Endpoint::from_shared(running.address.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = HealthClient::new(channel);
    for service in ["", "event.Event"] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let status = client.check(request).await.unwrap().into_inner().status;
        assert_eq!(status, i32::from(ServingStatus::Serving), "{service}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_watcher_of_the_health_is_told_and_does_not_hold_up_the_shutdown() {
    let folder = Folder::new();
    let running = Running::start(folder.config().drain_timeout(Duration::from_mins(10))).await;
    let channel = Endpoint::from_shared(running.address.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let request = HealthCheckRequest {
        service: "event.Event".to_owned(),
    };
    let mut watched = HealthClient::new(channel)
        .watch(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watched.message().await.unwrap().unwrap().status,
        i32::from(ServingStatus::Serving)
    );

    let (stopped, last) = tokio::join!(running.stop(), watched.message());

    stopped.unwrap();
    assert_eq!(
        last.unwrap().unwrap().status,
        i32::from(ServingStatus::NotServing)
    );
}

#[tokio::test]
async fn what_is_on_its_way_when_the_collector_stops_is_stored_and_acknowledged() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let (mut client, mut other) = {
        let client = running.client().await;
        (client.clone(), client)
    };
    // Once it has answered, its store is open.
    other.push(event("no type", "{}")).await.unwrap_err();
    let holder = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();

    let mut push =
        pin!(client.push_batch(batch((0..50).map(|id| event_with_id(id, "cart.add", "{}")))));
    // What is refused is answered at once, after the batch before it on the same connection has arrived.
    tokio::select! {
        biased;
        answer = &mut push => panic!("answered without a commit: {answer:?}"),
        refused = other.push(event("no type", "{}")) => assert!(refused.is_err()),
    }
    let release = async move {
        tokio::task::yield_now().await;
        holder.execute_batch("COMMIT").unwrap();
        drop(holder);
    };
    let (stopped, answer, ()) = tokio::join!(running.stop(), push, release);

    stopped.unwrap();
    assert_eq!(answer.unwrap().into_inner().accepted, 50);
    let log = std::fs::metadata(folder.data().join("logeater.db-wal"));
    assert_eq!(
        log.map_or(0, |log| log.len()),
        0,
        "the log was moved into the database"
    );
    assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), 50);
}

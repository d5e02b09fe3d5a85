//! The service around the events: limits, health, shutdown.

use std::time::Duration;

use logeater_proto::REQUEST_BYTES_MAX;
use prost::Message;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Folder, Running, batch, event};

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
async fn what_is_acknowledged_while_the_collector_stops_is_stored() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let client = running.client().await;
    let pushes: Vec<_> = (0..50)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.push(event("cart.add", "{}")).await })
        })
        .collect();
    running.stop().await.unwrap();
    assert!(
        !folder.data().join("logeater.db-wal").exists(),
        "the log was moved into the database"
    );

    let mut acknowledged = 0;
    for push in pushes {
        acknowledged += i64::from(push.await.unwrap().is_ok());
    }
    let stored: i64 = folder.one("SELECT count(*) FROM events", []);
    assert!(
        stored >= acknowledged,
        "{stored} stored, {acknowledged} acknowledged"
    );
}

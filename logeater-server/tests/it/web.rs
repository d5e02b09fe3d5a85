//! `/metrics`, `/healthz` and `/readyz`, and what the health service says at the same time.

use std::collections::HashMap;
use std::time::Duration;

use logeater_server::{Config, Jsonl, SinkConfig, Token};
use prometheus_parse::{Scrape, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Request;
use tonic::transport::Endpoint;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::support::{Folder, Running, batch, event, event_with_id};

/// The status and the body of a page.
async fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

async fn scrape(address: &str) -> (String, Scrape) {
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = Scrape::parse(lines).unwrap();
    (text, scrape)
}

/// Each sample that is one whole number, by its name and its labels.
fn numbers(scrape: &Scrape) -> HashMap<String, u64> {
    let number = |value: &Value| match value {
        Value::Counter(number) | Value::Gauge(number) => Some(*number),
        _ => None,
    };
    let samples = scrape.samples.iter().filter_map(|sample| {
        let mut labels: Vec<_> = sample.labels.values().map(String::as_str).collect();
        labels.sort_unstable();
        let name = [&[sample.metric.as_str()], &labels[..]].concat().join(" ");
        Some((name, whole(number(&sample.value)?)))
    });
    samples.collect()
}

fn whole(number: f64) -> u64 {
    // As text, a number that is not whole is none.
    number.to_string().parse().unwrap()
}

async fn health(running: &Running) -> HealthClient<tonic::transport::Channel> {
    let endpoint = Endpoint::from_shared(running.address.clone()).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn serving(response: HealthCheckResponse) -> bool {
    response.status == i32::from(ServingStatus::Serving)
}

async fn start(config: Config) -> (Running, String) {
    Running::start_with_web(config).await
}

#[tokio::test]
async fn every_number_adds_up_as_another_reads_it() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let (running, web) = start(folder.config()).await;
    let mut client = running.client().await;
    let all = [
        event_with_id(1, "cart.add", r#"{"sku":"a"}"#),
        event_with_id(1, "cart.add", r#"{"sku":"a"}"#),
        event_with_id(2, "cart.add", r#"{"sku":7}"#),
        event_with_id(3, "no type", "{}"),
    ];
    client.push_batch(batch(all)).await.unwrap();
    client.push(event("no type", "{}")).await.unwrap_err();

    let (text, scrape) = scrape(&web).await;

    let numbers = numbers(&scrape);
    for (name, expected) in [
        ("logeater_events_total stored", 2),
        ("logeater_events_total repeated", 1),
        ("logeater_events_total refused", 2),
        ("logeater_dead_letters_total", 1),
        ("logeater_requests_total Ok", 1),
        ("logeater_requests_total InvalidArgument", 1),
        ("logeater_connections", 1),
        ("logeater_connections_refused_total", 0),
        ("logeater_queue_bytes", 0),
        ("logeater_queue_capacity_bytes", 67_108_864),
    ] {
        assert_eq!(numbers.get(name), Some(&expected), "{name} of {text}");
    }
    assert!(numbers["logeater_store_bytes"] > 4_096, "{text}");
    for (name, times) in [("logeater_push_seconds", 1), ("logeater_commit_seconds", 1)] {
        let found = scrape.samples.iter().find(|sample| sample.metric == name);
        assert!(
            matches!(found.map(|sample| &sample.value), Some(Value::Histogram(buckets))
                if whole(buckets.last().unwrap().count) == times),
            "{name} of {text}"
        );
    }
    for sample in &scrape.samples {
        let name = sample
            .metric
            .trim_end_matches("_sum")
            .trim_end_matches("_count");
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_not_taken_is_counted_by_its_reason_and_not_by_its_entries() {
    let folder = Folder::new();
    let config = folder.config().token(Token::new("shop", "a secret"));
    let (running, web) = start(config.request_entries(2)).await;
    let mut client = running.client().await;
    let mut push = async |entries| {
        let mut request = Request::new(batch(
            (0..entries).map(|id| event_with_id(id, "cart.add", "{}")),
        ));
        let token = "Bearer a secret".parse().unwrap();
        request.metadata_mut().insert("authorization", token);
        client.push_batch(request).await
    };
    push(3).await.unwrap_err();
    let store = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'broken'); END";
    store.execute_batch(broken).unwrap();
    push(2).await.unwrap_err();
    store.execute_batch("DROP TRIGGER broken").unwrap();
    push(2).await.unwrap();

    let (text, scrape) = scrape(&web).await;

    let numbers = numbers(&scrape);
    for (name, expected) in [
        ("logeater_requests_refused_total bad_batch", 1),
        ("logeater_requests_refused_total store_failed", 1),
        ("logeater_events_total stored", 2),
        ("logeater_events_total refused", 0),
        ("logeater_token_events_total shop", 2),
    ] {
        assert_eq!(numbers.get(name), Some(&expected), "{name} of {text}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_sink_that_fails_is_seen_with_what_waits_for_it() {
    let folder = Folder::new();
    // A folder cannot be made below a file.
    std::fs::write(folder.schemas(), "a file").unwrap();
    let sink =
        SinkConfig::new(Jsonl::new(folder.schemas().join("below"))).batch_wait(Duration::ZERO);
    let config = Config::new(folder.data()).sink("archive", sink);
    let (running, web) = start(config).await;
    let mut client = running.client().await;
    let events = (0..3).map(|id| event_with_id(id, "cart.add", "{}"));
    client.push_batch(batch(events)).await.unwrap();

    let numbers = loop {
        let numbers = numbers(&scrape(&web).await.1);
        if numbers.get("logeater_sink_failures_total archive") > Some(&0) {
            break numbers;
        }
    };

    assert_eq!(numbers["logeater_sink_lag_events archive"], 3);
    assert!(numbers["logeater_sink_lag_seconds archive"] < 60);
    assert_eq!(numbers["logeater_sink_events archive delivered"], 0);
    assert_eq!(numbers["logeater_sink_failing archive"], 1);
    assert_eq!(numbers["logeater_sink_paused archive"], 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_page_that_is_not_there_is_404_and_the_process_is_alive() {
    let folder = Folder::new();
    let (running, web) = start(folder.config()).await;
    assert_eq!(get(&web, "/metrix").await.0, 404);
    assert_eq!(get(&web, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get(&web, "/readyz").await, (200, "ok\n".to_owned()));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_commit_is_not_ready_until_it_can() {
    let folder = Folder::new();
    let (running, web) = start(folder.config()).await;
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();
    let request = HealthCheckRequest {
        service: "event.Event".to_owned(),
    };
    let mut watched = health(&running)
        .await
        .watch(request)
        .await
        .unwrap()
        .into_inner();
    assert!(serving(watched.message().await.unwrap().unwrap()));
    let store = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    store
        .execute_batch(
            "CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        .unwrap();

    client.push(event("cart.add", "{}")).await.unwrap_err();

    assert!(!serving(watched.message().await.unwrap().unwrap()));
    let not_ready = "the store cannot commit; the log says why\n".to_owned();
    assert_eq!(get(&web, "/readyz").await, (503, not_ready));
    assert_eq!(get(&web, "/healthz").await.0, 200);

    store.execute_batch("DROP TRIGGER broken").unwrap();
    client.push(event("cart.add", "{}")).await.unwrap();

    assert!(serving(watched.message().await.unwrap().unwrap()));
    assert_eq!(get(&web, "/readyz").await.0, 200);
    let numbers = numbers(&scrape(&web).await.1);
    assert_eq!(numbers["logeater_requests_refused_total store_failed"], 1);
    drop(watched);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_still_says_so() {
    let folder = Folder::new();
    let (running, web) = start(folder.config()).await;
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();
    let holder = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut health = health(&running).await;
    let request = HealthCheckRequest::default();
    let mut watched = health.watch(request).await.unwrap().into_inner();
    watched.message().await.unwrap();
    let push = tokio::spawn(async move { client.push(event("cart.add", "{}")).await });
    let metric = "logeater_queue_bytes";
    while numbers(&scrape(&web).await.1)[metric] == 0 {}

    let stopped = tokio::spawn(running.stop());

    // The watcher is told when the drain has begun.
    assert!(!serving(watched.message().await.unwrap().unwrap()));
    let draining = "the collector is shutting down\n".to_owned();
    assert_eq!(get(&web, "/readyz").await, (503, draining));
    holder.execute_batch("COMMIT").unwrap();
    push.await.unwrap().unwrap();
    stopped.await.unwrap().unwrap();
}

#[cfg(feature = "reflection")]
#[tokio::test]
async fn reflection_names_the_services_in_both_of_its_versions() {
    use tonic_reflection::pb::{v1, v1alpha};

    let folder = Folder::new();
    let (running, _) = start(folder.config()).await;
    let endpoint = Endpoint::from_shared(running.address.clone()).unwrap();
    let channel = endpoint.connect().await.unwrap();
    macro_rules! services {
        ($version:ident) => {{
            use $version::server_reflection_client::ServerReflectionClient;
            use $version::server_reflection_request::MessageRequest;
            use $version::server_reflection_response::MessageResponse;
            let request = $version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let mut client = ServerReflectionClient::new(channel.clone());
            let answers = client.server_reflection_info(tokio_stream::once(request));
            let mut answers = answers.await.unwrap().into_inner();
            match answers.message().await.unwrap().unwrap().message_response {
                Some(MessageResponse::ListServicesResponse(list)) => {
                    let mut names: Vec<_> = list.service.into_iter().map(|it| it.name).collect();
                    names.sort();
                    names
                }
                other => panic!("{other:?}"),
            }
        }};
    }
    let expected = |version| ["event.Event", "grpc.health.v1.Health", version];
    assert_eq!(
        services!(v1),
        expected("grpc.reflection.v1.ServerReflection")
    );
    assert_eq!(
        services!(v1alpha),
        expected("grpc.reflection.v1alpha.ServerReflection")
    );
    running.stop().await.unwrap();
}

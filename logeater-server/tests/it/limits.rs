//! What clients that are too many, too large, too slow or half there get, and that they hold up nobody.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use logeater_server::{Delivery, Sink, SinkConfig, StoredEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{Folder, Running, batch, event, event_with_id};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(1);

/// Less than it takes until a connection is found to be dead.
const PATIENCE: Duration = Duration::from_secs(30);

/// A time that is waited for.
const SOON: Duration = Duration::from_millis(50);

/// Long enough for a store to close, and waited for too.
const DRAIN: Duration = Duration::from_secs(2);

/// A client that keeps to HTTP/2 and not to gRPC.
struct Rude(SendRequest<Bytes>);

impl Rude {
    async fn connect(running: &Running) -> Self {
        let stream = tcp(running).await;
        let (requests, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(requests.ready().await.unwrap())
    }

    /// Sends the head of a batch and `bytes` of it, one less than it says, and stays.
    fn push_half(&mut self, bytes: usize) -> (ResponseFuture, SendStream<Bytes>) {
        self.send_half("event.Event/PushBatch", bytes)
    }

    /// The same to any method.
    fn send_half(&mut self, method: &str, bytes: usize) -> (ResponseFuture, SendStream<Bytes>) {
        let request = Request::post(format!("http://localhost/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let (response, mut body) = self.0.send_request(request, false).unwrap();
        let len = u32::try_from(bytes + 1).unwrap().to_be_bytes();
        let message = [&[0], &len[..], &vec![0; bytes]].concat();
        body.send_data(message.into(), false).unwrap();
        (response, body)
    }
}

async fn tcp(running: &Running) -> TcpStream {
    let address = running.address.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// The status of an answer, wherever it stands.
async fn status(response: ResponseFuture) -> Status {
    let response = response.await.unwrap();
    match Status::from_header_map(response.headers()) {
        Some(status) => status,
        None => Status::from_header_map(&trailers(response.into_body()).await).unwrap(),
    }
}

async fn trailers(mut body: RecvStream) -> HeaderMap {
    while let Some(data) = body.data().await {
        data.unwrap();
    }
    body.trailers().await.unwrap().unwrap()
}

#[tokio::test]
async fn a_request_that_does_not_arrive_in_time_is_ended() {
    let folder = Folder::new();
    let running = Running::start(folder.config().request_timeout(SOON)).await;
    let mut rude = Rude::connect(&running).await;

    let (response, _body) = rude.push_half(100);

    let status = status(response).await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert_eq!(status.message(), "the request did not arrive within 50ms");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_the_drain() {
    let folder = Folder::new();
    let config = folder.config().request_timeout(NEVER).drain_timeout(DRAIN);
    let running = Running::start(config).await;
    let mut rude = Rude::connect(&running).await;
    let (response, _body) = rude.push_half(100);
    // What comes after it on the same connection was answered, so it has arrived.
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();

    running.stop().await.unwrap();

    let cut = tokio::time::timeout(PATIENCE, response).await;
    cut.expect("the connection is cut").unwrap_err();
}

/// Says when it delivers, and stores when it is told to.
#[derive(Debug)]
struct Waits {
    delivering: watch::Sender<bool>,
    told: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl Sink for Waits {
    async fn deliver(&self, _: &[StoredEvent]) -> Delivery {
        self.delivering.send_replace(true);
        let told = self.told.clone().wait_for(|told| *told).await.map(drop);
        told.map_or_else(
            |gone| Delivery::failed(gone.to_string()),
            |()| Delivery::stored(),
        )
    }
}

#[tokio::test]
async fn half_a_request_takes_no_time_from_what_is_on_its_way_to_sinks() {
    let folder = Folder::new();
    let (delivering, mut is_delivering) = watch::channel(false);
    let (tell, told) = watch::channel(false);
    let sink = SinkConfig::new(Waits { delivering, told }).batch_wait(Duration::ZERO);
    let config = folder.config().request_timeout(NEVER).drain_timeout(DRAIN);
    let running = Running::start(config.sink("slow", sink)).await;
    let mut rude = Rude::connect(&running).await;
    let (response, _body) = rude.push_half(100);
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();
    is_delivering.wait_for(|is| *is).await.unwrap();

    let stopped = tokio::spawn(running.stop());
    // The requests' time is over when their connections are cut.
    response.await.unwrap_err();
    tell.send_replace(true);
    stopped.await.unwrap().unwrap();

    let delivered = folder.one::<i64>("SELECT delivered FROM _logeater_sinks", []);
    assert_eq!(delivered, 1);
}

#[tokio::test]
async fn requests_that_are_not_whole_have_a_memory_of_their_own_that_ends() {
    let folder = Folder::new();
    let config = folder.config().request_timeout(NEVER).queue_bytes(1);
    let running = Running::start(config.drain_timeout(DRAIN)).await;
    let mut clients = Vec::new();
    let mut answers = tokio::task::JoinSet::new();
    // The least that a queue may have is 4 MiB: three halves of 1.5 MiB are more.
    for _ in 0..3 {
        let mut rude = Rude::connect(&running).await;
        let (response, body) = rude.push_half(3 << 19);
        answers.spawn(status(response));
        clients.push((rude, body));
    }

    let refused = first(&mut answers).await;

    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert_eq!(refused.message(), "too many requests are arriving at once");
    let pause = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(pause, Some(Duration::from_millis(250)));
    answers.abort_all();
    running.stop().await.unwrap();
}

/// Gives the first answer that comes to any of some requests.
async fn first(answers: &mut tokio::task::JoinSet<Status>) -> Status {
    let answer = tokio::time::timeout(PATIENCE, answers.join_next()).await;
    answer.expect("an answer").unwrap().unwrap()
}

#[tokio::test]
async fn one_connection_does_not_take_the_room_of_the_others() {
    let folder = Folder::new();
    let config = folder.config().request_timeout(NEVER).drain_timeout(DRAIN);
    let running = Running::start(config).await;
    let mut rude = Rude::connect(&running).await;
    let mut bodies = Vec::new();
    let mut answers = tokio::task::JoinSet::new();
    // An eighth of 64 MiB is less than three of 3 MiB.
    for _ in 0..3 {
        let (response, body) = rude.push_half(3 << 20);
        answers.spawn(status(response));
        bodies.push(body);
    }

    let refused = first(&mut answers).await;

    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert_eq!(
        refused.message(),
        "too many requests of this connection are arriving at once"
    );
    let pause = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(pause, Some(Duration::from_millis(250)));
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();
    answers.abort_all();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_asks_for_no_token_takes_only_what_is_small() {
    let folder = Folder::new();
    let config = folder.config().request_timeout(NEVER).queue_bytes(1);
    let running = Running::start(config.drain_timeout(DRAIN)).await;
    let mut methods = vec![
        ("grpc.health.v1.Health/Check", Code::OutOfRange),
        ("grpc.health.v1.Health/Watch", Code::OutOfRange),
    ];
    if cfg!(feature = "reflection") {
        // It ends its stream without a word.
        methods.extend([
            (
                "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                Code::Ok,
            ),
            (
                "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                Code::Ok,
            ),
        ]);
    }
    let mut clients = Vec::new();
    for (method, end) in methods {
        let mut rude = Rude::connect(&running).await;
        let (response, body) = rude.send_half(method, 3 << 20);
        let ended = tokio::time::timeout(PATIENCE, status(response)).await;
        assert_eq!(ended.expect("an answer").code(), end, "{method}");
        // Small ones are waited for, and take nothing of what events may.
        let (response, small) = rude.send_half(method, 4_000);
        clients.push((rude, body, response, small));
    }

    let mut client = running.client().await;
    let large = format!(r#"{{"a":"{}"}}"#, "a".repeat(1_047_000));
    // 4 MiB but for 6 KB.
    let four = batch((0..4).map(|id| event_with_id(id, "cart.add", &large)));
    client.push_batch(four).await.unwrap();

    drop(clients);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_nothing_of_http_2_is_closed() {
    let folder = Folder::new();
    let running = Running::start(folder.config().request_timeout(SOON)).await;
    for said in ["", "PRI * HTT", "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        let mut stream = tcp(&running).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let end = stream.read(&mut [0]).await;
        assert!(!matches!(end, Ok(1..)), "{said}: {end:?}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_a_place_is_free_again() {
    let folder = Folder::new();
    let running = Running::start(folder.config().connections(1)).await;
    let first = Rude::connect(&running).await;
    let mut second = tcp(&running).await;
    let end = second.read(&mut [0]).await;
    assert!(!matches!(end, Ok(1..)), "{end:?}");

    drop(first);

    // The collector learns of the end when it comes to it.
    loop {
        let mut stream = tcp(&running).await;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .ok();
        if matches!(stream.read(&mut [0]).await, Ok(1)) {
            break;
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_limits_of_a_request_are_those_of_the_configuration() {
    let folder = Folder::new();
    let config = folder
        .config()
        .request_bytes(1_000)
        .request_entries(2)
        .streams(7);
    let running = Running::start(config).await;
    let mut client = running.client().await;

    let three = batch((0..3).map(|id| event_with_id(id, "cart.add", "{}")));
    let status = client.push_batch(three).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "a batch has at most 2 entries");
    let large = event("cart.add", &format!(r#"{{"a":"{}"}}"#, "a".repeat(1_000)));
    let status = client.push(large).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");

    let next = folder.config().request_entries(3);
    running.control.reload(next).await.unwrap();
    let three = batch((0..3).map(|id| event_with_id(id, "cart.add", "{}")));
    client.push_batch(three).await.unwrap();

    let (requests, mut connection) = h2::client::handshake(tcp(&running).await).await.unwrap();
    let settings = std::future::poll_fn(|context| {
        // It reads until the other side has said what its limits are.
        let _ = std::pin::Pin::new(&mut connection).poll(context);
        match requests.current_max_send_streams() {
            7 => std::task::Poll::Ready(()),
            _ => std::task::Poll::Pending,
        }
    });
    tokio::time::timeout(NEVER, settings).await.unwrap();
    drop(connection);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let folder = Folder::new();
    let running = Running::start(folder.config().queue_requests(1)).await;
    let client = running.client().await;
    let holder = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();

    let mut pushes = tokio::task::JoinSet::new();
    for id in 0..10 {
        let mut client = client.clone();
        pushes.spawn(async move { client.push(event_with_id(id, "cart.add", "{}")).await });
    }
    let status = pushes.join_next().await.unwrap().unwrap().unwrap_err();

    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let pause = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(pause, Some(Duration::from_millis(250)));
    holder.execute_batch("COMMIT").unwrap();
    drop(pushes);
    running.stop().await.unwrap();
}

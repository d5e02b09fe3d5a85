//! Connections that are not made, and connections that are dead without a word.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use logeater_client::LossReason;
use tokio::net::{TcpListener, TcpSocket};

use crate::support::{Order, Peer, Proxy, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

#[test]
fn a_connection_that_is_dead_without_a_word_is_noticed_and_replaced() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let proxy = Proxy::of(&peer.url);
    let client = client(&proxy.url)
        .timeout(LONG)
        .keepalive(Duration::from_millis(600))
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    proxy.fall_silent();
    client.emit(Order { number: 1 });
    client.flush_blocking(PATIENCE).unwrap();
    assert_eq!((peer.entries().len(), proxy.connections()), (2, 2));
    assert_eq!(client.stats().delivered, 2);
}

#[test]
fn an_idle_connection_is_probed_if_that_is_asked_for() {
    let peer = Peer::answering_batches(|_| Ok(()));
    let proxy = Proxy::of(&peer.url);
    let client = client(&proxy.url)
        .keepalive(Duration::from_millis(150))
        .keepalive_while_idle(true)
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    proxy.fall_silent();
    // Nothing is sent, and yet it is closed.
    let started = Instant::now();
    while proxy.open() > 0 {
        assert!(started.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    client.emit(Order { number: 1 });
    assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 2);
}

/// A listener whose queue is full: the system answers nobody who wants to connect. Must be called within a runtime.
fn full() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let waiting = std::iter::from_fn(connect).collect();
    (listener, waiting, address)
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_given_up_in_time() {
    let (_listener, _waiting, address) = full();
    let client = client(&format!("http://{address}"))
        .timeout(LONG)
        .connect_timeout(Duration::from_millis(50))
        .retry_for(Duration::ZERO)
        .build()
        .unwrap();
    client.emit(Order { number: 0 });
    client.flush(PATIENCE).await.unwrap();
    assert_eq!(client.stats().dropped_for(LossReason::RetriesSpent), 1);
}

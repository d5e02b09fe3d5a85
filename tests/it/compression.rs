//! Batches that are compressed, and servers that cannot read them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_client::{ClientBuilder, Compression, Stats};
use tonic::codec::CompressionEncoding;

use crate::support::{Collector, Front, Order, Peer, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// The encoding of each request that a peer got.
#[derive(Clone, Default)]
struct Encodings(Arc<Mutex<Vec<String>>>);

impl Encodings {
    /// A front that notes them.
    fn noting(&self) -> Front {
        let Self(encodings) = self.clone();
        Front::default().on_head(move |head| {
            let encoding = head.get("grpc-encoding");
            let encoding = encoding.map_or("none", |encoding| encoding.to_str().unwrap());
            encodings.lock().unwrap().push(encoding.to_owned());
            Ok(())
        })
    }

    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Sends two batches of one event each, one after the other.
fn send_two(builder: ClientBuilder) -> Stats {
    let client = builder.build().unwrap();
    for number in 0..2 {
        client.emit(Order { number });
        client.flush_blocking(PATIENCE).unwrap();
    }
    client.shutdown_blocking(PATIENCE)
}

#[test]
fn a_server_that_reads_it_gets_batches_compressed() {
    for (compression, encoding, name) in [
        (Compression::Gzip, CompressionEncoding::Gzip, "gzip"),
        (Compression::Zstd, CompressionEncoding::Zstd, "zstd"),
    ] {
        let encodings = Encodings::default();
        let peer = Peer::behind(encodings.noting().accept(encoding));
        let report = send_two(client(&peer.url).compression(compression));
        assert_eq!((report.delivered, peer.entries().len()), (2, 2));
        assert_eq!(encodings.seen(), [name, name]);
    }
}

#[test]
fn a_server_that_cannot_read_it_is_asked_once_and_gets_batches_as_they_are() {
    let encodings = Encodings::default();
    let peer = Peer::behind(encodings.noting().accept(CompressionEncoding::Zstd));
    let report = send_two(client(&peer.url).compression(Compression::Gzip));
    assert_eq!((report.delivered, report.retries), (2, 0));
    assert_eq!(encodings.seen(), ["gzip", "none", "none"]);
    assert_eq!(
        peer.calls(),
        (0, 2),
        "it is not taken for one without PushBatch"
    );
}

#[test]
fn a_server_that_knows_only_push_gets_events_as_they_are() {
    for reads_gzip in [false, true] {
        let encodings = Encodings::default();
        let mut front = encodings.noting();
        if reads_gzip {
            front = front.accept(CompressionEncoding::Gzip);
        }
        let peer = Peer::push_only_behind(front);
        let report = send_two(client(&peer.url).compression(Compression::Gzip));
        assert_eq!((report.delivered, report.retries), (2, 0));
        assert_eq!(encodings.seen(), ["gzip", "none", "none", "none"]);
        assert_eq!(peer.calls().0, 2);
    }
}

#[test]
fn the_collector_reads_both() {
    let collector = Collector::start();
    for compression in [Compression::Gzip, Compression::Zstd] {
        let client = client(&collector.url)
            .compression(compression)
            .build()
            .unwrap();
        for number in 0..1_000 {
            client.emit(Order { number });
        }
        assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 1_000);
    }
    let stored = collector.stop().one::<i64>("SELECT count(*) FROM events");
    assert_eq!(stored, 2_000);
}

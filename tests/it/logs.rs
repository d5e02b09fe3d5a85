//! What the client says, and what it does not say.

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use logeater_client::{EventExt, LossReason};
use tonic::Code;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;

use crate::support::{Collector, Order, Reply, ScriptedPeer, Told, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A subscriber that wants everything and is nobody's.
///
/// While there is none at all, tracing turns off what is said for the first time, and another test may say it first
/// at the very moment at which a subscriber comes: <https://docs.rs/tracing-core/latest/tracing_core/callsite/>.
static EAGER: LazyLock<Dispatch> = LazyLock::new(|| {
    Dispatch::new(
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .finish(),
    )
});

/// A log of everything, in place while `work` runs.
pub(crate) fn logged(work: impl FnOnce()) -> String {
    LazyLock::force(&EAGER);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    log.text()
}

#[test]
fn what_goes_wrong_is_said_with_the_server_and_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let text = logged(|| {
        let client = client(&format!("http://{address}"))
            .retry_for(Duration::from_millis(50))
            .build()
            .unwrap();
        client.emit(Order { number: 0 });
        client.flush_blocking(PATIENCE).unwrap();
        client.shutdown_blocking(PATIENCE);
        client.emit(Order { number: 1 });
    });
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].contains("events cannot be delivered; trying again"),
        "{text}"
    );
    assert!(
        lines[0].contains(&format!("server=\"{address}\"")),
        "{text}"
    );
    assert!(
        lines[0].contains("Unavailable: ") && lines[0].contains("onnection refused"),
        "{text}"
    );
    assert!(
        lines[1].contains("events were dropped") && lines[1].contains("no server took it in time"),
        "{text}"
    );
    assert!(
        lines[2].contains("an event was dropped") && lines[2].contains("shut down"),
        "{text}"
    );
}

#[test]
fn a_subscriber_that_panics_costs_no_event_and_harms_no_thread() {
    LazyLock::force(&EAGER);
    let told = Told::default();
    let peer = ScriptedPeer::start([Reply::Fails(Code::Unavailable)], Reply::Stores);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(|| -> io::Sink { panic!("not today") })
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let client = client(&peer.url).on_loss(told.hook()).build().unwrap();
        client.emit(Order { number: 0 }.by("u".repeat(1 << 20)));
        // The first try is said to have failed, and the second not to have.
        client.emit(Order { number: 1 });
        client.flush_blocking(PATIENCE).unwrap();
        client.emit(Order { number: 2 });
        let report = client.shutdown_blocking(PATIENCE);
        assert_eq!((report.delivered, report.dropped), (2, 1));
    });
    assert_eq!(told.of("order.placed", LossReason::TooLarge).0, 1);
}

/// A subscriber of the whole process, which notes what is said on the threads of clients.
struct Eavesdropper(Arc<Mutex<Vec<&'static str>>>);

impl Eavesdropper {
    fn note(&self, metadata: &'static Metadata<'static>) {
        if thread::current().name() == Some("logeater") {
            self.0.lock().unwrap().push(metadata.target());
        }
    }
}

impl Subscriber for Eavesdropper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(span.metadata());
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata());
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn the_transport_says_nothing_and_the_client_is_heard_by_a_subscriber_that_came_later() {
    let silent = client("http://127.0.0.1:1")
        .retry_for(Duration::ZERO)
        .build()
        .unwrap();
    let heard = Arc::default();
    tracing::subscriber::set_global_default(Eavesdropper(Arc::clone(&heard))).unwrap();

    silent.emit(Order { number: 0 });
    silent.flush_blocking(PATIENCE).unwrap();
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    client.emit(Order { number: 0 });
    assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 1);

    let heard = heard.lock().unwrap().clone();
    assert!(heard.contains(&"logeater_client::worker"), "{heard:?}");
    assert!(
        heard
            .iter()
            .all(|target| target.starts_with("logeater_client")),
        "{heard:?}"
    );
    collector.stop();
}

//! What the client says, and what it does not say.

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;

use crate::support::{Collector, Order, client};

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

/// A log of everything, in place while `work` runs.
fn logged(work: impl FnOnce()) -> String {
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
        lines[1].contains("events were dropped") && lines[1].contains("could not be reached"),
        "{text}"
    );
    assert!(
        lines[2].contains("an event was dropped") && lines[2].contains("shut down"),
        "{text}"
    );
}

#[test]
fn the_transport_says_nothing_and_neither_does_a_client_that_works() {
    let collector = Collector::start();
    let text = logged(|| {
        let client = client(&collector.url).build().unwrap();
        client.emit(Order { number: 0 });
        assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 1);
    });
    assert_eq!(text, "");
    collector.stop();
}

//! The ways to hand an event over, each with its own worker behind it, which throws the events away.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use logeater_benches::{CountingServer, Failure, Purchase, emit_attributes, emit_body};
use logeater_client::{Client, Event};
use opentelemetry::logs::LoggerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLogger, SdkLoggerProvider,
};
use serde::Serialize;
use tokio::sync::mpsc;
use tracing_appender::non_blocking::NonBlockingBuilder;

/// The events that each has room for; more than are ever handed over at once.
const ROOM: usize = 1 << 16;

/// How long a worker waits for company of an event, where that can be set.
const LINGER: Duration = Duration::from_millis(100);

const SERVICE: &str = "checkout";

/// How a subject is made.
pub(crate) type Make = fn() -> Result<Subject, Failure>;

/// All of them, ours first.
pub(crate) const SUBJECTS: [(&str, Make); 7] = [
    ("logeater", logeater),
    ("opentelemetry_sdk, attributes", || {
        Ok(opentelemetry(emit_attributes))
    }),
    ("opentelemetry_sdk, JSON body", || {
        Ok(opentelemetry(emit_body))
    }),
    ("emit_batcher", emit_batcher),
    ("tracing-appender", || Ok(tracing_appender())),
    ("posthog-rs", posthog),
    ("serde_json, tokio mpsc", prototype),
];

/// A way to hand an event over.
pub(crate) struct Subject {
    emit: Box<dyn Fn(&Purchase) + Sync>,
    arrived: Box<dyn Fn() -> u64 + Sync>,
}

impl Subject {
    fn new(
        emit: impl Fn(&Purchase) + Sync + 'static,
        arrived: impl Fn() -> u64 + Sync + 'static,
    ) -> Self {
        Self {
            emit: Box::new(emit),
            arrived: Box::new(arrived),
        }
    }

    /// Hands it over, as an application would that has such a value.
    pub(crate) fn emit(&self, purchase: &Purchase) {
        (self.emit)(purchase);
    }

    /// The events that have arrived behind the worker so far.
    pub(crate) fn arrived(&self) -> u64 {
        (self.arrived)()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

/// Its events arrive at a server of this process, which takes CPU time of its own.
fn logeater() -> Result<Subject, Failure> {
    let client = Client::builder(CountingServer::start(true)?.url())
        .service(SERVICE)
        .buffer_bytes(ROOM * 512)
        .linger(LINGER)
        .build()?;
    let counted = client.clone();
    Ok(Subject::new(
        move |purchase| client.emit(purchase),
        move || counted.stats().delivered,
    ))
}

fn opentelemetry(emit: fn(&SdkLogger, &Purchase)) -> Subject {
    let counter = Counter::default();
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(ROOM)
        .with_scheduled_delay(LINGER)
        .build();
    let processor = BatchLogProcessor::builder(counter.clone())
        .with_batch_config(config)
        .build();
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(processor)
        .build();
    let logger = provider.logger(SERVICE);
    Subject::new(
        move |purchase| emit(&logger, purchase),
        // The provider shuts down with its last handle.
        move || {
            let _ = &provider;
            counter.count()
        },
    )
}

fn emit_batcher() -> Result<Subject, Failure> {
    let (sender, receiver) = ::emit_batcher::bounded::<Vec<Queued>>(ROOM);
    let counter = Counter::default();
    let counting = counter.clone();
    ::emit_batcher::sync::spawn("emit_batcher", receiver, move |batch: Vec<Queued>| {
        counting.add(batch.len());
        Ok(())
    })?;
    Ok(Subject::new(
        move |purchase| sender.send(Queued::of(purchase)),
        move || counter.count(),
    ))
}

thread_local! {
    /// The buffer that `tracing_subscriber` keeps for each thread.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn tracing_appender() -> Subject {
    let counter = Counter::default();
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(ROOM)
        .finish(counter.clone());
    let emit = move |purchase: &Purchase| {
        LINE.with_borrow_mut(|line| {
            line.clear();
            if serde_json::to_writer(&mut *line, &Line::of(purchase)).is_ok() {
                // A writer that does not block takes the line or drops it; it never fails.
                let _ = writer.clone().write_all(line);
            }
        });
    };
    Subject::new(emit, move || {
        // The worker ends with its guard.
        let _ = &guard;
        counter.count()
    })
}

fn posthog() -> Result<Subject, Failure> {
    let counter = Counter::default();
    let counting = counter.clone();
    let options = posthog_rs::ClientOptionsBuilder::default()
        .api_key("phc_bench".to_owned())
        .max_queue_size(ROOM)
        .flush_interval_ms(100_u64)
        // What a hook takes is not sent.
        .before_send(move |_| {
            counting.add(1);
            None
        })
        .build()?;
    let client = posthog_rs::client(options);
    Ok(Subject::new(
        move |purchase| client.capture(posthog_event(purchase)),
        move || counter.count(),
    ))
}

/// A property that cannot be written as JSON is an error of its setter; these all can.
fn posthog_event(purchase: &Purchase) -> posthog_rs::Event {
    let mut event = posthog_rs::Event::new(purchase.event_type().name, &purchase.user);
    let _ = event.insert_prop("service", SERVICE);
    let _ = event.insert_prop("screen", &purchase.screen);
    let _ = event.insert_prop("amount_cents", purchase.amount_cents);
    let _ = event.insert_prop("currency", purchase.currency);
    let _ = event.insert_prop("item_id", &purchase.item_id);
    let _ = event.insert_prop("duration_ms", purchase.duration_ms);
    let _ = event.insert_prop("first", purchase.first);
    if let Some(experiment) = &purchase.experiment {
        let _ = event.insert_prop("experiment", experiment);
    }
    event
}

fn prototype() -> Result<Subject, Failure> {
    let (sender, mut receiver) = mpsc::channel::<Queued>(ROOM);
    let counter = Counter::default();
    let counting = counter.clone();
    thread::Builder::new().spawn(move || {
        while receiver.blocking_recv().is_some() {
            counting.add(1);
        }
    })?;
    let emit = move |purchase: &Purchase| {
        // A full channel drops it, which the count of those that arrive shows.
        let _ = sender.try_send(Queued::of(purchase));
    };
    Ok(Subject::new(emit, move || counter.count()))
}

/// Counts what reaches it: lines as a writer, records as an exporter.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<AtomicU64>);

impl Counter {
    fn add(&self, events: usize) {
        self.0.fetch_add(events as u64, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl LogExporter for Counter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.add(batch.iter().count());
        Ok(())
    }
}

impl Write for Counter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(1);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a channel takes: the envelope, and the details as JSON.
#[expect(dead_code, reason = "the worker throws it away")]
struct Queued {
    timestamp: u64,
    event_type: &'static str,
    user_id: String,
    details: String,
}

impl Queued {
    fn of(purchase: &Purchase) -> Self {
        Self {
            timestamp: now_millis(),
            event_type: purchase.event_type().name,
            user_id: purchase.user.clone(),
            details: serde_json::to_string(purchase).unwrap_or_default(),
        }
    }
}

/// What a line of a log has.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: u64,
    service: &'static str,
    r#type: &'static str,
    user_id: &'a str,
    details: &'a Purchase,
}

impl<'a> Line<'a> {
    fn of(purchase: &'a Purchase) -> Self {
        Self {
            timestamp: now_millis(),
            service: SERVICE,
            r#type: purchase.event_type().name,
            user_id: &purchase.user,
            details: purchase,
        }
    }
}

fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

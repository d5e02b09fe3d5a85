//! The ways to deliver events, each from the making of its client to the answer to its last event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use logeater_benches::{Failure, Purchase, emit_attributes, emit_body, entry};
use logeater_client::{Client, ClientBuilder, Compression};
use logeater_proto::event::event_client::EventClient;
use opentelemetry::logs::LoggerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLogger, SdkLoggerProvider,
};
use tokio::runtime;
use tonic::transport::Endpoint;

const SERVICE: &str = "checkout";

/// How long the last events may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The events that a client is given before it has delivered some, where it is not to lose any.
const PENDING_MAX: u64 = 20_000;

/// A way to deliver.
pub(crate) struct Sender {
    pub(crate) name: &'static str,
    /// About a second's worth.
    pub(crate) events: u32,
    /// Whether the server knows `PushBatch`.
    pub(crate) batches: bool,
    /// Sends so many events to the server there.
    pub(crate) send: fn(&str, u32) -> Result<(), Failure>,
}

/// All of them, ours first.
pub(crate) const SENDERS: [Sender; 9] = [
    Sender {
        name: "logeater",
        events: 1_000_000,
        batches: true,
        send: |url, events| logeater(Client::builder(url), events, PENDING_MAX),
    },
    Sender {
        name: "logeater, zstd",
        events: 500_000,
        batches: true,
        send: |url, events| compressed(url, events, Compression::Zstd),
    },
    Sender {
        name: "logeater, gzip",
        events: 100_000,
        batches: true,
        send: |url, events| compressed(url, events, Compression::Gzip),
    },
    Sender {
        name: "logeater, defaults at full speed",
        events: 1_000_000,
        batches: true,
        send: |url, events| logeater(Client::builder(url), events, u64::MAX),
    },
    Sender {
        name: "logeater, Push with 64 on their way",
        events: 40_000,
        batches: false,
        send: |url, events| logeater(Client::builder(url), events, PENDING_MAX),
    },
    Sender {
        name: "tonic, Push one by one",
        events: 10_000,
        batches: true,
        send: push_one_by_one,
    },
    Sender {
        name: "opentelemetry-otlp, batches of 4,096",
        events: 100_000,
        batches: true,
        send: |url, events| opentelemetry(url, events, tuned(), emit_attributes, PENDING_MAX),
    },
    Sender {
        name: "opentelemetry-otlp, the same, JSON body",
        events: 100_000,
        batches: true,
        send: |url, events| opentelemetry(url, events, tuned(), emit_body, PENDING_MAX),
    },
    Sender {
        name: "opentelemetry-otlp, defaults at full speed",
        events: 1_000_000,
        batches: true,
        send: |url, events| {
            let defaults = BatchConfigBuilder::default();
            opentelemetry(url, events, defaults, emit_attributes, u64::MAX)
        },
    },
];

fn compressed(url: &str, events: u32, compression: Compression) -> Result<(), Failure> {
    let builder = Client::builder(url).compression(compression);
    logeater(builder, events, PENDING_MAX)
}

fn logeater(builder: ClientBuilder, events: u32, pending_max: u64) -> Result<(), Failure> {
    let client = builder.service(SERVICE).build()?;
    let purchase = Purchase::typical();
    for number in 0..events {
        wait_for_room(number, pending_max, || client.stats().pending);
        client.emit(&purchase);
    }
    client.shutdown_blocking(PATIENCE);
    Ok(())
}

/// Lets a client deliver before it is given more.
fn wait_for_room(number: u32, pending_max: u64, pending: impl Fn() -> u64) {
    while number.is_multiple_of(256) && pending() > pending_max {
        thread::sleep(Duration::from_micros(100));
    }
}

/// What a service does that has the contract and no client.
fn push_one_by_one(url: &str, events: u32) -> Result<(), Failure> {
    let purchase = Purchase::typical();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let channel = Endpoint::from_shared(url.to_owned())?.connect().await?;
        let mut client = EventClient::new(channel);
        for _ in 0..events {
            client.push(entry(&purchase, SERVICE)?).await?;
        }
        Ok(())
    })
}

/// As many as one of our batches has, and the room of ours.
fn tuned() -> BatchConfigBuilder {
    BatchConfigBuilder::default()
        .with_max_export_batch_size(4_096)
        .with_max_queue_size(65_536)
}

fn opentelemetry(
    url: &str,
    events: u32,
    config: BatchConfigBuilder,
    emit: fn(&SdkLogger, &Purchase),
    pending_max: u64,
) -> Result<(), Failure> {
    // The exporter wants a runtime of the application's.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _within = runtime.enter();
    let exporter = opentelemetry_otlp::LogExporter::builder()
        .with_tonic()
        .with_endpoint(url)
        .with_timeout(PATIENCE)
        .build()?;
    let ended = Arc::new(AtomicU64::new(0));
    let processor = BatchLogProcessor::builder(Counted {
        exporter,
        ended: Arc::clone(&ended),
    });
    let provider = SdkLoggerProvider::builder()
        .with_resource(Resource::builder().with_service_name(SERVICE).build())
        .with_log_processor(processor.with_batch_config(config.build()).build())
        .build();
    let logger = provider.logger(SERVICE);
    let purchase = Purchase::typical();
    for number in 0..events {
        wait_for_room(number, pending_max, || {
            u64::from(number).saturating_sub(ended.load(Ordering::Relaxed))
        });
        emit(&logger, &purchase);
    }
    Ok(provider.shutdown_with_timeout(PATIENCE)?)
}

/// Counts what an exporter has ended, since the processor does not say.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    ended: Arc<AtomicU64>,
}

impl<E: LogExporter> LogExporter for Counted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let events = batch.iter().count() as u64;
        let result = self.exporter.export(batch).await;
        self.ended.fetch_add(events, Ordering::Relaxed);
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

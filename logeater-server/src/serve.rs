//! The life of a collector: open, serve, drain, close.

use std::convert::Infallible;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use logeater_proto::REQUEST_BYTES_MAX;
use logeater_proto::raw::event_server::EventServer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use uuid::Uuid;

use crate::control::Control;
use crate::intake::Intake;
use crate::retention::{Keeper, Retention};
use crate::service::EventService;
use crate::sinks::{self, Context, Runners, SinkConfig};
use crate::stats::Stats;
use crate::store::Store;
use crate::{Config, Error};

/// How long no connection is accepted after accepting one failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may be quiet before it is asked whether it still is there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_mins(1);

/// How long the answer to that may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How many requests of one connection are worked on at once.
const CONCURRENT_STREAMS_MAX: u32 = 1_024;

/// The names by which the health service is asked: the whole server, and the service of events.
const HEALTH_NAMES: [&str; 2] = ["", logeater_proto::raw::event_server::SERVICE_NAME];

/// Serves until `shutdown` completes, then ends what is in flight and closes the store.
///
/// The caller owns the port and the signal. The same as [`Collector::open`] and [`Collector::serve`].
///
/// # Errors
///
/// When the store cannot be opened, fails for good, or cannot be closed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let config = logeater_server::Config::new(folder);
/// let collector = tokio::spawn(logeater_server::run(listener, config, async move {
///     let _ = stopped.await;
/// }));
///
/// stop.send(()).ok();
/// collector.await??;
/// # Ok(())
/// # }
/// ```
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let collector = blocking(move || Collector::open(&config)).await?;
    collector.serve(listener, shutdown).await
}

/// A collector whose store is open, and that does not serve yet.
#[derive(Debug)]
#[must_use = "it serves nobody before `serve`"]
pub struct Collector {
    store: Store,
    service: EventService,
    control: Control,
    sinks: Vec<(String, SinkConfig)>,
    retention: Retention,
    data: PathBuf,
    path: PathBuf,
    drain_timeout: Duration,
}

impl Collector {
    /// Opens the store and grows its tables to those of the catalog. Blocks.
    ///
    /// # Errors
    ///
    /// When another collector has the folder open, it cannot be written to, or what is there is no store of
    /// this version.
    pub fn open(config: &Config) -> Result<Self, Error> {
        sinks::check(&config.sinks, &config.rules)?;
        let stats = Arc::new(Stats::default());
        let (store, plan) = Store::open(config, Arc::clone(&stats))?;
        tracing::info!("{} event types of the catalog have a table", plan.len());
        let control = Control::new(config, store.queue(), plan);
        let intake = Intake {
            plan: control.plan(),
            new_id: Uuid::now_v7,
        };
        let service = EventService {
            intake,
            queue: store.queue(),
            stats,
        };
        Ok(Self {
            store,
            service,
            control,
            sinks: config.sinks.clone(),
            retention: config.retention.clone(),
            data: config.data().to_owned(),
            path: config.store(),
            drain_timeout: config.drain_timeout,
        })
    }

    /// What changes the collector while it serves.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The file of the store.
    #[must_use]
    pub fn store(&self) -> &Path {
        &self.path
    }

    /// Serves until `shutdown` completes, then ends what is in flight and closes the store.
    ///
    /// # Errors
    ///
    /// When the store fails for good or cannot be closed.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let stats = Arc::clone(&self.service.stats);
        let context = Context {
            store: self.path.clone(),
            queue: self.store.queue(),
            stored: self.store.stored(),
            rules: self.control.rules(),
            stop: CancellationToken::new(),
        };
        let keeper = Keeper {
            retention: self.retention,
            sinks: self.sinks.iter().map(|(name, _)| name.clone()).collect(),
            data: self.data,
            queue: context.queue.clone(),
            stop: context.stop.clone(),
        };
        let mut runners = Runners::start(context, self.sinks).await?;
        runners.spawn(keeper.run());
        let (health, health_server) = health_reporter();
        set_health(&health, ServingStatus::Serving).await;
        // The limit is on what a request is once it is decompressed.
        let events = EventServer::new(self.service)
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd);
        let (stop, stopped) = oneshot::channel::<()>();
        let mut server = pin!(
            Server::builder()
                .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
                .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
                .max_concurrent_streams(CONCURRENT_STREAMS_MAX)
                .add_service(events)
                .add_service(health_server)
                .serve_with_incoming_shutdown(connections(listener), async { drop(stopped.await) })
        );
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            () = self.store.ended() => Ok(()),
            failed = &mut server => failed.map_err(Error::serve),
        };
        let deadline = Instant::now() + self.drain_timeout;
        drop(stop);
        end_health(health).await;
        if ended.is_ok() && timeout_at(deadline, server).await.is_err() {
            tracing::warn!(
                "requests are still in flight after {:?}: the store closes without them",
                self.drain_timeout
            );
        }
        runners.stop(deadline).await;
        let closed = blocking(move || self.store.close()).await;
        let counts = stats.counts();
        tracing::info!(
            stored = counts.stored,
            repeated = counts.repeated,
            refused = counts.refused,
            dead_letters = counts.dead_letters,
            "the collector has ended"
        );
        ended.and(closed)
    }
}

/// Accepted connections; one that fails is no reason to stop.
fn connections(listener: TcpListener) -> impl Stream<Item = Result<TcpStream, Infallible>> {
    TcpListenerStream::new(listener)
        .then(async |accepted| match accepted {
            Ok(connection) => {
                // Answers are small and awaited: they must not wait to be filled up.
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!("TCP_NODELAY: {error}");
                }
                Some(Ok(connection))
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        })
        .filter_map(|connection| connection)
}

async fn set_health(health: &HealthReporter, status: ServingStatus) {
    for name in HEALTH_NAMES {
        health.set_service_status(name, status).await;
    }
}

/// Says so to those who watch, and ends their streams: they would hold up the shutdown.
async fn end_health(mut health: HealthReporter) {
    set_health(&health, ServingStatus::NotServing).await;
    for name in HEALTH_NAMES {
        health.clear_service_status(name).await;
    }
}

/// Runs what waits for the disk outside of the tasks' threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::serve(error)))
}

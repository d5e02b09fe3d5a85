//! The life of a collector: open, serve, drain, close.

use std::convert::Infallible;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use logeater_proto::raw::event_server::EventServer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::service::LayerExt;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};
use tower::util::{MapRequestLayer, MapResponseLayer};
use uuid::Uuid;

use crate::arrival::Arrivals;
use crate::connections::{Connection, Door};
use crate::gate::Gate;
use crate::intake::Intake;
use crate::readiness::Readiness;
use crate::retention::Keeper;
use crate::service::EventService;
use crate::sinks::{self, Context, Runners};
use crate::stats::Stats;
use crate::store::Store;
#[cfg(feature = "web")]
use crate::web::{Pages, Sinks, Web};
use crate::{Config, Control, Error};

/// How long a connection may be quiet before it is asked whether it still is there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_mins(1);

/// How long the answer to that may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The most bytes of a request that asks for no token: health and reflection. It has a name in it.
const SMALL_REQUEST_BYTES: usize = 4 << 10;

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
    config: Config,
    path: PathBuf,
    #[cfg(feature = "web")]
    web: Option<TcpListener>,
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
        sinks::set_catalog(&config.sinks, &Arc::new(config.catalog.clone()));
        tracing::info!("{} event types of the catalog have a table", plan.len());
        let control = Control::new(config, store.queue(), plan);
        let service = EventService {
            gate: Gate {
                live: control.live(),
                stats: Arc::clone(&stats),
            },
            intake: Intake {
                plan: control.plan(),
                new_id: Uuid::now_v7,
            },
            queue: store.queue(),
            readiness: Readiness::new(),
            stats,
        };
        Ok(Self {
            store,
            service,
            control,
            config: config.clone(),
            path: config.store(),
            #[cfg(feature = "web")]
            web: None,
        })
    }

    /// Serves `/metrics`, `/healthz` and `/readyz` on this listener too, over HTTP/1.1 and without TLS.
    #[cfg(feature = "web")]
    pub fn web(mut self, listener: TcpListener) -> Self {
        self.web = Some(listener);
        self
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
        warn_of_open_tokens(&self.config, &listener);
        let stats = Arc::clone(&self.service.stats);
        let readiness = self.service.readiness.clone();
        let door = Door {
            live: self.control.live(),
            stats: Arc::clone(&stats),
            timeout: self.config.request_timeout,
            arriving_bytes: self.config.queue_bytes,
        };
        let context = Context {
            store: self.path.clone(),
            queue: self.store.queue(),
            stored: self.store.stored(),
            rules: self.control.rules(),
            stop: CancellationToken::new(),
        };
        let keeper = Keeper {
            retention: self.config.retention.clone(),
            sinks: self.config.sink_names(),
            data: self.config.data().to_owned(),
            queue: context.queue.clone(),
            stop: context.stop.clone(),
        };
        let mut runners = Runners::start(context, self.config.sinks.clone()).await?;
        runners.spawn(keeper.run());
        let (connections, cut) = door.open(listener);
        #[cfg(feature = "web")]
        let _web = self.web.take().map(|listener| {
            let sinks = Sinks {
                statuses: runners.statuses(),
                store: self.path.clone(),
            };
            Web::open(listener, Pages::new(&self.service, sinks))
        });
        let (health, health_server) = health_reporter();
        set_health(&health, ServingStatus::Serving).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let mut server = pin!(answer(
            self.service,
            health_server,
            &self.config,
            connections,
            stopped
        ));
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            () = self.store.ended() => Ok(()),
            () = report_health(&readiness, &health) => Ok(()),
            failed = &mut server => failed,
        };
        let timeout = self.config.drain_timeout;
        readiness.drain();
        drop(stop);
        end_health(health).await;
        if ended.is_ok() && tokio::time::timeout(timeout, server).await.is_err() {
            tracing::warn!("requests are still in flight after {timeout:?}: they are cut off");
        }
        drop(cut);
        // What held the requests up takes nothing from what is on its way to sinks.
        runners.stop(timeout).await;
        let closed = close(self.store, &self.path, timeout).await;
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

/// Tokens are secrets, and without TLS they are sent as they are.
fn warn_of_open_tokens(config: &Config, listener: &TcpListener) {
    if let Ok(address) = listener.local_addr()
        && !config.tokens.is_empty()
        && !config.is_encrypted()
        && !address.ip().is_loopback()
    {
        tracing::warn!(
            %address,
            "tokens come without TLS: who is between a client and this collector can read them"
        );
    }
}

/// Answers the requests of these connections, until it is stopped and the last of them is answered.
async fn answer(
    service: EventService,
    health: HealthServer<impl Health>,
    config: &Config,
    connections: impl Stream<Item = Result<Connection, Infallible>>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), Error> {
    let (gate, answers) = (service.gate.clone(), service.gate.clone());
    // The limit is on what a request is once it is decompressed.
    let events = EventServer::new(service)
        .max_decoding_message_size(config.request_bytes)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let events = InterceptedService::new(events, move |request| gate.enter(request));
    let in_time = Arrivals::new(config.request_timeout);
    let within = in_time.clone().within(config.queue_bytes);
    let events = MapRequestLayer::new(move |request| within.limit(request)).named_layer(events);
    // What asks for no token has no part in the room of events, and takes none.
    let small = MapRequestLayer::new(move |request| in_time.limit(request));
    let router = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(config.streams)
        .add_service(
            MapResponseLayer::new(move |response| answers.answered(response)).named_layer(events),
        )
        .add_service(small.named_layer(health.max_decoding_message_size(SMALL_REQUEST_BYTES)));
    #[cfg(feature = "reflection")]
    let router = {
        let (v1, v1alpha) = crate::reflection::services().map_err(Error::serve)?;
        router
            .add_service(small.named_layer(v1.max_decoding_message_size(SMALL_REQUEST_BYTES)))
            .add_service(small.named_layer(v1alpha.max_decoding_message_size(SMALL_REQUEST_BYTES)))
    };
    router
        .serve_with_incoming_shutdown(connections, async { drop(stopped.await) })
        .await
        .map_err(Error::serve)
}

/// Commits what has queued and closes the store, unless that takes too long.
async fn close(store: Store, path: &Path, timeout: Duration) -> Result<(), Error> {
    let closing = blocking(move || store.close());
    tokio::time::timeout(timeout, closing)
        .await
        .unwrap_or_else(|_| {
            let reason =
                format!("it did not close within {timeout:?}; what was acknowledged is safe");
            Err(Error::store(path, reason))
        })
}

/// Says by the health service whether events can be taken, for as long as nothing ends.
async fn report_health(readiness: &Readiness, health: &HealthReporter) {
    let mut changes = readiness.follow();
    while let Some(is_ready) = changes.next().await {
        let status = if is_ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        set_health(health, status).await;
    }
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

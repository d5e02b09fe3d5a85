//! What a collector is told: where it keeps its store, what it knows, whom it serves, and its bounds.

#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod settings;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use logeater_proto::{REQUEST_BYTES_MAX, REQUEST_ENTRIES_MAX};
use logeater_schema::Catalog;

#[cfg(feature = "cli")]
pub(crate) use settings::{Listen, Overrides, Settings, SinkText};

#[cfg(feature = "tls")]
use crate::access::Tls;
use crate::access::Token;
use crate::retention::Retention;
use crate::rules::{Rule, Rules};
use crate::sinks::SinkConfig;

/// The default of [`Config::queue_bytes`]: 64 MiB.
const QUEUE_BYTES: usize = 64 << 20;

/// The default of [`Config::queue_requests`].
const QUEUE_REQUESTS: usize = 8_192;

/// The default of [`Config::request_timeout`].
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The default of [`Config::drain_timeout`].
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The default of [`Config::connections`].
const CONNECTIONS: usize = 10_000;

/// The default of [`Config::streams`].
const STREAMS: u32 = 1_024;

/// What a collector is told.
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) data: PathBuf,
    pub(crate) catalog: Catalog,
    pub(crate) queue_bytes: usize,
    pub(crate) queue_requests: usize,
    pub(crate) request_bytes: usize,
    pub(crate) request_entries: u32,
    pub(crate) request_timeout: Duration,
    pub(crate) connections: usize,
    pub(crate) streams: u32,
    pub(crate) events_per_second: Option<NonZeroU32>,
    pub(crate) drain_timeout: Duration,
    pub(crate) retention: Retention,
    pub(crate) sinks: Vec<(String, SinkConfig)>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) tokens: Vec<Token>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl Config {
    /// Keeps the store in the folder `data`, which is made if it is missing.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            catalog: Catalog::new(),
            queue_bytes: QUEUE_BYTES,
            queue_requests: QUEUE_REQUESTS,
            request_bytes: REQUEST_BYTES_MAX,
            request_entries: REQUEST_ENTRIES_MAX,
            request_timeout: REQUEST_TIMEOUT,
            connections: CONNECTIONS,
            streams: STREAMS,
            events_per_second: None,
            drain_timeout: DRAIN_TIMEOUT,
            retention: Retention::default(),
            sinks: Vec::new(),
            rules: Arc::default(),
            tokens: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Fills the extended tables of this catalog. Default: none, all details stay in the events table.
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = catalog;
        self
    }

    /// How many bytes may wait to be stored, what was made of requests included.
    ///
    /// As many again may be on their way here, in requests of which the end has not come yet; of those, each
    /// connection may have an eighth, and at least 4 MiB. At least one request of the largest size; default 64 MiB.
    /// Beyond it a push is answered with `RESOURCE_EXHAUSTED`.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes.max(REQUEST_BYTES_MAX);
        self
    }

    /// How many requests may wait to be stored.
    ///
    /// At least 1; default 8,192. Beyond it a push is answered with `RESOURCE_EXHAUSTED`.
    pub fn queue_requests(mut self, requests: usize) -> Self {
        self.queue_requests = requests.max(1);
        self
    }

    /// How many bytes a request may have once it is decompressed.
    ///
    /// From 1 to 4 MiB, the default, which is what clients send at most. One that is larger is answered with
    /// `OUT_OF_RANGE`.
    pub fn request_bytes(mut self, bytes: usize) -> Self {
        self.request_bytes = bytes.clamp(1, REQUEST_BYTES_MAX);
        self
    }

    /// How many entries a batch may have.
    ///
    /// From 1 to 100,000, the default. One that has more is answered with `INVALID_ARGUMENT`.
    pub fn request_entries(mut self, entries: u32) -> Self {
        self.request_entries = entries.clamp(1, REQUEST_ENTRIES_MAX);
        self
    }

    /// How long a request may take to arrive. Default: 30 seconds.
    ///
    /// One that takes longer is answered with `DEADLINE_EXCEEDED`. A connection has as long for its handshake.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How many connections are served at once.
    ///
    /// At least 1; default 10,000. Further ones are closed as soon as they are accepted.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How many requests of one connection are worked on at once.
    ///
    /// At least 1; default 1,024. The connection's further requests wait at the client.
    pub fn streams(mut self, streams: u32) -> Self {
        self.streams = streams.max(1);
        self
    }

    /// How many events of each service are taken in a second, on average. Default: no limit.
    ///
    /// A batch is taken whole or not at all, and as long as its services have not used up their second. Beyond it
    /// a push is answered with `RESOURCE_EXHAUSTED` and the time after which it would be taken.
    pub fn events_per_second(mut self, events: NonZeroU32) -> Self {
        self.events_per_second = Some(events);
        self
    }

    /// How long a shutdown waits for requests in flight, then for what is on its way to sinks, and then for the store to
    /// close. Default: 10 seconds for each.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// How long events are kept, once every sink has passed them. Default: for ever.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Delivers events to one more sink.
    ///
    /// Its name is that of its cursor in the store: a sink of another name begins with the oldest event that is there.
    pub fn sink(mut self, name: impl Into<String>, sink: SinkConfig) -> Self {
        self.sinks.push((name.into(), sink));
        self
    }

    /// What becomes of events on their way to sinks. Default: nothing, all events go to all sinks as they are.
    pub fn rules(mut self, rules: Vec<Rule>) -> Self {
        self.rules = Arc::new(Rules::new(rules));
        self
    }

    /// Takes events only from clients that send one of the tokens. A further call adds to the first.
    ///
    /// Without a token everyone is served. Health and reflection ask for none.
    pub fn token(mut self, token: Token) -> Self {
        self.tokens.push(token);
        self
    }

    /// Serves gRPC over TLS alone. Default: without.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether gRPC is served over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }

    /// The names of the sinks.
    pub(crate) fn sink_names(&self) -> Vec<String> {
        self.sinks.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The folder of the store.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The file of the store.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join("logeater.db")
    }

    /// The file whose lock says that a collector works in the folder.
    pub(crate) fn lock(&self) -> PathBuf {
        self.data.join("logeater.lock")
    }
}

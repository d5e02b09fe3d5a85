//! What a collector is told: where it keeps its store, what it knows, and its bounds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use logeater_proto::REQUEST_BYTES_MAX;
use logeater_schema::Catalog;

use crate::retention::Retention;
use crate::rules::{Rule, Rules};
use crate::sinks::SinkConfig;

/// The default of [`Config::queue_bytes`]: 64 MiB.
const QUEUE_BYTES: usize = 64 << 20;

/// The default of [`Config::queue_requests`].
const QUEUE_REQUESTS: usize = 8_192;

/// The default of [`Config::drain_timeout`].
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a collector is told.
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) data: PathBuf,
    pub(crate) catalog: Catalog,
    pub(crate) queue_bytes: usize,
    pub(crate) queue_requests: usize,
    pub(crate) drain_timeout: Duration,
    pub(crate) sinks: Vec<(String, SinkConfig)>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) retention: Retention,
}

impl Config {
    /// Keeps the store in the folder `data`, which is made if it is missing.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            catalog: Catalog::new(),
            queue_bytes: QUEUE_BYTES,
            queue_requests: QUEUE_REQUESTS,
            drain_timeout: DRAIN_TIMEOUT,
            sinks: Vec::new(),
            rules: Arc::default(),
            retention: Retention::default(),
        }
    }

    /// Fills the extended tables of this catalog. Default: none, all details stay in the events table.
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = catalog;
        self
    }

    /// How many bytes may wait to be stored, what was made of requests included.
    ///
    /// At least one request of the largest size; default 64 MiB. Beyond it a push is answered with
    /// `RESOURCE_EXHAUSTED`.
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

    /// How long requests in flight may take to end after the shutdown began. Default: 10 seconds.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
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

    /// How long events are kept, once every sink has passed them. Default: for ever.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
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

//! What a sink is told: its batches, its workers, its patience.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::sink::Sink;

/// A sink, and how events are given to it.
#[derive(Clone, Debug)]
#[must_use]
pub struct SinkConfig {
    pub(super) sink: Arc<dyn Sink>,
    pub(crate) batch_rows: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) batch_wait: Duration,
    pub(crate) workers: usize,
    pub(crate) timeout: Duration,
}

impl SinkConfig {
    /// Gives events to this sink.
    pub fn new(sink: impl Sink) -> Self {
        Self {
            sink: Arc::new(sink),
            batch_rows: 500,
            batch_bytes: 1 << 20,
            batch_wait: Duration::from_secs(1),
            workers: 1,
            timeout: Duration::from_mins(1),
        }
    }

    /// A batch is full with so many events. At least 1; default 500.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// A batch is full when its events take so many bytes, roughly. Default: 1 MiB.
    ///
    /// It is exceeded by its last event at most.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes.max(1);
        self
    }

    /// How long the first event of a batch that is not full waits for others. Default: 1 second.
    pub fn batch_wait(mut self, wait: Duration) -> Self {
        self.batch_wait = wait;
        self
    }

    /// How many batches are delivered at once. At least 1, the default: then events come in their order.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How long a delivery may take before it counts as failed. Default: 1 minute.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Tells the sink something; if it panics at that, this harms nobody else.
    pub(super) fn tell(&self, name: &str, what: impl FnOnce(&dyn Sink)) {
        if catch_unwind(AssertUnwindSafe(|| what(&*self.sink))).is_err() {
            tracing::error!(sink = name, "the sink panicked at what it was told");
        }
    }
}

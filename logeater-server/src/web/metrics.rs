//! The metrics as text: what was counted, and what is measured when someone asks.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::sinks::{SinkMetrics, Sinks};
use crate::stats::Stats;
use crate::store::Queue;

pub(super) use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// All metrics of a collector.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    queue: Queue,
    queue_bytes: Gauge,
    queue_capacity: Gauge,
    /// The database and its log.
    files: [PathBuf; 2],
    store_bytes: Gauge,
    sinks: Sinks,
    lags: SinkMetrics,
}

impl Metrics {
    pub(super) fn new(stats: &Stats, queue: Queue, sinks: Sinks) -> Self {
        let store = sinks.store.clone();
        let mut log = store.clone().into_os_string();
        log.push("-wal");
        let mut metrics = Self {
            registry: Registry::with_prefix("logeater"),
            queue,
            queue_bytes: Gauge::default(),
            queue_capacity: Gauge::default(),
            files: [store, log.into()],
            store_bytes: Gauge::default(),
            sinks,
            lags: SinkMetrics::default(),
        };
        stats.register(&mut metrics.registry);
        metrics.lags.register(&mut metrics.registry);
        metrics.register();
        metrics
    }

    /// The text of the moment. Blocks.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        if let Err(error) = self.lags.measure(&self.sinks) {
            tracing::warn!("the metrics of sinks are old: {error}");
        }
        let (waiting, capacity) = self.queue.bytes();
        self.queue_bytes.set(signed(waiting as u64));
        self.queue_capacity.set(signed(capacity as u64));
        let sizes = self.files.iter().filter_map(|file| fs::metadata(file).ok());
        self.store_bytes
            .set(signed(sizes.map(|file| file.len()).sum()));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn register(&mut self) {
        let gauges = [
            (
                "queue",
                "What waits to be stored, in memory",
                &self.queue_bytes,
            ),
            (
                "queue_capacity",
                "What may wait to be stored, in memory",
                &self.queue_capacity,
            ),
            (
                "store",
                "The store's database and its log, on disk",
                &self.store_bytes,
            ),
        ];
        for (name, help, gauge) in gauges {
            self.registry
                .register_with_unit(name, help, Unit::Bytes, gauge.clone());
        }
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

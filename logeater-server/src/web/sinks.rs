//! The metrics of sinks: how far each is behind, and whether it fails.

use std::path::PathBuf;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::Error;
use crate::sinks::Status;
use crate::store::Reader;
use crate::store::cursors;

/// What is known of all sinks.
#[derive(Debug)]
pub(crate) struct Sinks {
    pub(crate) statuses: Vec<(String, Arc<Status>)>,
    /// The sequence of the last event that is stored.
    pub(crate) stored: watch::Receiver<i64>,
    pub(crate) store: PathBuf,
}

/// Their metrics.
#[derive(Debug, Default)]
pub(super) struct SinkMetrics {
    lag: Family<Named, Gauge>,
    paused: Family<Named, Gauge>,
    failing: Family<Named, Gauge>,
    failures: Family<Named, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    sink: String,
}

impl SinkMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "sink_lag_events",
            "Events behind the sink's cursor that it has not passed yet",
            self.lag.clone(),
        );
        registry.register(
            "sink_paused",
            "1 while the sink is paused",
            self.paused.clone(),
        );
        registry.register(
            "sink_failing",
            "1 while the last delivery of the sink has failed",
            self.failing.clone(),
        );
        registry.register(
            "sink_failures",
            "Deliveries of the sink that failed, and were or will be tried again",
            self.failures.clone(),
        );
    }

    /// Measures all of them. Blocks.
    pub(super) fn measure(&self, sinks: &Sinks) -> Result<(), Error> {
        if sinks.statuses.is_empty() {
            return Ok(());
        }
        let reader = Reader::open(&sinks.store)?;
        for (name, status) in &sinks.statuses {
            let sink = Named { sink: name.clone() };
            if let Some(place) = cursors::place(&reader, name)? {
                let lag = *sinks.stored.borrow() - place.cursor;
                self.lag.get_or_create(&sink).set(lag);
                self.paused.get_or_create(&sink).set(place.paused.into());
            }
            let is_failing = status.is_failing().into();
            self.failing.get_or_create(&sink).set(is_failing);
            let failures = self.failures.get_or_create(&sink);
            failures.inc_by(status.failures().saturating_sub(failures.get()));
        }
        Ok(())
    }
}

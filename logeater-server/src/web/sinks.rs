//! The metrics of sinks: what each has got, how far it is behind, and whether it fails.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::Error;
use crate::sinks::Status;
use crate::store::Reader;
use crate::store::cursors::{self, Account};

/// What is known of all sinks.
#[derive(Debug)]
pub(crate) struct Sinks {
    pub(crate) statuses: Vec<(String, Arc<Status>)>,
    pub(crate) store: PathBuf,
}

/// Their metrics.
#[derive(Debug, Default)]
pub(super) struct SinkMetrics {
    lag: Family<Named, Gauge>,
    lag_seconds: Family<Named, Gauge>,
    events: Family<Ended, Gauge>,
    paused: Family<Named, Gauge>,
    failing: Family<Named, Gauge>,
    failures: Family<Named, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    sink: String,
    end: &'static str,
}

impl SinkMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "sink_events",
            "Events of the store's life that came to this end in the sink; replays take dead ones back",
            self.events.clone(),
        );
        registry.register_with_unit(
            "sink_lag",
            "How long ago the first event was stored that the sink has yet to get",
            Unit::Seconds,
            self.lag_seconds.clone(),
        );
        registry.register(
            "sink_lag_events",
            "Events that the sink has yet to get, once more those that are replayed",
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
            if let Some(account) = cursors::account(&reader, name)? {
                self.show(&sink, &account);
            }
            let is_failing = status.is_failing().into();
            self.failing.get_or_create(&sink).set(is_failing);
            let failures = self.failures.get_or_create(&sink);
            failures.inc_by(status.failures().saturating_sub(failures.get()));
        }
        Ok(())
    }

    fn show(&self, sink: &Named, account: &Account) {
        let pending = i64::try_from(account.pending).unwrap_or(i64::MAX);
        self.lag.get_or_create(sink).set(pending);
        let since = account.waits_since.as_deref().map(str::parse::<Timestamp>);
        let waits = since
            .and_then(Result::ok)
            .map_or(0, |since| Timestamp::now().duration_since(since).as_secs());
        // A clock that was set back is no lag.
        self.lag_seconds.get_or_create(sink).set(waits.max(0));
        self.paused.get_or_create(sink).set(account.paused.into());
        for (end, events) in [
            ("delivered", account.delivered),
            ("left_out", account.left_out),
            ("dead", account.dead),
        ] {
            let ended = Ended {
                sink: sink.sink.clone(),
                end,
            };
            let events = i64::try_from(events).unwrap_or(i64::MAX);
            self.events.get_or_create(&ended).set(events);
        }
    }
}

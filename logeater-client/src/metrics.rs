//! The counters of a client as metrics of the process, by the facade `metrics`: those of all clients add up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use crate::loss::LossReason;
use crate::stats::Stats;

/// How old they are at most.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

/// What is known already.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Published>);

#[derive(Debug, Default)]
struct Published {
    stats: Stats,
    at: Option<Instant>,
}

impl Metrics {
    /// Makes known what has changed, if it is time to.
    pub(crate) fn publish_in_turn(&self, stats: impl FnOnce() -> Stats, now: Instant) {
        let last = self.published().at;
        if last.is_none_or(|last| now.duration_since(last) >= EVERY) {
            self.publish(stats, now);
        }
    }

    /// Makes known what has changed.
    pub(crate) fn publish(&self, stats: impl FnOnce() -> Stats, now: Instant) {
        let (before, stats) = {
            // They are read under the lock, so that nobody publishes what was before.
            let mut published = self.published();
            let (stats, at) = (stats(), Some(now));
            let before = std::mem::replace(&mut *published, Published { stats, at });
            (before, stats)
        };
        // The recorder is the application's: no lock is held, and one that panics has harmed itself alone.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if before.at.is_none() {
                describe();
            }
            add(&before.stats, &stats);
        }));
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name, what it is for people, and what it is of the counts.
type Metric = (&'static str, &'static str, fn(&Stats) -> u64);

const COUNTERS: [Metric; 6] = [
    (
        "logeater_events_emitted_total",
        "Events that were handed over.",
        |stats| stats.emitted,
    ),
    (
        "logeater_events_delivered_total",
        "Events that the server has.",
        |stats| stats.delivered,
    ),
    (
        "logeater_events_rejected_total",
        "Events that the server refused.",
        |stats| stats.rejected,
    ),
    (
        "logeater_events_sampled_out_total",
        "Events that sampling has left out.",
        |stats| stats.sampled_out,
    ),
    (
        "logeater_events_recovered_total",
        "Events of ended processes that were found on disk; they count as emitted.",
        |stats| stats.recovered,
    ),
    (
        "logeater_requests_retried_total",
        "Requests that failed and were made again.",
        |stats| stats.retries,
    ),
];

/// By reason, and so not among the others.
const DROPPED: &str = "logeater_events_dropped_total";

const GAUGES: [Metric; 2] = [
    (
        "logeater_events_pending",
        "Events that wait in memory or are on their way.",
        |stats| stats.pending,
    ),
    (
        "logeater_events_spooled",
        "Events that wait on disk.",
        |stats| stats.spooled,
    ),
];

fn describe() {
    for (name, help, _) in COUNTERS {
        describe_counter!(name, Unit::Count, help);
    }
    describe_counter!(
        DROPPED,
        Unit::Count,
        "Events that were given up, by reason."
    );
    for (name, help, _) in GAUGES {
        describe_gauge!(name, Unit::Count, help);
    }
}

fn add(before: &Stats, after: &Stats) {
    for (name, _, of) in COUNTERS {
        counter!(name).increment(of(after) - of(before));
    }
    for reason in LossReason::ALL
        .into_iter()
        .filter(|reason| *reason != LossReason::Rejected)
    {
        let dropped = after.dropped_for(reason) - before.dropped_for(reason);
        counter!(DROPPED, "reason" => reason.as_str()).increment(dropped);
    }
    for (name, _, of) in GAUGES {
        #[expect(
            clippy::cast_precision_loss,
            reason = "2^53 events do not fit a memory"
        )]
        gauge!(name).increment(of(after) as f64 - of(before) as f64);
    }
}

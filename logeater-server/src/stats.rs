//! What has become of all entries, requests and connections since the start, as metrics.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
#[cfg(feature = "web")]
use prometheus_client::registry::{Registry, Unit};
use tonic::Code;

/// The bounds of the buckets of a time, in seconds: from a write to memory to a disk that hangs.
const SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// The counters of a collector.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    events: Family<Ended, Counter>,
    dead_letters: Counter,
    /// Entries that were refused, and are not yet counted in the store.
    unrecorded: AtomicU64,
    tokens: Family<Sent, Counter>,
    requests: Family<Answered, Counter>,
    refusals: Family<Refused, Counter>,
    pushes: Times,
    commits: Times,
    connections: Gauge,
    connections_refused: Counter,
}

/// How many entries came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Now in the store.
    pub(crate) stored: u64,
    /// In the store before, under the same id.
    pub(crate) repeated: u64,
    /// Refused for good.
    pub(crate) refused: u64,
    /// Stored, but their details did not fit the extended table.
    pub(crate) dead_letters: u64,
}

/// Counts one connection for as long as it is held.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

/// How long something took, each time.
#[derive(Clone, Debug)]
struct Times(Histogram);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    end: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    token: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    code: CodeLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

/// A code of gRPC as other servers' metrics have it, `ResourceExhausted`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CodeLabel(Code);

impl Stats {
    pub(crate) fn add(&self, counts: &Counts) {
        self.ended("stored").inc_by(counts.stored);
        self.ended("repeated").inc_by(counts.repeated);
        self.ended("refused").inc_by(counts.refused);
        self.dead_letters.inc_by(counts.dead_letters);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            stored: self.ended("stored").get(),
            repeated: self.ended("repeated").get(),
            refused: self.ended("refused").get(),
            dead_letters: self.dead_letters.get(),
        }
    }

    /// An entry was refused, of which the store hears with its next commit: who sends nonsense must not make it sync.
    pub(crate) fn refuse(&self) {
        self.add(&Counts {
            refused: 1,
            ..Counts::default()
        });
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// The refused entries that are not yet counted in the store.
    pub(crate) fn unrecorded(&self) -> u64 {
        self.unrecorded.load(Ordering::Relaxed)
    }

    /// So many of them are counted there now.
    pub(crate) fn recorded(&self, refused: u64) {
        self.unrecorded.fetch_sub(refused, Ordering::Relaxed);
    }

    /// Entries were taken with the token of this name.
    pub(crate) fn sent(&self, token: &str, entries: u64) {
        let token = token.to_owned();
        self.tokens
            .get_or_create_owned(&Sent { token })
            .inc_by(entries);
    }

    /// A request for events was answered with this code.
    pub(crate) fn answered(&self, code: Code) {
        let code = CodeLabel(code);
        self.requests.get_or_create_owned(&Answered { code }).inc();
    }

    /// A push was not taken, for one of a few reasons.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create_owned(&Refused { reason }).inc();
    }

    /// A push is stored, so long after it had arrived.
    pub(crate) fn pushed(&self, took: Duration) {
        self.pushes.0.observe(took.as_secs_f64());
    }

    /// The store has committed and synced, which took so long.
    pub(crate) fn committed(&self, took: Duration) {
        self.commits.0.observe(took.as_secs_f64());
    }

    /// Counts a connection, unless there are as many as `max` already.
    pub(crate) fn connect(&self, max: usize) -> Option<Connected> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        if self.connections.inc() >= max {
            self.connections.dec();
            self.connections_refused.inc();
            return None;
        }
        Some(Connected(self.connections.clone()))
    }

    fn ended(&self, end: &'static str) -> Counter {
        self.events.get_or_create_owned(&Ended { end })
    }
}

#[cfg(feature = "web")]
impl Stats {
    /// Gives them their names.
    pub(crate) fn register(&self, registry: &mut Registry) {
        // A counter that has not counted is there as well: a rate needs its zero.
        self.add(&Counts::default());
        registry.register(
            "events",
            "Entries of requests that were taken, by what became of them: stored, repeated (stored before under the same id), refused",
            self.events.clone(),
        );
        registry.register(
            "dead_letters",
            "Events that were stored, but whose details did not fit their table",
            self.dead_letters.clone(),
        );
        registry.register(
            "token_events",
            "Entries that were taken with a token, by the token's name",
            self.tokens.clone(),
        );
        registry.register(
            "requests",
            "Requests for events, by the gRPC code of the answer",
            self.requests.clone(),
        );
        registry.register(
            "requests_refused",
            "Whole requests for events that were not taken, by reason",
            self.refusals.clone(),
        );
        registry.register_with_unit(
            "push",
            "Time from a whole request to its events being synced to disk",
            Unit::Seconds,
            self.pushes.0.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time of the store's transactions, each of all that had queued, until they are synced to disk",
            Unit::Seconds,
            self.commits.0.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections that were closed at once because there were too many",
            self.connections_refused.clone(),
        );
    }
}

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new(SECONDS))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl EncodeLabelValue for CodeLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        write!(encoder, "{:?}", self.0)
    }
}

//! The ends that events come to, and their counters.

use std::fmt;

use crate::loss::LossReason;

/// What became of the events of a client, at one moment.
///
/// Every event comes to exactly one end, so always
/// `emitted == delivered + rejected + dropped + spooled + pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events that were handed over, and those that were [recovered](Self::recovered).
    pub emitted: u64,
    /// Events that the server has.
    pub delivered: u64,
    /// Events that the server refused.
    pub rejected: u64,
    /// Events that were given up; [`dropped_for`](Self::dropped_for) says why.
    pub dropped: u64,
    /// Events that wait on disk, or are on their way from there.
    pub spooled: u64,
    /// Events that wait in memory or are on their way.
    pub pending: u64,
    /// Requests that failed and were made again.
    pub retries: u64,
    /// Events that [`sample`](crate::ClientBuilder::sample) has left out; they are in no other count.
    pub sampled_out: u64,
    /// Events that processes which have ended had left on disk, and that are now this client's to deliver.
    pub recovered: u64,
    dropped_by_reason: ByReason,
}

impl Stats {
    /// Events of which it is not known that the server has them: rejected or dropped.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.rejected + self.dropped
    }

    /// Events that were given up for this reason; those that the server rejected are counted in
    /// [`rejected`](Self::rejected) alone.
    #[must_use]
    pub fn dropped_for(&self, reason: LossReason) -> u64 {
        self.dropped_by_reason.0[reason as usize]
    }

    pub(crate) fn emit(&mut self) {
        self.emitted += 1;
        self.pending += 1;
    }

    /// Takes over events that are on disk.
    pub(crate) fn recover(&mut self, events: u64) {
        self.emitted += events;
        self.recovered += events;
        self.spooled += events;
    }

    pub(crate) fn deliver(&mut self, from: Gauge, events: u64) {
        self.leave(from, events);
        self.delivered += events;
    }

    pub(crate) fn reject(&mut self, from: Gauge, events: u64) {
        self.leave(from, events);
        self.rejected += events;
    }

    pub(crate) fn drop_for(&mut self, reason: LossReason, from: Gauge, events: u64) {
        self.leave(from, events);
        self.dropped += events;
        self.dropped_by_reason.0[reason as usize] += events;
    }

    /// Counts events as spooled that were pending.
    pub(crate) fn spool(&mut self, events: u64) {
        self.leave(Gauge::Pending, events);
        self.spooled += events;
    }

    fn leave(&mut self, gauge: Gauge, events: u64) {
        *match gauge {
            Gauge::Pending => &mut self.pending,
            Gauge::Spooled => &mut self.spooled,
        } -= events;
    }
}

/// Where an event is counted until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gauge {
    Pending,
    Spooled,
}

/// A count for each reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct ByReason([u64; LossReason::ALL.len()]);

impl fmt::Debug for ByReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = LossReason::ALL.into_iter().zip(self.0);
        f.debug_map()
            .entries(counts.filter(|(_, count)| *count > 0))
            .finish()
    }
}

/// Whether one more loss, or `added` more, are to be said in the log: often enough to be seen, and seldom enough
/// not to be in the way.
pub(crate) fn is_worth_a_line(total: u64, added: u64) -> bool {
    // A power of two was reached.
    added > 0
        && total.ilog2()
            != total
                .saturating_sub(added)
                .checked_ilog2()
                .unwrap_or(u32::MAX)
}

//! Those who wait for an end: of what was emitted before a flush, or of everything at a shutdown.

use std::collections::VecDeque;
use std::time::Instant;

use super::Queue;
use crate::loss::LossReason;
use crate::segment::Batch;
use crate::stats::Gauge;

/// Called once, when a flush or a shutdown is done: true if every event had its end in time.
pub(crate) type Done = Box<dyn FnOnce(bool) + Send>;

/// Somebody who waits for the end of all events of the batches before a number.
pub(super) struct Flush {
    before: i64,
    deadline: Instant,
    done: Done,
}

/// Where a client is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// No new events; the old ones are delivered until `save_at`, and then saved until `until`.
    Draining {
        save_at: Instant,
        until: Instant,
    },
    Ended,
}

impl Queue {
    /// Calls `done` when everything emitted so far has an end, or at the deadline; at once if that is now.
    pub(crate) fn flush(&mut self, deadline: Instant, done: Done) -> Option<Done> {
        // It is not sealed here: while nothing can be sent, many flushes must not make many small batches.
        self.open.urgent = self.open.events > 0;
        if self.oldest_unended() == i64::MAX {
            return Some(done);
        }
        let before = self.next_number + i64::from(self.open.urgent);
        self.flushes.push(Flush {
            before,
            deadline,
            done,
        });
        None
    }

    /// Takes no new events from now on, gives the old ones until `until`, and calls `done` when all have an end; at
    /// once if that is now. From `save_at` on they are only saved, where there is a spool.
    ///
    /// Of several deadlines the first counts.
    pub(crate) fn shut_down(
        &mut self,
        save_at: Instant,
        until: Instant,
        done: Done,
    ) -> Option<Done> {
        self.seal();
        self.phase = match self.phase {
            Phase::Running => Phase::Draining { save_at, until },
            Phase::Draining {
                save_at: earlier_save,
                until: earlier,
            } => Phase::Draining {
                save_at: earlier_save.min(save_at),
                until: earlier.min(until),
            },
            Phase::Ended => return Some(done),
        };
        self.shutdowns.push(done);
        None
    }

    /// Whether no new events are taken.
    pub(crate) fn is_draining(&self) -> bool {
        self.phase != Phase::Running
    }

    /// Whether it is time to save instead of to deliver.
    pub(crate) fn is_saving(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Draining { save_at, .. } if save_at <= now)
    }

    /// Whether nothing is pending, and never will be.
    pub(crate) fn is_drained(&self) -> bool {
        self.phase != Phase::Running && self.unended.is_empty()
    }

    /// Whether the time of a shutdown is up.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        match self.phase {
            Phase::Running => false,
            Phase::Draining { until, .. } => until <= now,
            Phase::Ended => true,
        }
    }

    /// Takes nothing from now on.
    pub(crate) fn close(&mut self) {
        self.phase = Phase::Ended;
        self.spare.clear();
    }

    /// Counts whatever is pending as dropped, in flight included, but for what is on disk, and hands out all waits and
    /// batches: their ends are told without the lock. A drain is over then.
    ///
    /// Nothing is abandoned for want of a thread that another caller was given meanwhile.
    pub(crate) fn abandon(&mut self, reason: LossReason) -> (Vec<(Done, bool)>, VecDeque<Batch>) {
        if reason == LossReason::NoThread && self.is_attended {
            return Default::default();
        }
        self.seal();
        if self.is_draining() {
            self.close();
        }
        self.pack();
        let mut batches = std::mem::take(&mut self.waiting);
        for batch in batches.iter_mut().filter(|batch| batch.file.is_some()) {
            self.count_as_spooled(batch);
        }
        let in_time = self.stats.pending == 0;
        self.stats
            .drop_for(reason, Gauge::Pending, self.stats.pending);
        self.unended.clear();
        let flushes = self.flushes.drain(..).map(|flush| flush.done);
        let waits = flushes.chain(self.shutdowns.drain(..));
        (waits.map(|done| (done, in_time)).collect(), batches)
    }

    /// The number of the oldest batch that has no end; the open segment has the number that it will have.
    fn oldest_unended(&self) -> i64 {
        if self.unended.is_empty() && self.open.events == 0 {
            return i64::MAX;
        }
        self.first_unended()
    }

    /// The number of the oldest batch that was sealed and has no end, or else of the next one.
    pub(super) fn first_unended(&self) -> i64 {
        let unended = i64::try_from(self.unended.len()).unwrap_or(i64::MAX);
        self.next_number - unended
    }

    /// The waits that are over: every event has its end, or their time is up.
    pub(crate) fn finished_flushes(&mut self, now: Instant) -> Vec<(Done, bool)> {
        let oldest = self.oldest_unended();
        self.flushes
            .extract_if(.., |flush| flush.before <= oldest || flush.deadline <= now)
            .map(|flush| (flush.done, flush.before <= oldest))
            .collect()
    }

    /// The next moment at which a wait ends, or a part of the drain.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let drain = match self.phase {
            Phase::Draining { save_at, .. } if now < save_at => Some(save_at),
            Phase::Draining { until, .. } => Some(until),
            _ => None,
        };
        self.flushes
            .iter()
            .map(|flush| flush.deadline)
            .chain(drain)
            .min()
    }
}

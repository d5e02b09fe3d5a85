//! The worker's part in the spool: when it is given something to do, and what it lets be sent.

use std::time::Instant;

use super::{IDLE, Worker};
use crate::loss::LossReason;
use crate::queue::{Eligible, Queue};
use crate::segment::Batch;
use crate::spooler::{Situation, Spooler};
use crate::stats::Gauge;

impl Worker<'_> {
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let is_closed = self.spooler.as_ref().is_none_or(Spooler::is_closed);
        let queue = self.shared.queue();
        queue.is_late(now) || queue.is_drained() && is_closed
    }

    /// Has all that is left written to the spool, when the time for it has come or no server takes anything.
    pub(super) fn save_if_due(&mut self, now: Instant) {
        let is_due =
            self.shared.queue().is_saving(now) || self.was_draining && !self.lanes.is_healthy();
        let Some(spooler) = self.spooler.as_mut().filter(|_| is_due) else {
            return;
        };
        if spooler.save(now) {
            self.take_back();
        }
    }

    /// Puts all batches back into the queue, where all that has no end comes to the same one, unless the disk is why.
    pub(super) fn give_back(&mut self) {
        self.take_back();
        let Some(spooler) = &mut self.spooler else {
            return;
        };
        spooler.give_back();
        if !spooler.is_failing() {
            return;
        }
        while let Some(batch) = self.next_unwritten() {
            self.give_up(batch, LossReason::SpoolFailed);
        }
    }

    fn next_unwritten(&self) -> Option<Batch> {
        let is_unwritten = |batch: &Batch| batch.file.is_none();
        self.shared.queue().take_waiting(is_unwritten)
    }

    /// The server that may be sent a batch.
    pub(super) fn free(&self, now: Instant) -> Option<usize> {
        let is_saving = self.spooler.as_ref().is_some_and(Spooler::is_saving);
        self.lanes.free(now).filter(|_| !is_saving)
    }

    /// Gives the spool something to do, and says when there is more.
    pub(super) fn spool(&mut self, now: Instant) -> Instant {
        let situation = self.situation(now);
        let Some(spooler) = &mut self.spooler else {
            return now + IDLE;
        };
        spooler.begin(situation);
        let wake_at = spooler.wake_at(&self.shared.queue(), now);
        wake_at.unwrap_or(now + IDLE)
    }

    fn situation(&self, now: Instant) -> Situation {
        let mut in_flight = self.in_flight.values();
        Situation {
            now,
            is_healthy: self.lanes.is_healthy(),
            is_free: self.free(now).is_some(),
            read_back_in_flight: in_flight.any(|(_, batch)| batch.gauge == Gauge::Spooled),
        }
    }

    /// Which batches may be sent to a server.
    pub(super) fn eligible(&self, queue: &Queue, place: usize, now: Instant) -> Eligible {
        let is_failing = self.lanes[place].backoff.is_failing();
        self.spooler.as_ref().map_or(Eligible::All, |spooler| {
            spooler.eligible(queue, is_failing, self.situation(now))
        })
    }
}

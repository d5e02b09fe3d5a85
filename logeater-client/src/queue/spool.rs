//! The queue's part in the spool: which batches go to disk, which leave memory for it, and where their events count.

use std::sync::Arc;
use std::time::Instant;

use super::Queue;
use crate::loss::LossReason;
use crate::segment::Batch;
use crate::spool::{Taken, Ticket};
use crate::stats::Gauge;

/// Which batches may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eligible {
    /// All, also those that can only go to disk: there is none at the moment.
    All,
    /// Those whose time is not over.
    InTime,
    /// Those that are on disk.
    Written,
    /// Those that were read back, since older ones than all others lie on disk.
    ReadBack,
}

impl Eligible {
    pub(super) fn has(self, batch: &Batch) -> bool {
        match self {
            Self::All => true,
            Self::InTime => !batch.is_overdue,
            // What is on disk is never overdue.
            Self::Written => batch.file.is_some(),
            Self::ReadBack => batch.gauge == Gauge::Spooled,
        }
    }

    /// Whether what was never on disk may be sent, so that the open segment may be sealed for it.
    pub(crate) fn has_new(self) -> bool {
        matches!(self, Self::All | Self::InTime)
    }
}

/// Files that are no longer in the hands of the queue.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Those of batches that have left memory.
    pub(crate) released: Vec<Ticket>,
    /// Those of batches whose events have all ended.
    pub(crate) ended: Vec<Ticket>,
}

impl Queue {
    /// Takes over events of processes that have ended, which are on disk.
    pub(crate) fn recover(&mut self, events: u64) {
        self.stats.recover(events);
    }

    /// Counts events as dropped whose file is lost.
    pub(crate) fn lose_spooled(&mut self, reason: LossReason, events: u32) {
        self.stats
            .drop_for(reason, Gauge::Spooled, u64::from(events));
    }

    /// Seals the open segment, if it is due.
    pub(crate) fn seal_due(&mut self, now: Instant) {
        if self.open_due().is_some_and(|due| due <= now) {
            self.seal();
        }
    }

    /// Takes the oldest batch that waits and is so.
    pub(crate) fn take_waiting(&mut self, is_so: impl Fn(&Batch) -> bool) -> Option<Batch> {
        self.pack();
        let place = self.waiting.iter().position(is_so)?;
        self.waiting.remove(place)
    }

    /// How many batches wait that were read back and are so.
    pub(crate) fn read_back_waiting(&self, is_so: impl Fn(&Batch) -> bool) -> usize {
        let is_read_back = |batch: &&Batch| batch.gauge == Gauge::Spooled && is_so(batch);
        self.waiting.iter().filter(is_read_back).count()
    }

    /// Whether so much memory is taken that batches should leave it for the disk: more than half.
    pub(crate) fn is_crowded(&self) -> bool {
        self.memory_in_use() > self.limits.buffer_bytes / 2
    }

    /// Whether a batch of so many bytes can be read back without making it [crowded](Self::is_crowded).
    pub(crate) fn can_read_ahead(&self, bytes: usize) -> bool {
        self.memory_in_use() + bytes <= self.limits.buffer_bytes / 2
    }

    /// Whether there is memory at all to read back a batch of so many bytes. One that can hardly ever fit, of a client
    /// with a larger buffer, goes beyond the ceiling.
    pub(crate) fn can_read_back(&self, bytes: usize) -> bool {
        let all = self.limits.buffer_bytes;
        self.memory_in_use() + bytes <= all || bytes > all / 2
    }

    /// The memory that cannot be given back at once.
    fn memory_in_use(&self) -> usize {
        self.memory - self.spare.iter().map(Vec::capacity).sum::<usize>()
    }

    /// Takes memory for a batch that is to be read back.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        while self.memory + bytes > self.limits.buffer_bytes
            && let Some(spare) = self.spare.pop()
        {
            self.memory -= spare.capacity();
        }
        self.memory += bytes;
    }

    /// Gives back what was [reserved](Self::reserve) for a batch, and has the batch, if it was read, wait before all that
    /// never were on disk.
    pub(crate) fn read_back(&mut self, reserved: usize, taken: Option<Taken>) {
        self.memory -= reserved;
        let Some(taken) = taken else { return };
        let batch = Batch::read_back(self.next_read_back, taken);
        self.next_read_back += 1;
        self.memory += batch.memory();
        self.put_back(batch);
    }

    /// Notes the file of a batch, and that the one of which it was a part is no longer its own.
    pub(crate) fn written(&mut self, batch: &mut Batch, file: Ticket) {
        let part_of = batch.file.replace(Arc::new(file));
        self.files.ended.extend(part_of.and_then(Arc::into_inner));
    }

    /// Has a file removed whose batch is sent from memory.
    pub(crate) fn disown(&mut self, file: Ticket) {
        self.files.ended.push(file);
    }

    /// Counts the events of a batch that is on disk as spooled, which is an end for who flushes.
    pub(crate) fn count_as_spooled(&mut self, batch: &mut Batch) {
        if batch.gauge == Gauge::Pending {
            let events = u64::from(batch.events);
            self.stats.spool(events);
            self.end(batch, events);
            batch.gauge = Gauge::Spooled;
        }
    }

    /// Lets go of a batch that has a file of its own, which is read back when its time has come.
    pub(crate) fn release(&mut self, batch: &mut Batch) {
        self.count_as_spooled(batch);
        let file = batch.file.take().and_then(Arc::into_inner);
        self.files.released.extend(file);
    }

    /// Lets go of the oldest batch that waits and has a file of its own.
    pub(crate) fn release_oldest(&mut self) -> Option<Batch> {
        let mut batch = self.take_waiting(Batch::is_whole_file)?;
        self.release(&mut batch);
        Some(batch)
    }

    /// Takes a batch that is not in flight out of the way: one that is on disk, or else, if events may be dropped for
    /// it, the oldest, which is the caller's to [give up](Self::give_up).
    pub(crate) fn make_way(&mut self, drop_oldest: bool) -> Option<Batch> {
        if let Some(batch) = self.release_oldest() {
            return Some(batch);
        }
        if !drop_oldest {
            return None;
        }
        if self.sealed.is_empty() && self.waiting.is_empty() {
            self.seal();
        }
        self.take_waiting(|batch| batch.file.is_none())
    }

    /// Whether files wait to be taken over by the spool.
    pub(crate) fn has_released(&self) -> bool {
        !self.files.released.is_empty()
    }

    /// Hands out the files that are no longer in its hands.
    pub(crate) fn take_files(&mut self) -> Files {
        std::mem::take(&mut self.files)
    }
}

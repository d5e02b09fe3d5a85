//! Which batches lie on disk, which of them wait, and which is next. No I/O.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use super::limit::Limit;
use super::name::BatchName;
use crate::when_full::WhenFull;

/// The right to a batch on disk: whoever has it sends the batch, and then removes it or puts it back.
///
/// A batch whose ticket was dropped stays on disk, and is not taken again before the next start.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the batch is not sent again before the next start"]
pub(crate) struct Ticket {
    pub(super) name: BatchName,
    /// The length of its file.
    pub(super) bytes: u64,
}

impl Ticket {
    /// The right to a batch that no test reads.
    #[cfg(test)]
    pub(crate) fn of(id: [u8; 16], events: u32) -> Self {
        let name = BatchName { id, events };
        Self { name, bytes: 0 }
    }

    pub(crate) fn events(&self) -> u32 {
        self.name.events
    }
}

/// The batches in one client's folder.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Those that nobody has taken, oldest first.
    waiting: BTreeMap<BatchName, u64>,
    waiting_bytes: u64,
    /// Of all files, those that are taken included.
    bytes: u64,
    /// The last batch that could not be read; the ones after it have their turn first.
    postponed: Option<BatchName>,
}

impl Index {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    #[cfg(test)]
    pub(crate) fn waiting_events(&self) -> u64 {
        self.waiting.keys().map(|name| u64::from(name.events)).sum()
    }

    /// Adds a file, as one that is taken.
    pub(crate) fn add(&mut self, name: BatchName, bytes: u64) -> Ticket {
        self.bytes += bytes;
        Ticket { name, bytes }
    }

    pub(crate) fn put_back(&mut self, Ticket { name, bytes }: Ticket) {
        self.waiting_bytes += bytes;
        self.waiting.insert(name, bytes);
    }

    /// Puts a batch back, behind all those that are younger.
    pub(crate) fn postpone(&mut self, ticket: Ticket) {
        self.postponed = Some(ticket.name);
        self.put_back(ticket);
    }

    /// Forgets a file that is gone.
    pub(crate) fn forget(&mut self, Ticket { bytes, .. }: Ticket) {
        self.bytes -= bytes;
    }

    /// Takes the batch that is next: the oldest, but for those that could not be read in this round.
    pub(crate) fn take(&mut self) -> Option<Ticket> {
        match self.younger() {
            Some((name, _)) => self.take_named(name),
            None => self.take_oldest(),
        }
    }

    /// The length of the file that is next.
    pub(crate) fn next_bytes(&self) -> Option<u64> {
        let oldest = self.waiting.first_key_value();
        self.younger()
            .or(oldest.map(|(name, bytes)| (*name, *bytes)))
            .map(|(_, bytes)| bytes)
    }

    /// The oldest of those that have their turn before the one that could not be read.
    fn younger(&self) -> Option<(BatchName, u64)> {
        let younger = (Excluded(self.postponed?), Unbounded);
        let next = self.waiting.range(younger).next();
        next.map(|(name, bytes)| (*name, *bytes))
    }

    /// Takes the oldest batch, and begins a new round.
    pub(crate) fn take_oldest(&mut self) -> Option<Ticket> {
        self.postponed = None;
        let (name, _) = self.waiting.first_key_value()?;
        self.take_named(*name)
    }

    fn take_named(&mut self, name: BatchName) -> Option<Ticket> {
        let bytes = self.waiting.remove(&name)?;
        self.waiting_bytes -= bytes;
        Some(Ticket { name, bytes })
    }

    /// Whether there is room for a file, or can be.
    pub(crate) fn can_hold(&self, bytes: u64, limit: Limit) -> bool {
        let stays = match limit.when_full {
            WhenFull::DropNewest => self.bytes,
            WhenFull::DropOldest => self.bytes - self.waiting_bytes,
        };
        stays + bytes <= limit.bytes
    }
}

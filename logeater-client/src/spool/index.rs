//! Which batches lie on disk, which of them wait, and which is next. No I/O.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use super::limit::{Limit, WhenFull};
use super::name::BatchName;

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
    waiting_events: u64,
    /// Of all files, those that are taken included.
    bytes: u64,
    /// The last batch that could not be read; the ones after it have their turn first.
    postponed: Option<BatchName>,
}

impl Index {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn waiting_events(&self) -> u64 {
        self.waiting_events
    }

    /// Adds a file, as one that is taken.
    pub(crate) fn add(&mut self, name: BatchName, bytes: u64) -> Ticket {
        self.bytes += bytes;
        Ticket { name, bytes }
    }

    pub(crate) fn put_back(&mut self, Ticket { name, bytes }: Ticket) {
        self.waiting_bytes += bytes;
        self.waiting_events += u64::from(name.events);
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
        let younger = self.postponed.and_then(|name| {
            let younger = self.waiting.range((Excluded(name), Unbounded));
            younger.map(|(name, _)| *name).next()
        });
        match younger {
            Some(name) => self.take_named(name),
            None => self.take_oldest(),
        }
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
        self.waiting_events -= u64::from(name.events);
        Some(Ticket { name, bytes })
    }

    /// Whether there is room for a file, or can be.
    pub(crate) fn can_hold(&self, bytes: u64, limit: Limit) -> bool {
        let stays = match limit.when_full {
            WhenFull::RefuseNew => self.bytes,
            WhenFull::DropOldest => self.bytes - self.waiting_bytes,
        };
        stays + bytes <= limit.bytes
    }
}

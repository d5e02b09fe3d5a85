//! What has become of all entries since the start.

use std::sync::atomic::{AtomicU64, Ordering};

/// One counter for each end that an entry can have, and one for the dead letters among the stored.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    stored: AtomicU64,
    repeated: AtomicU64,
    refused: AtomicU64,
    dead_letters: AtomicU64,
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

impl Stats {
    pub(crate) fn add(&self, counts: &Counts) {
        self.stored.fetch_add(counts.stored, Ordering::Relaxed);
        self.repeated.fetch_add(counts.repeated, Ordering::Relaxed);
        self.refused.fetch_add(counts.refused, Ordering::Relaxed);
        self.dead_letters
            .fetch_add(counts.dead_letters, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            stored: self.stored.load(Ordering::Relaxed),
            repeated: self.repeated.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            dead_letters: self.dead_letters.load(Ordering::Relaxed),
        }
    }
}

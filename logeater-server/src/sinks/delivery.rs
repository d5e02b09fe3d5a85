//! What a sink says became of the events that it was given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What became of events: each is stored, unless it is refused or is to be tried again.
///
/// An event is named by its index among those that were given. If one is named that was not, nothing counts, and all are
/// tried again.
#[derive(Debug, Default)]
#[must_use]
pub struct Delivery {
    pub(super) refused: BTreeMap<usize, String>,
    pub(super) again: Again,
    pub(super) failure: Option<String>,
    pub(super) pause: Option<Duration>,
}

/// Which events are to be tried again.
#[derive(Debug)]
pub(super) enum Again {
    Some(BTreeSet<usize>),
    All,
}

impl Default for Again {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Delivery {
    /// All events are stored.
    pub fn stored() -> Self {
        Self::default()
    }

    /// None is stored and all are to be tried again, for this reason.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self {
            again: Again::All,
            failure: Some(reason.into()),
            ..Self::default()
        }
    }

    /// An event is refused for good: it becomes a dead letter with this reason.
    pub fn refuse(mut self, index: usize, reason: impl Into<String>) -> Self {
        self.refused.insert(index, reason.into());
        self
    }

    /// An event is to be tried again, for this reason.
    pub fn retry(mut self, index: usize, reason: impl Into<String>) -> Self {
        if let Again::Some(again) = &mut self.again {
            again.insert(index);
        }
        self.failure.get_or_insert_with(|| reason.into());
        self
    }

    /// How long the sink is to be left alone. Default: an exponential backoff with jitter, up to a minute.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// The same if it names none but the first `events`. From a sink that counts otherwise nothing is certain.
    pub(super) fn of(self, events: usize) -> Self {
        let again = match &self.again {
            Again::Some(again) => again.last(),
            Again::All => None,
        };
        let last = self.refused.keys().next_back().max(again);
        match last.filter(|last| **last >= events) {
            Some(last) => Self::failed(format!(
                "the sink names the index {last}, and was given {events} events"
            )),
            None => self,
        }
    }

    pub(super) fn is_refused(&mut self, index: usize) -> Option<String> {
        self.refused.remove(&index)
    }

    pub(super) fn is_again(&self, index: usize) -> bool {
        match &self.again {
            Again::Some(again) => again.contains(&index),
            Again::All => true,
        }
    }
}

//! What becomes of events whose rows go into several tables: an event has its end when the last of them has.

use std::time::Duration;

use crate::sinks::Delivery;

/// What the sink says of each event that it was given, by its place.
#[derive(Debug)]
pub(super) struct Word {
    again: Vec<bool>,
    refused: Vec<Option<String>>,
    /// Why the first is to be tried again, and what helps.
    failure: Option<String>,
    pause: Option<Duration>,
}

impl Word {
    /// All are stored, as far as is known.
    pub(super) fn new(events: usize) -> Self {
        Self {
            again: vec![false; events],
            refused: vec![None; events],
            failure: None,
            pause: None,
        }
    }

    /// A row of an event is refused for good.
    pub(super) fn refuse(&mut self, place: usize, reason: String) {
        if let Some(refused) = self.refused.get_mut(place) {
            refused.get_or_insert(reason);
        }
    }

    /// A row of an event is to be sent again.
    pub(super) fn retry(&mut self, place: usize, reason: &str) {
        if let Some(again) = self.again.get_mut(place) {
            *again = true;
        }
        self.failure.get_or_insert_with(|| reason.to_owned());
    }

    /// What helps, or why that has not helped.
    pub(super) fn explain(&mut self, words: &str) {
        if let Some(failure) = &mut self.failure {
            failure.push_str("; ");
            failure.push_str(words);
        }
    }

    /// The sink is to be left alone for so long, or longer.
    pub(super) fn pause(&mut self, pause: Duration) {
        self.pause = self.pause.max(Some(pause));
    }

    pub(super) fn is_again(&self, place: usize) -> bool {
        self.again.get(place).is_some_and(|again| *again)
    }

    /// The word about all. What is tried again is refused later, if that has to be.
    pub(super) fn delivery(self) -> Delivery {
        let failure = self.failure.unwrap_or_default();
        let mut delivery = Delivery::stored();
        for (place, (again, refused)) in self.again.into_iter().zip(self.refused).enumerate() {
            delivery = match refused {
                _ if again => delivery.retry(place, &failure),
                Some(reason) => delivery.refuse(place, reason),
                None => delivery,
            };
        }
        match self.pause {
            Some(pause) => delivery.pause(pause),
            None => delivery,
        }
    }
}

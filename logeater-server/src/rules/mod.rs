//! What becomes of events on their way from the store to a sink: which go where, and how they are changed.

mod bounds;
mod filter;
mod rule;
mod sample;
mod stepping;

use std::time::Duration;
use std::{io, thread};

use crate::StoredEvent;

pub use filter::FilterError;
pub use rule::{Rule, RuleError};

/// The stack of the thread of filters: 256 MiB of addresses, of which memory is taken as they are used.
const STACK_BYTES: usize = 256 << 20;

/// The longest time that a filter may take for one event: no thread can be ended from outside.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rules in their order. Each that matches an event's type is applied to what the ones before it left.
#[derive(Debug)]
pub(crate) struct Rules {
    in_order: Vec<Rule>,
    stack_bytes: usize,
    patience: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Deliver(StoredEvent),
    LeaveOut,
    /// It is a dead letter, for this reason.
    Refuse(StoredEvent, String),
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self {
            in_order: rules,
            stack_bytes: STACK_BYTES,
            patience: PATIENCE,
        }
    }

    /// The same with a stack that no thread can have.
    #[cfg(test)]
    pub(crate) fn without_thread(self) -> Self {
        Self {
            stack_bytes: usize::MAX >> 4,
            ..self
        }
    }

    /// The same with so much time for each event.
    #[cfg(test)]
    pub(crate) fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether all events go on as they are.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// The sinks that rules name.
    pub(crate) fn sink_names(&self) -> impl Iterator<Item = &str> {
        let names = self.in_order.iter().flat_map(Rule::sink_names);
        names.map(String::as_str)
    }

    /// What becomes of events on their way to a sink, in their order. Blocks.
    ///
    /// Filters have a thread with a stack of their own, for as much of it as they can need within their bounds.
    ///
    /// # Errors
    ///
    /// When there is no such thread to be had. It says nothing of the events.
    pub(crate) fn apply_to_all(&self, sink: &str, events: &[StoredEvent]) -> io::Result<Vec<Fate>> {
        let apply = |event: &StoredEvent| self.apply(sink, event.clone());
        let apply_to_all = || events.iter().map(apply).collect();
        if !self.in_order.iter().any(Rule::has_filter) {
            return Ok(apply_to_all());
        }
        let refuse =
            |event: &StoredEvent| Fate::Refuse(event.clone(), "a rule panicked".to_owned());
        let thread = thread::Builder::new().stack_size(self.stack_bytes);
        thread::scope(|scope| {
            let fates = thread.spawn_scoped(scope, apply_to_all)?.join();
            Ok(fates.unwrap_or_else(|_| events.iter().map(refuse).collect()))
        })
    }

    /// What becomes of an event on its way to a sink.
    fn apply(&self, sink: &str, mut event: StoredEvent) -> Fate {
        let event_type = event.event_type.clone();
        let rules = (1..).zip(&self.in_order);
        for (number, rule) in rules.filter(|(_, rule)| rule.matches(&event_type)) {
            event = match rule.apply(sink, event, self.patience) {
                Fate::Deliver(event) => event,
                Fate::LeaveOut => return Fate::LeaveOut,
                Fate::Refuse(event, reason) => {
                    let pattern = rule.pattern();
                    return Fate::Refuse(event, format!("rule {number} (`{pattern}`): {reason}"));
                }
            };
        }
        Fate::Deliver(event)
    }
}

#[cfg(test)]
#[path = "../rules_tests.rs"]
mod tests;

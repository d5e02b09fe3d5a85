//! What becomes of events on their way from the store to a sink: which go where, and how they are changed.

mod bounds;
mod filter;
mod rule;
mod sample;
mod stepping;

use std::thread;

use crate::StoredEvent;

pub use filter::FilterError;
pub use rule::{Rule, RuleError};

/// The stack of the thread of filters: 256 MiB of addresses, of which memory is taken as they are used.
const STACK_BYTES: usize = 256 << 20;

/// Rules in their order. Each that matches an event's type is applied to what the ones before it left.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

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
        Self(rules)
    }

    /// The sinks that rules name.
    pub(crate) fn sink_names(&self) -> impl Iterator<Item = &str> {
        let names = self.0.iter().flat_map(Rule::sink_names);
        names.map(String::as_str)
    }

    /// What becomes of events on their way to a sink. Blocks.
    ///
    /// Filters have a thread with a stack of their own, for as much of it as they can need within their bounds.
    pub(crate) fn apply_to_all(&self, sink: &str, events: Vec<StoredEvent>) -> Vec<Fate> {
        let apply = |event| self.apply(sink, event);
        if !self.0.iter().any(Rule::has_filter) {
            return events.into_iter().map(apply).collect();
        }
        let apply_to_all = || events.iter().cloned().map(apply).collect();
        let refuse_all = |reason: String| {
            let refuse = |event: &StoredEvent| Fate::Refuse(event.clone(), reason.clone());
            events.iter().map(refuse).collect()
        };
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        thread::scope(|scope| match thread.spawn_scoped(scope, apply_to_all) {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| refuse_all("a rule panicked".to_owned())),
            Err(error) => refuse_all(format!("there is no thread for the filter: {error}")),
        })
    }

    /// What becomes of an event on its way to a sink.
    fn apply(&self, sink: &str, mut event: StoredEvent) -> Fate {
        let event_type = event.event_type.clone();
        let rules = (1..).zip(&self.0);
        for (number, rule) in rules.filter(|(_, rule)| rule.matches(&event_type)) {
            event = match rule.apply(sink, event) {
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

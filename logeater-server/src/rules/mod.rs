//! What becomes of events on their way from the store to a sink: which go where, and how they are changed.

mod filter;
mod rule;
mod sample;

use crate::StoredEvent;

pub use filter::FilterError;
pub use rule::{Rule, RuleError};

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

    /// What becomes of an event on its way to a sink.
    pub(crate) fn apply(&self, sink: &str, mut event: StoredEvent) -> Fate {
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

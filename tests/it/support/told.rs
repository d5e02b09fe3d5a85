//! What hooks are told of losses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use logeater_client::{Loss, LossReason};

/// How many events by type and reason, and the last message of each.
type Losses = HashMap<(String, LossReason), (u64, Option<String>)>;

/// What a hook was told.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Losses>>);

impl Told {
    pub(crate) fn hook(&self) -> impl Fn(&Loss) + Send + Sync + 'static {
        let told = self.clone();
        move |loss| {
            let key = (loss.event_type.clone(), loss.reason);
            let mut told = told.0.lock().unwrap();
            let (events, message) = told.entry(key).or_default();
            *events += loss.events;
            *message = loss.message.clone().or(message.take());
        }
    }

    pub(crate) fn of(&self, event_type: &str, reason: LossReason) -> (u64, Option<String>) {
        let key = (event_type.to_owned(), reason);
        self.0
            .lock()
            .unwrap()
            .get(&key)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u64 {
        self.0
            .lock()
            .unwrap()
            .values()
            .map(|(events, _)| events)
            .sum()
    }
}

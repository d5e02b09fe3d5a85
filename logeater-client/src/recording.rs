//! Events that are kept instead of sent, for the unit tests of an application.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use logeater_proto::{ENTRY_BYTES_MAX, EVENT_ID_FIELD_BYTES, EntryRef};
use logeater_schema::Event;

use crate::encode::{Encoded, Encoder};
use crate::loss::LossReason;
use crate::stats::{Gauge, Stats};
use crate::timestamp::{TimestampUnit, since_epoch};

/// One event that a recording client was given, as it would have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// The event type, such as `cart.add`.
    pub event_type: String,
    /// Who did it.
    pub user_id: Option<String>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The JSON of the details; `None` for an event type without fields.
    pub details: Option<String>,
}

impl RecordedEvent {
    /// Whether it is of the type `E`, or a variant of it.
    #[must_use]
    pub fn is<E: Event>(&self) -> bool {
        E::TYPES.iter().any(|known| known.name == self.event_type)
    }
}

/// The events that a recording client was given, made by [`Client::recording`](crate::Client::recording).
#[derive(Clone)]
pub struct Recorded(Arc<Mutex<Recording>>);

impl Recorded {
    /// All events so far, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<RecordedEvent> {
        lock(&self.0).events.clone()
    }

    /// The events of the type `E` so far, oldest first; of any variant, if `E` is an enum.
    #[must_use]
    pub fn of<E: Event>(&self) -> Vec<RecordedEvent> {
        let recording = lock(&self.0);
        let events = recording.events.iter().filter(|event| event.is::<E>());
        events.cloned().collect()
    }

    /// The events so far, oldest first, which are then forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<RecordedEvent> {
        std::mem::take(&mut lock(&self.0).events)
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorded")
            .field(&lock(&self.0).events)
            .finish()
    }
}

/// The recording client's side.
pub(crate) struct Recorder {
    encoder: Encoder,
    recording: Arc<Mutex<Recording>>,
}

#[derive(Default)]
struct Recording {
    events: Vec<RecordedEvent>,
    stats: Stats,
    is_shut_down: bool,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let encoder = Encoder {
            service: String::new(),
            unit: TimestampUnit::Millis,
        };
        Self {
            encoder,
            recording: Arc::default(),
        }
    }

    pub(crate) fn recorded(&self) -> Recorded {
        Recorded(Arc::clone(&self.recording))
    }

    pub(crate) fn stats(&self) -> Stats {
        lock(&self.recording).stats
    }

    /// Takes no more events, as a client that is shut down.
    pub(crate) fn shut_down(&self) {
        lock(&self.recording).is_shut_down = true;
    }

    /// Counts an event that could not be made.
    #[cfg(feature = "tracing")]
    pub(crate) fn lose(&self, reason: LossReason) {
        let stats = &mut lock(&self.recording).stats;
        stats.emit();
        stats.drop_for(reason, Gauge::Pending, 1);
    }

    /// Keeps what would have been sent; an event that could not be sent is lost for the same reason.
    pub(crate) fn record<E: Event>(&self, event: &E) -> Result<(), LossReason> {
        let entry = self.encoder.encode(event, since_epoch());
        let mut recording = lock(&self.recording);
        recording.stats.emit();
        match recording.check(entry) {
            Ok(entry) => {
                recording.stats.deliver(Gauge::Pending, 1);
                recording.events.push(entry);
                Ok(())
            }
            Err(reason) => {
                recording.stats.drop_for(reason, Gauge::Pending, 1);
                Err(reason)
            }
        }
    }
}

impl Recording {
    fn check(&self, entry: Encoded) -> Result<RecordedEvent, LossReason> {
        if self.is_shut_down {
            return Err(LossReason::ShutDown);
        }
        let entry = entry.map_err(|_| LossReason::Invalid)?;
        if entry.len() + EVENT_ID_FIELD_BYTES > ENTRY_BYTES_MAX {
            return Err(LossReason::TooLarge);
        }
        let entry = EntryRef::decode(&entry).map_err(|_| LossReason::Invalid)?;
        Ok(RecordedEvent {
            event_type: entry.event_type.to_owned(),
            user_id: entry.user_id.map(ToOwned::to_owned),
            timestamp: entry.timestamp,
            details: entry.details.map(ToOwned::to_owned),
        })
    }
}

fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

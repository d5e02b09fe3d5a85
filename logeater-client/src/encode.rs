//! Writes an event as an entry, outside of every lock: a slow, panicking or re-entrant event harms only itself.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use logeater_proto::{Envelope, write_entry};
use logeater_schema::{Event, JsonWriter};

use crate::timestamp::TimestampUnit;

/// What a thread keeps for its next event; what a giant one needed beyond that is given back.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What is the same for all events of a client.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) service: String,
    pub(crate) unit: TimestampUnit,
}

/// The bytes of an event's entry, without an id, in memory that the thread uses again.
#[derive(Debug)]
pub(crate) struct Entry(Vec<u8>);

impl Deref for Entry {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        if bytes.capacity() <= SCRATCH_BYTES_MAX {
            // A thread that is ending keeps nothing.
            let _ = SCRATCH.try_with(|kept| kept.set(bytes));
        }
    }
}

/// An event's entry, or the reason why there is none.
pub(crate) type Encoded = Result<Entry, Cow<'static, str>>;

impl Encoder {
    /// Writes the event; `now` is the time since the epoch.
    pub(crate) fn encode<E: Event>(&self, event: &E, now: Duration) -> Encoded {
        // Taken, not borrowed: an event that emits another one while it is written finds a new scratch.
        let mut entry = Entry(SCRATCH.try_with(Cell::take).unwrap_or_default());
        entry.0.clear();
        catch_unwind(AssertUnwindSafe(|| self.write(event, now, &mut entry.0)))
            .unwrap_or_else(|_| Err("it panicked while it was written".into()))?;
        Ok(entry)
    }

    fn write<E: Event>(
        &self,
        event: &E,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), Cow<'static, str>> {
        let event_type = event.event_type();
        let user_id = event.user_id();
        let envelope = Envelope {
            timestamp: match event.timestamp() {
                Some(time) => self.unit.count(time),
                None => self.unit.count_after_epoch(now),
            },
            service: &self.service,
            event_type: event_type.name,
            user_id: user_id.as_deref(),
        };
        let mut fits = Ok(());
        let details = (!event_type.fields.is_empty()).then_some(|out: &mut Vec<u8>| {
            let mut json = JsonWriter::new(out);
            event.write_details(&mut json);
            fits = json.finish();
        });
        write_entry(out, &envelope, details);
        fits
    }
}

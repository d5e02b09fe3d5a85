//! Writes an event as an entry, outside of every lock: a slow, panicking or re-entrant event harms only itself.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

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

/// An event as bytes, or the reason why there are none.
pub(crate) type Encoded<'a> = Result<&'a [u8], Cow<'static, str>>;

impl Encoder {
    /// Writes the event, and hands the bytes of its entry, without an id, to `then`.
    pub(crate) fn encode<E: Event, R>(
        &self,
        event: &E,
        now: SystemTime,
        then: impl FnOnce(Encoded<'_>) -> R,
    ) -> R {
        // Taken, not borrowed: an event that emits another one while it is written finds a new scratch.
        let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
        scratch.clear();
        let written = catch_unwind(AssertUnwindSafe(|| self.write(event, now, &mut scratch)));
        let result = match written {
            Ok(Ok(())) => then(Ok(&scratch)),
            Ok(Err(reason)) => then(Err(reason)),
            Err(_) => then(Err("it panicked while it was written".into())),
        };
        if scratch.capacity() <= SCRATCH_BYTES_MAX {
            // A thread that is ending keeps nothing.
            let _ = SCRATCH.try_with(|kept| kept.set(scratch));
        }
        result
    }

    fn write<E: Event>(
        &self,
        event: &E,
        now: SystemTime,
        out: &mut Vec<u8>,
    ) -> Result<(), Cow<'static, str>> {
        let event_type = event.event_type();
        let user_id = event.user_id();
        let envelope = Envelope {
            timestamp: self.unit.count(event.timestamp().unwrap_or(now)),
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

/// The time of an id.
pub(crate) fn unix_millis(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

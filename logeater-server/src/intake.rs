//! What the entries of a request become: rows to store, or reasons to refuse. No clock, no I/O.

use std::sync::Arc;

use bytes::Bytes;
use logeater_proto::event::Rejection;
use logeater_proto::{ENTRY_BYTES_MAX, EntryRef, SERVICE_BYTES_MAX, entries};
use logeater_schema::check_event_type;
use tokio::sync::watch;
use uuid::Uuid;

use crate::batch::{Batch, EventId, Extended, Row};
use crate::details;
use crate::plan::Plan;
use crate::shorten::shorten;
use crate::time;

/// The most characters that a reason shows of an event type.
const TYPE_CHARS_MAX: usize = 64;

/// How many refused entries of a batch get their own reason, so that an answer stays under the limit of gRPC.
const REASONS_MAX: usize = 1_000;

/// The reason of the others.
const ANOTHER: &str = "refused too";

/// What is to be known besides the request.
#[derive(Debug)]
pub(crate) struct Intake {
    /// What the catalog knows, which may change between requests.
    pub(crate) plan: watch::Receiver<Arc<Plan>>,
    /// Makes the id of an entry that comes without one.
    pub(crate) new_id: fn() -> Uuid,
}

impl Intake {
    /// Reads an encoded `EventBatch`: its rows, and the entries that are refused.
    ///
    /// # Errors
    ///
    /// When the bytes are no batch, or too many entries; an entry that is no entry is refused alone.
    pub(crate) fn batch(
        &self,
        request: &Bytes,
        entries_max: u32,
    ) -> Result<(Batch, Vec<Rejection>), String> {
        let plan = self.plan();
        let mut batch = Batch::new(request.clone(), Arc::clone(&plan));
        let mut rejected = Vec::new();
        for (index, entry) in (0..).zip(entries(request)) {
            if index == entries_max {
                return Err(format!("a batch has at most {entries_max} entries"));
            }
            let entry = entry.map_err(|error| error.to_string())?;
            match self.row(&plan, entry, &mut batch) {
                Ok(row) => batch.rows.push(row),
                Err(reason) => {
                    let has_room = rejected.len() < REASONS_MAX;
                    let reason = if has_room { reason } else { ANOTHER.to_owned() };
                    rejected.push(Rejection { index, reason });
                }
            }
        }
        Ok((batch, rejected))
    }

    /// Reads one encoded `EventEntry`.
    ///
    /// # Errors
    ///
    /// The reason why it is refused.
    pub(crate) fn entry(&self, request: &Bytes) -> Result<Batch, String> {
        let plan = self.plan();
        let mut batch = Batch::new(request.clone(), Arc::clone(&plan));
        let row = self.row(&plan, request, &mut batch)?;
        batch.rows.push(row);
        Ok(batch)
    }

    /// The plan of the moment, which one request keeps to.
    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.borrow())
    }

    fn row(&self, plan: &Plan, entry: &[u8], batch: &mut Batch) -> Result<Row, String> {
        if entry.len() > ENTRY_BYTES_MAX {
            return Err(format!(
                "the entry has {} bytes, and at most {ENTRY_BYTES_MAX} are taken",
                entry.len()
            ));
        }
        let entry = EntryRef::decode(entry).map_err(|error| error.to_string())?;
        check_event_type(entry.event_type).map_err(|error| {
            format!(
                "type `{}`: {error}",
                shorten(entry.event_type, TYPE_CHARS_MAX)
            )
        })?;
        if entry.service.len() > SERVICE_BYTES_MAX {
            return Err(format!(
                "the name of the service has {} bytes, and at most {SERVICE_BYTES_MAX} are taken",
                entry.service.len()
            ));
        }
        let timestamp = time::moment_text(time::micros(entry.timestamp)).ok_or_else(|| {
            format!(
                "timestamp {} is not in the years 1 to 9999",
                entry.timestamp
            )
        })?;
        let details = entry.details.filter(|details| !details.is_empty());
        Ok(Row {
            event_id: self.event_id(entry.event_id)?,
            timestamp,
            extended: extended(plan, entry.event_type, details, batch)?,
            service: batch.keep(entry.service.as_bytes()),
            event_type: batch.keep(entry.event_type.as_bytes()),
            user_id: entry.user_id.map(|user_id| batch.keep(user_id.as_bytes())),
            details: details.map(|details| batch.keep(details.as_bytes())),
        })
    }

    fn event_id(&self, sent: Option<&[u8]>) -> Result<EventId, String> {
        let id = match sent {
            Some(bytes) => Uuid::from_slice(bytes)
                .map_err(|_| format!("event_id has {} bytes, and a UUID has 16", bytes.len()))?,
            None => (self.new_id)(),
        };
        let mut text = [0; 36];
        id.hyphenated().encode_lower(&mut text);
        Ok(text)
    }
}

fn extended(
    plan: &Plan,
    event_type: &str,
    details: Option<&str>,
    batch: &mut Batch,
) -> Result<Extended, String> {
    let json = details.unwrap_or("{}");
    let Some((place, known)) = plan.find(event_type) else {
        details::check(json).map_err(|error| error.to_string())?;
        return Ok(Extended::None);
    };
    let cells = details::cells(&known.columns, json).map_err(|error| error.to_string())?;
    Ok(match cells {
        Ok(cells) => Extended::Row {
            place,
            cells: batch.keep_cells(cells),
        },
        Err(misfit) => Extended::DeadLetter {
            place,
            reason: misfit.to_string().into(),
        },
    })
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;

//! A purchase as a message of the contract.

use std::time::{SystemTime, UNIX_EPOCH};

use logeater_client::{Event, JsonWriter};
use logeater_proto::event::EventEntry;

use crate::{Failure, Purchase};

/// A purchase of now, without an id, as someone makes it who has the contract and no client.
///
/// # Errors
///
/// When the clock shows no time since the Unix epoch.
pub fn entry(purchase: &Purchase, service: &str) -> Result<EventEntry, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut details = Vec::new();
    purchase.write_details(&mut JsonWriter::new(&mut details));
    Ok(EventEntry {
        timestamp: since.as_millis().try_into()?,
        service: service.to_owned(),
        r#type: purchase.event_type().name.to_owned(),
        user_id: Some(purchase.user.clone()),
        details: Some(String::from_utf8(details)?),
        event_id: None,
    })
}

//! Events as rows of BigQuery's tables, in the JSON that insertAll takes: numbers that JSON cannot hold exactly and JSON
//! itself are strings there, and what is NULL is left out.
//!
//! <https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll>

use std::borrow::Cow;

use bytes::Bytes;
use logeater_schema::{Catalog, ColumnType, Mode};
use serde_json::value::RawValue;

use crate::StoredEvent;
use crate::convert::{self, Cell};
use crate::details;
use crate::plan::{ColumnPlan, Columns, KeptTypes, Plan, TypePlan};

/// The event types that the catalog knows, with their tables.
#[derive(Debug, Default)]
pub(super) struct Types(pub(super) Plan);

impl Types {
    pub(super) fn new(catalog: &Catalog) -> Self {
        Self(Plan::new(catalog.tables(), &KeptTypes::new()))
    }

    /// An event's row of its extended table, and which that is; none if the catalog does not know its type, or it has no
    /// details.
    ///
    /// An error is why its details do not fit.
    pub(super) fn extended(&self, event: &StoredEvent) -> Result<Option<(&str, Bytes)>, String> {
        let Some((event_type, details)) = self.fitting(event)? else {
            return Ok(None);
        };
        let mut json = Vec::with_capacity(details.len() + 128);
        let mut row = Object::begin(&mut json);
        row.string("event_id", &event.event_id);
        row.string("cluster_key", &event.cluster_key);
        row.members(&event_type.columns, details);
        row.end();
        Ok(Some((&event_type.table, json.into())))
    }

    /// The type of an event whose details are a row of its extended table, and the details.
    ///
    /// An error is why they do not fit.
    pub(super) fn fitting<'e>(
        &self,
        event: &'e StoredEvent,
    ) -> Result<Option<(&TypePlan, &'e str)>, String> {
        let (Some((_, event_type)), Some(details)) =
            (self.0.find(&event.event_type), event.details.as_deref())
        else {
            return Ok(None);
        };
        let misfit =
            |problem: &dyn ToString| format!("table {}: {}", event_type.table, problem.to_string());
        details::cells(&event_type.columns, details)
            .map_err(|error| misfit(&error))?
            .map_err(|error| misfit(&error))?;
        Ok(Some((event_type, details)))
    }
}

/// An event's row of the events table.
pub(super) fn event(event: &StoredEvent) -> Vec<u8> {
    let mut json = Vec::with_capacity(event.bytes() + 128);
    let mut row = Object::begin(&mut json);
    row.string("event_id", &event.event_id);
    row.string("cluster_key", &event.cluster_key);
    row.string("timestamp", &event.timestamp);
    row.string("service", &event.service);
    row.string("type", &event.event_type);
    if let Some(user_id) = &event.user_id {
        row.string("user_id", user_id);
    }
    if let Some(details) = &event.details {
        row.string("details", &json_text(details));
    }
    row.end();
    json
}

/// What somebody else has put into the details and is no JSON becomes a string of it.
pub(super) fn json_text(details: &str) -> Cow<'_, str> {
    if serde_json::from_str::<&RawValue>(details).is_ok() {
        return Cow::Borrowed(details);
    }
    let mut text = Vec::new();
    string(&mut text, details);
    Cow::Owned(String::from_utf8(text).unwrap_or_default())
}

/// Calls back with each member of an object that fits these columns: the place of its column, the column, and its JSON. What
/// is NULL is left out.
pub(super) fn each_member(
    columns: &Columns,
    json: &str,
    mut each: impl FnMut(usize, &ColumnPlan, &str),
) {
    let mut next = 0;
    // It was read before, so that there is no error.
    _ = details::each_member(json, |key, value| {
        if value == "null" {
            return;
        }
        if let Some(place) = columns.place(&key, next)
            && let Some(column) = columns.get(place)
        {
            next = place + 1;
            each(place, column, value);
        }
    });
}

/// A JSON object in the making.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    fn key(&mut self, name: &str) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        string(self.out, name);
        self.out.push(b':');
    }

    fn string(&mut self, name: &str, value: &str) {
        self.key(name);
        string(self.out, value);
    }

    /// The members of an object that fits these columns, by the names of the columns.
    fn members(&mut self, columns: &Columns, json: &str) {
        each_member(columns, json, |_, column, value| {
            self.key(&column.name);
            write(self.out, column, value);
        });
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

fn write(out: &mut Vec<u8>, column: &ColumnPlan, json: &str) {
    if column.mode != Mode::Repeated {
        return value(out, column, json);
    }
    let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    out.push(b'[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        value(out, column, item.get());
    }
    out.push(b']');
}

fn value(out: &mut Vec<u8>, column: &ColumnPlan, json: &str) {
    match column.column_type {
        ColumnType::Record => {
            let mut record = Object::begin(out);
            record.members(&column.fields, json);
            record.end();
        }
        // As texts: numbers beyond 2^53 would be rounded, and JSON is a text here.
        ColumnType::Integer | ColumnType::Json => string(out, json),
        ColumnType::Boolean | ColumnType::Float | ColumnType::Bytes => {
            out.extend_from_slice(json.as_bytes());
        }
        // The form that the store has of a decimal or a time is one that BigQuery takes.
        column_type => match convert::scalar(column_type, json) {
            Some(Cell::Text(text)) => string(out, &text),
            _ => out.extend_from_slice(json.as_bytes()),
        },
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Neither text nor memory can fail.
    _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;

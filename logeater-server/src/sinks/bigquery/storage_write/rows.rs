//! Events as protobuf rows of BigQuery's tables. No clock, no I/O.
//!
//! <https://cloud.google.com/bigquery/docs/supported-data-types#supported_protocol_buffer_data_types>

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use logeater_schema::{Catalog, ColumnType, EVENTS_TABLE, Mode, TableColumn, events_table};
use prost::encoding::{self, WireType, encode_key, encode_varint};
use prost_types::DescriptorProto;
use serde_json::value::RawValue;

use super::descriptor::{descriptor, number};
use crate::StoredEvent;
use crate::convert::{self, Cell};
use crate::plan::{ColumnPlan, Columns};
use crate::sinks::bigquery::rows::{self, Types, json_text};
use crate::time;

/// What the message of a row is called.
const ROW: &str = "Row";

/// The tables that the catalog knows, and how their rows are written.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct Forms {
    events: Arc<Form>,
    extended: HashMap<String, Arc<Form>>,
}

/// How the rows of one table are written.
#[derive(Debug)]
pub(in crate::sinks::bigquery) struct Form {
    pub(super) table: String,
    pub(super) descriptor: DescriptorProto,
    /// In the order of the table, so that a place tells the number of the field.
    columns: Columns,
}

impl Forms {
    pub(in crate::sinks::bigquery) fn new(catalog: &Catalog) -> Self {
        let form = |name: &str, columns: &[TableColumn]| Arc::new(Form::new(name, columns));
        let extended = catalog.tables().filter(|table| table.name != EVENTS_TABLE);
        Self {
            events: form(EVENTS_TABLE, &events_table().columns),
            extended: extended
                .map(|table| (table.name.clone(), form(&table.name, &table.columns)))
                .collect(),
        }
    }

    /// How the rows of the events table are written.
    pub(in crate::sinks::bigquery) fn events(&self) -> &Arc<Form> {
        &self.events
    }

    /// How the rows of a table are written.
    pub(in crate::sinks::bigquery) fn get(&self, table: &str) -> Option<&Arc<Form>> {
        if table == EVENTS_TABLE {
            return Some(&self.events);
        }
        self.extended.get(table)
    }

    /// An event's row of its extended table, and which that is; none if the catalog does not know its type, or it has no
    /// details.
    ///
    /// An error is why its details do not fit.
    pub(in crate::sinks::bigquery) fn extended(
        &self,
        types: &Types,
        event: &StoredEvent,
    ) -> Result<Option<(&str, Bytes)>, String> {
        let Some((event_type, details)) = types.fitting(event)? else {
            return Ok(None);
        };
        let form = self.extended.get(&event_type.table);
        Ok(form.map(|form| (&*form.table, form.extended(event, details))))
    }
}

impl Form {
    fn new(table: &str, columns: &[TableColumn]) -> Self {
        Self {
            table: table.to_owned(),
            descriptor: descriptor(ROW, columns),
            columns: Columns::in_order(columns),
        }
    }

    /// An event's row, if this is the events table.
    pub(in crate::sinks::bigquery) fn event(&self, event: &StoredEvent) -> Bytes {
        let mut row = Row::new(&self.columns, event.bytes());
        row.keys(event);
        row.text("timestamp", &event.timestamp);
        row.text("service", &event.service);
        row.text("type", &event.event_type);
        if let Some(user_id) = &event.user_id {
            row.text("user_id", user_id);
        }
        if let Some(details) = &event.details {
            row.text("details", &json_text(details));
        }
        row.out.into()
    }

    /// The row of an event whose details fit these columns.
    fn extended(&self, event: &StoredEvent, details: &str) -> Bytes {
        let mut row = Row::new(&self.columns, details.len());
        row.keys(event);
        members(&mut row.out, &self.columns, details);
        row.out.into()
    }
}

/// A row in the making.
struct Row<'c> {
    columns: &'c Columns,
    out: Vec<u8>,
}

impl<'c> Row<'c> {
    fn new(columns: &'c Columns, bytes: usize) -> Self {
        Self {
            columns,
            out: Vec::with_capacity(bytes + 128),
        }
    }

    fn keys(&mut self, event: &StoredEvent) {
        self.text("event_id", &event.event_id);
        self.text("cluster_key", &event.cluster_key);
    }

    /// What the store has of a column of logeater's own.
    fn text(&mut self, name: &str, text: &str) {
        if let Some(place) = self.columns.place(name, usize::MAX)
            && let Some(column) = self.columns.get(place)
        {
            scalar(
                &mut self.out,
                number(place),
                column.column_type,
                Cell::Text(text.into()),
            );
        }
    }
}

/// The members of an object that fits these columns.
fn members(out: &mut Vec<u8>, columns: &Columns, json: &str) {
    rows::each_member(columns, json, |place, column, value| {
        member(out, number(place), column, value);
    });
}

fn member(out: &mut Vec<u8>, number: u32, column: &ColumnPlan, json: &str) {
    if column.mode != Mode::Repeated {
        return value(out, number, column, json);
    }
    let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    for item in items {
        value(out, number, column, item.get());
    }
}

fn value(out: &mut Vec<u8>, number: u32, column: &ColumnPlan, json: &str) {
    if column.column_type == ColumnType::Record {
        let mut record = Vec::with_capacity(json.len());
        members(&mut record, &column.fields, json);
        bytes(out, number, &record);
    } else if let Some(cell) = convert::scalar(column.column_type, json) {
        scalar(out, number, column.column_type, cell);
    }
}

/// Zeros and what is empty are written as well: what is not there is NULL.
fn scalar(out: &mut Vec<u8>, number: u32, column_type: ColumnType, cell: Cell<'_>) {
    match (column_type, cell) {
        (ColumnType::Boolean, Cell::Integer(value)) => {
            encoding::bool::encode(number, &(value != 0), out);
        }
        (_, Cell::Integer(value)) => encoding::int64::encode(number, &value, out),
        (_, Cell::Real(value)) => encoding::double::encode(number, &value, out),
        (ColumnType::Float, Cell::Text(text)) => {
            // "NaN", "Infinity" and "-Infinity".
            if let Ok(value) = text.parse() {
                encoding::double::encode(number, &value, out);
            }
        }
        (ColumnType::Date, Cell::Text(text)) => {
            if let Some(days) = time::days(&text) {
                encoding::int32::encode(number, &days, out);
            }
        }
        (ColumnType::Timestamp, Cell::Text(text)) => {
            if let Some(micros) = time::moment(&text) {
                encoding::int64::encode(number, &micros, out);
            }
        }
        (_, Cell::Text(text)) => bytes(out, number, text.as_bytes()),
        (_, Cell::Blob(blob)) => bytes(out, number, &blob),
        (_, Cell::Null) => {}
    }
}

/// Text, bytes, and a message that is written already.
fn bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
#[path = "rows_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;

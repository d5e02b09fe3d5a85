//! What the derives make of types: the event types and columns declared, and the JSON written.

#![forbid(deprecated)]
#![deny(
    warnings,
    unused_qualifications,
    missing_docs,
    clippy::all,
    clippy::pedantic
)]
#![allow(dead_code, reason = "events are declared here that nobody sends")]

mod columns;
mod enums;
mod events;
mod flatten;
mod hygiene;
mod items;
mod limits;
mod macros;

use logeater_schema::{Column, ColumnType, Event, FieldSchema, JsonWriter, Mode};

fn details(event: &impl Event) -> String {
    let mut out = Vec::new();
    let mut json = JsonWriter::new(&mut out);
    event.write_details(&mut json);
    json.finish().expect("the columns hold their values");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn written(column: &impl Column) -> String {
    let mut out = Vec::new();
    column.write(&mut JsonWriter::new(&mut out));
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn types(fields: &[FieldSchema]) -> Vec<(&str, ColumnType, Mode)> {
    fields
        .iter()
        .map(|field| (field.name, field.column_type, field.mode))
        .collect()
}

//! Renders an event type as a JSON Schema of its details, draft 2020-12, for clients in other languages.
//!
//! It describes the wire. What a table merges of several event types it has merged here as well: a column is
//! required where the table has it REQUIRED, and a RECORD has the fields that any of them writes.
//! `format` and `contentEncoding` are notes to most validators, so patterns say the same.

use crate::json_tree::Json;
use crate::{ColumnType, Mode, TableColumn, TableEvent, TableSchema};

/// How the file of an event type begins.
pub(crate) fn beginning(event_type: &str) -> String {
    format!("{{\n  \"$schema\": \"{DIALECT}\",\n  \"$id\": \"{URN}{event_type}\",")
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

const URN: &str = "urn:logeater:event:";

/// The text of an event type's file; `None` without details.
pub(crate) fn render(table: &TableSchema, event: &TableEvent) -> Option<String> {
    let written = |name: &String| table.columns.iter().find(|column| column.name == *name);
    let columns: Vec<_> = event.columns.iter().filter_map(written).collect();
    if columns.is_empty() {
        return None;
    }
    let schema = Json::object([
        ("$schema", DIALECT.into()),
        ("$id", format!("{URN}{}", event.name).into()),
        ("title", event.name.as_str().into()),
    ]);
    let schema = noted(schema, &event.description, event.no_longer_sent);
    Some(object(schema, &columns).render())
}

/// An object of these columns and no others.
fn object(schema: Json, columns: &[&TableColumn]) -> Json {
    let properties = columns
        .iter()
        .map(|column| (column.name.clone(), property(column)));
    let required: Vec<_> = columns
        .iter()
        .filter(|column| column.mode == Mode::Required)
        .map(|column| column.name.as_str())
        .collect();
    let schema = schema
        .with("type", "object")
        .with("properties", Json::members(properties));
    let schema = if required.is_empty() {
        schema
    } else {
        schema.with("required", Json::list(required))
    };
    schema.with("additionalProperties", false)
}

fn property(column: &TableColumn) -> Json {
    let schema = noted(Json::object([]), &column.description, column.no_longer_sent);
    if column.mode == Mode::Repeated {
        schema.with("type", "array").with("items", element(column))
    } else {
        value(schema, column)
    }
}

/// An array holds no null, which only a JSON column could.
fn element(column: &TableColumn) -> Json {
    let any = Json::object([]);
    if column.column_type == ColumnType::Json {
        any.with("not", Json::object([("type", "null".into())]))
    } else {
        value(any, column)
    }
}

fn value(schema: Json, column: &TableColumn) -> Json {
    match column.column_type {
        ColumnType::Integer => schema
            .with("type", "integer")
            .with("minimum", i64::MIN)
            .with("maximum", i64::MAX),
        ColumnType::Float => schema.with("anyOf", float()),
        ColumnType::Numeric => text(schema, &decimal(column, 29)),
        // 76 digits and a part of a 77th, 38 of them behind the point.
        ColumnType::BigNumeric => text(schema, &decimal(column, 39)),
        ColumnType::Boolean => schema.with("type", "boolean"),
        ColumnType::String => limited(schema.with("type", "string"), column.max_length),
        ColumnType::Bytes => bytes(schema, column.max_length),
        ColumnType::Date => text(schema, &format!("^{DATE}$")).with("format", "date"),
        ColumnType::Time => text(schema, &format!("^{TIME}$")),
        ColumnType::Datetime => text(schema, &format!("^{DATE}T{TIME}$")),
        ColumnType::Timestamp => {
            text(schema, &format!("^{DATE}T{TIME}Z$")).with("format", "date-time")
        }
        ColumnType::Json => schema,
        ColumnType::Record => object(schema, &column.fields.iter().collect::<Vec<_>>()),
    }
}

const DATE: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
const TIME: &str = "[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}";
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

fn float() -> Json {
    let texts = Json::list(["NaN", "Infinity", "-Infinity"]);
    Json::List(vec![
        Json::object([("type", "number".into())]),
        Json::object([("enum", texts)]),
    ])
}

/// Without limits BigQuery rounds what is behind the point, so there may be any number of digits.
fn decimal(column: &TableColumn, whole_max: u32) -> String {
    let scale = column.scale.unwrap_or(0);
    let (whole, fraction) = match column.precision {
        None => (whole_max, "(\\.[0-9]+)?".to_owned()),
        Some(whole) if scale == 0 => (whole, String::new()),
        Some(precision) => (
            precision.saturating_sub(scale),
            format!("(\\.[0-9]{{1,{scale}}})?"),
        ),
    };
    format!("^-?0*[0-9]{{1,{whole}}}{fraction}$")
}

fn bytes(schema: Json, max_length: Option<u64>) -> Json {
    let digits = max_length.map(|bytes| bytes.div_ceil(3).saturating_mul(4));
    let schema = text(schema, BASE64).with("contentEncoding", "base64");
    limited(schema, digits)
}

fn text(schema: Json, pattern: &str) -> Json {
    schema.with("type", "string").with("pattern", pattern)
}

fn limited(schema: Json, max_length: Option<u64>) -> Json {
    match max_length.map(i64::try_from) {
        Some(Ok(max_length)) => schema.with("maxLength", max_length),
        // No text is as long.
        Some(Err(_)) | None => schema,
    }
}

fn noted(schema: Json, description: &str, no_longer_sent: bool) -> Json {
    let schema = schema.with_text("description", description);
    if no_longer_sent {
        schema.with("deprecated", true)
    } else {
        schema
    }
}

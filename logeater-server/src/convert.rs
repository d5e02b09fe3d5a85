//! One JSON value becomes one cell of its column, by the wire's forms and no others. No clock, no I/O.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logeater_schema::{ColumnType, Mode};
use serde_json::value::RawValue;

use crate::decimal::{BIGNUMERIC, NUMERIC};
use crate::details;
use crate::plan::{ColumnPlan, type_name};
use crate::shorten::shorten;
use crate::time;

/// The most characters that a reason shows of a value.
const FOUND_CHARS_MAX: usize = 64;

/// What the store keeps of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Cell<'a> {
    #[default]
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Vec<u8>),
}

/// Why details do not fit their table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    column: String,
    problem: String,
}

impl Misfit {
    #[cold]
    pub(crate) fn new(column: &str, problem: impl Into<String>) -> Self {
        Self {
            column: shorten(column, FOUND_CHARS_MAX).into_owned(),
            problem: problem.into(),
        }
    }

    #[cold]
    fn found(column: &ColumnPlan, json: &str) -> Self {
        let wanted = &column.wanted;
        Self::new(
            &column.name,
            format!(
                "expected {wanted}, found {}",
                shorten(json, FOUND_CHARS_MAX)
            ),
        )
    }

    /// The same, seen from the RECORD that holds the column.
    fn within(self, record: &str) -> Self {
        Self {
            column: format!("{record}.{}", self.column),
            ..self
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column `{}`: {}", self.column, self.problem)
    }
}

/// Converts the text of one valid JSON value.
pub(crate) fn cell<'a>(column: &ColumnPlan, json: &'a str) -> Result<Cell<'a>, Misfit> {
    if json == "null" {
        return Ok(Cell::Null);
    }
    if let Some(kept_as) = &column.kept_as {
        let wanted = type_name(column.column_type, column.mode);
        return Err(Misfit::new(
            &column.name,
            format!(
                "the catalog says {wanted}, but the store has kept it as {kept_as} since before"
            ),
        ));
    }
    if column.mode == Mode::Repeated {
        list(column, json)
    } else {
        value(column, json)
    }
}

/// Checks each value of an array, which is kept as it is.
fn list<'a>(column: &ColumnPlan, json: &'a str) -> Result<Cell<'a>, Misfit> {
    let items: Vec<&RawValue> =
        serde_json::from_str(json).map_err(|_| Misfit::found(column, json))?;
    for item in items {
        // BigQuery's arrays hold no NULL, and an array is no value of any type but JSON.
        if item.get() == "null" {
            return Err(Misfit::found(column, json));
        }
        value(column, item.get())?;
    }
    Ok(Cell::Text(Cow::Borrowed(json)))
}

/// Converts one value that is not null and does not repeat.
fn value<'a>(column: &ColumnPlan, json: &'a str) -> Result<Cell<'a>, Misfit> {
    if column.column_type != ColumnType::Record {
        let cell = scalar(column.column_type, json).ok_or_else(|| Misfit::found(column, json))?;
        if !column.limits.hold(&cell) {
            return Err(Misfit::found(column, json));
        }
        return Ok(cell);
    }
    let members = details::cells(&column.fields, json).map_err(|_| Misfit::found(column, json))?;
    members.map_err(|misfit| misfit.within(&column.name))?;
    Ok(Cell::Text(Cow::Borrowed(json)))
}

/// Converts the text of one value that is neither null nor a RECORD.
pub(crate) fn scalar(column_type: ColumnType, json: &str) -> Option<Cell<'_>> {
    match column_type {
        ColumnType::Integer => json.parse().ok().map(Cell::Integer),
        ColumnType::Float => float(json),
        ColumnType::Numeric => decimal(json)
            .filter(|text| NUMERIC.contains(text))
            .map(Cell::Text),
        ColumnType::BigNumeric => decimal(json)
            .filter(|text| BIGNUMERIC.contains(text))
            .map(Cell::Text),
        ColumnType::Boolean => boolean(json),
        ColumnType::String => string(json).map(Cell::Text),
        ColumnType::Bytes => STANDARD
            .decode(string(json)?.as_bytes())
            .ok()
            .map(Cell::Blob),
        ColumnType::Date => text(json, |text| time::date(text).map(Cow::Borrowed)),
        ColumnType::Time => text(json, time::time),
        ColumnType::Datetime => text(json, time::datetime),
        ColumnType::Timestamp => text(json, time::timestamp),
        ColumnType::Json => Some(Cell::Text(Cow::Borrowed(json))),
        // A RECORD is no scalar, and a type of a later catalog is not known here.
        _ => None,
    }
}

fn boolean(json: &str) -> Option<Cell<'_>> {
    match json {
        "true" => Some(Cell::Integer(1)),
        "false" => Some(Cell::Integer(0)),
        _ => None,
    }
}

/// A number, or what JSON has no number for.
fn float(json: &str) -> Option<Cell<'_>> {
    match json {
        r#""NaN""# | r#""Infinity""# | r#""-Infinity""# => string(json).map(Cell::Text),
        _ if json.starts_with('"') => None,
        _ => json
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Cell::Real),
    }
}

/// The digits of a decimal, as text or as a number.
fn decimal(json: &str) -> Option<Cow<'_, str>> {
    if json.starts_with('"') {
        string(json)
    } else {
        Some(Cow::Borrowed(json))
    }
}

/// A string's text, borrowed unless it has escapes.
fn string(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// A string in a form that `read` understands.
fn text(json: &str, read: impl Fn(&str) -> Option<Cow<'_, str>>) -> Option<Cell<'_>> {
    let kept = match string(json)? {
        Cow::Borrowed(text) => match read(text)? {
            // Only the form that the store wants comes back borrowed, and whole.
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(text) => Cow::Owned(text),
        },
        Cow::Owned(text) => Cow::Owned(read(&text)?.into_owned()),
    };
    Some(Cell::Text(kept))
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;

//! Whether a row of JSON fits a table, by BigQuery's documented rules and from its schema file alone.
//!
//! It shares no code with the crates: it reads `bigquery/<table>.json`, as BigQuery would. Where BigQuery would
//! change a value to make it fit, such as a decimal with too many digits, the row is refused here.

mod json;
mod scalars;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use schema::Table;

use json::Json;
use schema::{Field, Mode, Type};

/// The most bytes of a row: <https://cloud.google.com/bigquery/quotas#streaming_inserts>.
const ROW_BYTES_MAX: usize = 10_000_000;

impl Table {
    /// Why the row of this JSON text does not fit; nothing if it does.
    pub(crate) fn refusals(&self, row: &str) -> Vec<String> {
        let mut refusals = Vec::new();
        if row.len() > ROW_BYTES_MAX {
            refusals.push(format!("the row has {} bytes", row.len()));
        }
        match json::parse(row) {
            Ok(row) => check_record(&self.fields, &row, "", &mut refusals),
            Err(error) => refusals.push(format!("not JSON: {error}")),
        }
        refusals
    }
}

fn check_record(fields: &[Field], value: &Json, path: &str, refusals: &mut Vec<String>) {
    let Json::Object(members) = value else {
        return refusals.push(format!("{path}: not an object: {value:?}"));
    };
    for (at, (name, _)) in members.iter().enumerate() {
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        if !fields.iter().any(|field| field.name == *name) {
            refusals.push(format!("{path}.{name}: no such field"));
        }
        if members[..at].iter().any(|(other, _)| same(other)) {
            refusals.push(format!("{path}.{name}: given twice"));
        }
    }
    for field in fields {
        let path = format!("{path}.{}", field.name);
        match members.iter().find(|(name, _)| *name == field.name) {
            Some((_, value)) => check_field(field, value, &path, refusals),
            None if field.mode == Mode::Required => refusals.push(format!("{path}: missing")),
            None => {}
        }
    }
}

fn check_field(field: &Field, value: &Json, path: &str, refusals: &mut Vec<String>) {
    match (field.mode, value) {
        (Mode::Repeated, Json::List(elements)) => {
            for (at, element) in elements.iter().enumerate() {
                check_value(field, element, &format!("{path}[{at}]"), refusals);
            }
        }
        (Mode::Repeated, other) => refusals.push(format!("{path}: not a list: {other:?}")),
        (_, value) => check_value(field, value, path, refusals),
    }
}

fn check_value(field: &Field, value: &Json, path: &str, refusals: &mut Vec<String>) {
    if *value == Json::Null {
        // Left out is how NULL is said; in a list, and for REQUIRED, it is an error.
        return refusals.push(format!("{path}: null"));
    }
    let problem = match &field.column_type {
        Type::Record(fields) => return check_record(fields, value, path, refusals),
        Type::Json => json::problem(value),
        scalar => scalars::problem(scalar, value),
    };
    if let Some(problem) = problem {
        refusals.push(format!("{path}: {problem}: {value:?}"));
    }
}

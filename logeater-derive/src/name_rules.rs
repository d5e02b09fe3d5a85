//! Which names event types and columns may have, and what to write instead.
//!
//! The rules stand a second time in `logeater-schema`, as `const fn` for names that no derive has seen. A test
//! takes this file in, thus `super`, and holds both against each other.

use super::errors::Errors;
use super::names::Name;

/// The most bytes in an event type's name.
const EVENT_TYPE_BYTES_MAX: usize = 255;

/// The most bytes in a column's name: <https://cloud.google.com/bigquery/docs/schemas#column_names>.
const COLUMN_BYTES_MAX: usize = 300;

/// What the warehouse keeps for itself, in any case.
const RESERVED_PREFIXES: [&str; 9] = [
    "_table_",
    "_file_",
    "_partition",
    "_row_timestamp",
    "__root__",
    "_colidentifier",
    "_change_sequence_number",
    "_change_type",
    "_change_timestamp",
];

/// Checks the name of an event type.
pub(crate) fn type_name(name: &Name, errors: &mut Errors) {
    let text = &name.text;
    if !text.contains('.') || !text.split('.').all(is_level) {
        errors.at(
            name,
            "an event type is a lowercase dotted name of two or more levels: write one such as `cart.add`, each level with a letter first, then letters, digits and `_`",
        );
    } else if text.len() > EVENT_TYPE_BYTES_MAX {
        errors.at(
            name,
            "an event type has at most 255 bytes: write a shorter name",
        );
    } else if text.starts_with("events.")
        || text.starts_with("dead_letters.")
        || text.starts_with("sqlite_")
    {
        errors.at(
            name,
            "the namespaces `events`, `dead_letters` and `sqlite_…` are tables of logeater's own: write another first level",
        );
    }
}

/// Checks a part of an event type's name, one or more levels. Says whether it is good.
pub(crate) fn levels(name: &Name, errors: &mut Errors) -> bool {
    let good = name.text.split('.').all(is_level);
    if !good {
        errors.at(
            name,
            "expected lowercase levels joined by dots: write a name such as `cart` or `add.from_mobile`, each level with a letter first, then letters, digits and `_`",
        );
    }
    good
}

fn is_level(level: &str) -> bool {
    level.starts_with(|first: char| first.is_ascii_lowercase())
        && level
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Checks the name of a column: <https://cloud.google.com/bigquery/docs/schemas#column_names>.
pub(crate) fn column_name(name: &Name, errors: &mut Errors) {
    let text = &name.text;
    let lower = text.to_ascii_lowercase();
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts_well
        || !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        errors.at(
            name,
            "a column's name starts with a letter or `_` and goes on with letters, digits and `_`: write `rename = \"…\"` with such a name",
        );
    } else if text.len() > COLUMN_BYTES_MAX {
        errors.at(
            name,
            "a column's name has at most 300 bytes: write `rename = \"…\"` with a shorter one",
        );
    } else if let Some(prefix) = RESERVED_PREFIXES
        .iter()
        .find(|prefix| lower.starts_with(**prefix))
    {
        let prefix = prefix.to_ascii_uppercase();
        let message = format!(
            "BigQuery keeps names that begin with `{prefix}` for itself: write `rename = \"…\"` with another"
        );
        errors.at(name, message);
    }
}

/// Checks the name of a column of an event, which shares its table with logeater's own.
pub(crate) fn top_level_column(name: &Name, namespace: &str, errors: &mut Errors) {
    let text = &name.text;
    if text.eq_ignore_ascii_case("event_id") || text.eq_ignore_ascii_case("cluster_key") {
        let message = format!(
            "every table has a column `{text}` already: write `rename = \"…\"` with another name"
        );
        errors.at(name, message);
    } else if text.eq_ignore_ascii_case(namespace) {
        let message = format!(
            "the table is called `{namespace}`, and in SQL a column of that name would hide it: write `rename = \"…\"` with another name"
        );
        errors.at(name, message);
    }
}

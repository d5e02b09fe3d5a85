//! Which names an event type, a namespace and a column may have. `const`, so that a program whose names
//! are wrong does not compile.

use std::error::Error;
use std::fmt;

/// The most bytes in an event type's name.
const EVENT_TYPE_BYTES_MAX: usize = 255;

/// The most bytes in a column's name: <https://cloud.google.com/bigquery/docs/schemas#column_names>.
const COLUMN_BYTES_MAX: usize = 300;

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// An event type that is not two or more levels of `[a-z][a-z0-9_]*` joined by dots.
    EventType,
    /// An event type of more than 255 bytes.
    EventTypeTooLong,
    /// A namespace that is one of logeater's own tables, or SQLite's.
    Namespace,
    /// A column that is not `[A-Za-z_][A-Za-z0-9_]*`.
    Column,
    /// A column of more than 300 bytes.
    ColumnTooLong,
    /// A column with a prefix that BigQuery keeps for itself.
    ReservedPrefix,
    /// A column that every table has already.
    OwnColumn,
}

impl NameError {
    /// What is wrong, for a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventType => {
                "an event type is a lowercase dotted name of two or more levels, such as `cart.add`; each level starts with a letter and goes on with letters, digits and `_`"
            }
            Self::EventTypeTooLong => "an event type has at most 255 bytes",
            Self::Namespace => {
                "the namespaces `events`, `dead_letters` and `sqlite_…` are tables of logeater's own"
            }
            Self::Column => {
                "a column's name starts with a letter or `_` and goes on with letters, digits and `_`"
            }
            Self::ColumnTooLong => "a column's name has at most 300 bytes",
            Self::ReservedPrefix => {
                "BigQuery keeps names that begin with `_TABLE_`, `_FILE_`, `_PARTITION`, `_ROW_TIMESTAMP`, `__ROOT__`, `_COLIDENTIFIER` or `_CHANGE_…` for itself"
            }
            Self::OwnColumn => "`event_id` and `cluster_key` are in every table already",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error for NameError {}

/// Checks the name of an event type.
///
/// # Errors
///
/// When it is not two or more levels of `[a-z][a-z0-9_]*` joined by dots, has more than 255 bytes, or its
/// namespace is a table of logeater's own.
pub const fn check_event_type(name: &str) -> Result<(), NameError> {
    let bytes = name.as_bytes();
    let (mut at, mut levels, mut level_starts) = (0, 1, true);
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' => level_starts = false,
            b'0'..=b'9' | b'_' if !level_starts => {}
            b'.' if !level_starts => {
                level_starts = true;
                levels += 1;
            }
            _ => return Err(NameError::EventType),
        }
        at += 1;
    }
    if level_starts || levels < 2 {
        return Err(NameError::EventType);
    }
    if bytes.len() > EVENT_TYPE_BYTES_MAX {
        return Err(NameError::EventTypeTooLong);
    }
    if starts_with(bytes, b"events.")
        || starts_with(bytes, b"dead_letters.")
        || starts_with(bytes, b"sqlite_")
    {
        return Err(NameError::Namespace);
    }
    Ok(())
}

/// Checks the name of a column of an event's details.
///
/// # Errors
///
/// When BigQuery does not take it (<https://cloud.google.com/bigquery/docs/schemas#column_names>).
pub const fn check_column_name(name: &str) -> Result<(), NameError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes[0].is_ascii_digit() {
        return Err(NameError::Column);
    }
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() && bytes[at] != b'_' {
            return Err(NameError::Column);
        }
        at += 1;
    }
    if bytes.len() > COLUMN_BYTES_MAX {
        return Err(NameError::ColumnTooLong);
    }
    let mut prefix = 0;
    while prefix < RESERVED_PREFIXES.len() {
        if starts_with(bytes, RESERVED_PREFIXES[prefix].as_bytes()) {
            return Err(NameError::ReservedPrefix);
        }
        prefix += 1;
    }
    Ok(())
}

/// Checks the name of a top-level column, which must not be one that every table has.
///
/// # Errors
///
/// As [`check_column_name`], and for `event_id` and `cluster_key` in any case.
pub const fn check_table_column_name(name: &str) -> Result<(), NameError> {
    if name.eq_ignore_ascii_case("event_id") || name.eq_ignore_ascii_case("cluster_key") {
        return Err(NameError::OwnColumn);
    }
    check_column_name(name)
}

/// Refused in any case.
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

/// Whether `bytes` begin with a lowercase `prefix`, whatever their case.
const fn starts_with(bytes: &[u8], prefix: &[u8]) -> bool {
    if bytes.len() < prefix.len() {
        return false;
    }
    let mut at = 0;
    while at < prefix.len() {
        if bytes[at].to_ascii_lowercase() != prefix[at] {
            return false;
        }
        at += 1;
    }
    true
}

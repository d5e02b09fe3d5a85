//! Tables as the catalog knows them: what all code so far has declared, and which of it is still sent.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{ColumnType, Limits, Mode};

/// One table of the warehouse: the events table, or the extended table of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSchema {
    /// `events`, or the namespace.
    pub name: String,
    /// What the table holds, for a person; may be empty.
    pub description: String,
    /// All columns in their order; an extended table's first two are `event_id` and `cluster_key`.
    pub columns: Vec<TableColumn>,
    /// The event types that write to it, by name; none for the events table, which every type writes to.
    pub events: Vec<TableEvent>,
    /// The breaking changes that somebody approved, oldest first; none is ever taken away.
    pub breaks: Vec<ApprovedBreak>,
}

/// One column of a table or of a RECORD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableColumn {
    /// The name, whose case BigQuery and SQLite ignore.
    pub name: String,
    /// The type of one value.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Whether it may be NULL or repeats.
    #[serde(default)]
    pub mode: Mode,
    /// What it holds, for a person; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The most characters of a STRING, or bytes of BYTES.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The most digits of a NUMERIC or BIGNUMERIC, those behind the point included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<u32>,
    /// The most digits behind the point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// The SQL expression that BigQuery puts where a row has no value. No attribute declares one: it is for those
    /// who write it into the catalog's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The resource name of the policy tag that says who may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_tag: Option<String>,
    /// Whether no code declares it any longer. Such a column stays, and new rows leave it NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_longer_sent: bool,
    /// The columns of a RECORD; none for other types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<TableColumn>,
}

/// One event type of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableEvent {
    /// The name, such as `cart.add`.
    #[serde(rename = "type")]
    pub name: String,
    /// What it says, for a person; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The Rust type that declares it.
    pub rust_type: String,
    /// Whether no code declares it any longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_longer_sent: bool,
    /// The columns that it writes, by name, in the order of its fields. Without any it has no details and
    /// no extended row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// A change that would break a table, and that somebody approved in `allow.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApprovedBreak {
    /// The path of the column, such as `shipping.zip`; none for the table itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The name of the rule, such as `type`.
    pub rule: String,
    /// What there was.
    pub old: String,
    /// What there is.
    pub new: String,
    /// Why it was approved.
    pub reason: String,
}

impl TableSchema {
    /// The columns that details fill: all but `event_id` and `cluster_key`.
    pub fn details_columns(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|column| !column.is_key())
    }

    /// Takes away a top-level column, if no code declares it any longer.
    #[cfg(feature = "catalog")]
    pub(crate) fn remove_unsent(&mut self, name: &str) {
        let is_it = |column: &TableColumn| column.no_longer_sent && column.name == name;
        if self.columns.iter().any(is_it) {
            self.columns.retain(|column| !is_it(column));
            for event in &mut self.events {
                event.columns.retain(|column| column != name);
            }
        }
    }

    /// The Rust types that write a top-level column, whatever its case.
    pub(crate) fn writers(&self, column: &str) -> Vec<String> {
        let writes = |event: &&TableEvent| {
            let mut columns = event.columns.iter();
            columns.any(|name| name.eq_ignore_ascii_case(column))
        };
        let events = self.events.iter().filter(writes);
        let mut rust_types: Vec<_> = events.map(|event| event.rust_type.clone()).collect();
        rust_types.dedup();
        rust_types
    }
}

impl TableColumn {
    /// A column of this name and type, which has nothing else.
    #[must_use]
    pub fn new(name: impl Into<String>, column_type: ColumnType, mode: Mode) -> Self {
        Self {
            name: name.into(),
            column_type,
            mode,
            description: String::new(),
            max_length: None,
            precision: None,
            scale: None,
            default: None,
            policy_tag: None,
            no_longer_sent: false,
            fields: Vec::new(),
        }
    }

    /// Its type with the limits, as BigQuery writes it: `NUMERIC(10, 2)`.
    #[must_use]
    pub fn type_name(&self) -> String {
        let name = self.column_type.name();
        let parameters = Limits::parameters(self.max_length, self.precision, self.scale);
        format!("{name}{parameters}")
    }

    /// Whether it is one of the two that rows are joined and clustered by.
    pub(crate) fn is_key(&self) -> bool {
        matches!(self.name.as_str(), "event_id" | "cluster_key")
    }
}

/// Columns by their names, whatever the case.
pub(crate) struct ByName<'a>(HashMap<String, &'a TableColumn>);

impl<'a> ByName<'a> {
    pub(crate) fn of(columns: &'a [TableColumn]) -> Self {
        let named = columns
            .iter()
            .map(|column| (column.name.to_ascii_lowercase(), column));
        Self(named.collect())
    }

    /// The one that has the name of another.
    pub(crate) fn like(&self, column: &TableColumn) -> Option<&'a TableColumn> {
        self.0.get(&column.name.to_ascii_lowercase()).copied()
    }
}

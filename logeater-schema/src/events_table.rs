//! The columns that logeater itself makes: the events table, and the first two of every extended table.

use crate::{ColumnType, Mode, TableColumn, TableSchema};

/// The name of the events table.
pub const EVENTS_TABLE: &str = "events";

/// One row per event, whatever its type.
#[must_use]
pub fn events_table() -> TableSchema {
    TableSchema {
        name: EVENTS_TABLE.to_owned(),
        description:
            "One row per event. An event's own columns are in the extended table of its namespace, \
                      joined by event_id."
                .to_owned(),
        columns: key_columns()
            .into_iter()
            .chain([
                column(
                    "timestamp",
                    ColumnType::Timestamp,
                    Mode::Required,
                    "When it happened.",
                ),
                column(
                    "service",
                    ColumnType::String,
                    Mode::Required,
                    "The service that sent it.",
                ),
                column(
                    "type",
                    ColumnType::String,
                    Mode::Required,
                    "The event type, such as cart.add.",
                ),
                column("user_id", ColumnType::String, Mode::Nullable, "Who did it."),
                column(
                    "details",
                    ColumnType::Json,
                    Mode::Nullable,
                    "The event's own fields, one JSON object.",
                ),
            ])
            .collect(),
        events: Vec::new(),
        breaks: Vec::new(),
    }
}

/// What the rows of an extended table are joined and clustered by.
pub(crate) fn key_columns() -> [TableColumn; 2] {
    [
        column(
            "event_id",
            ColumnType::String,
            Mode::Required,
            "Identity: a UUID, the same in both tables.",
        ),
        column(
            "cluster_key",
            ColumnType::Date,
            Mode::Required,
            "The UTC day of insertion.",
        ),
    ]
}

/// Whether a column of the events table holds the details.
pub(crate) fn is_details(column: &TableColumn) -> bool {
    column.name == "details"
}

fn column(name: &str, column_type: ColumnType, mode: Mode, description: &str) -> TableColumn {
    TableColumn {
        description: description.to_owned(),
        ..TableColumn::new(name, column_type, mode)
    }
}

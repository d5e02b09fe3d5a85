//! The formats that the store has had, and the way from each to the next. It only goes forward.

use rusqlite::{Connection, OptionalExtension};

/// What makes each format out of the one before it, and the first out of an empty file.
const STEPS: [(i64, &str); 3] = [(1, FIRST), (2, SECOND), (3, THIRD)];

/// The format of the tables that this version makes and understands.
pub(super) const NEWEST: i64 = STEPS[STEPS.len() - 1].0;

/// The tables that people read have the order of their columns as a contract.
///
/// The events table's rowid is the sequence of insertion. Its unique index also makes `VACUUM` keep it.
const FIRST: &str = "
CREATE TABLE _logeater (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO _logeater VALUES ('format', 1), ('sequence', 0);
CREATE TABLE _logeater_columns (
    table_name TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE, type TEXT NOT NULL,
    PRIMARY KEY (table_name, name)
) WITHOUT ROWID;
CREATE TABLE events (
    event_id TEXT NOT NULL, cluster_key TEXT NOT NULL, timestamp TEXT NOT NULL, service TEXT NOT NULL,
    type TEXT NOT NULL, user_id TEXT, details TEXT
);
CREATE UNIQUE INDEX _logeater_events_event_id ON events (event_id);
CREATE TABLE dead_letters (
    event_id TEXT NOT NULL, cluster_key TEXT NOT NULL, refused_at TEXT NOT NULL, refused_by TEXT NOT NULL,
    reason TEXT NOT NULL, type TEXT NOT NULL, details TEXT
);
";

/// Sinks with their cursors and counts, what is to be sent to them once more, when events were stored, and what has
/// become of all entries.
const SECOND: &str = "
INSERT INTO _logeater VALUES ('repeated', 0), ('refused', 0);
INSERT INTO _logeater SELECT 'removed', value - (SELECT count(*) FROM events) FROM _logeater WHERE key = 'sequence';
CREATE TABLE _logeater_sinks (
    name TEXT PRIMARY KEY NOT NULL, began INTEGER NOT NULL, cursor INTEGER NOT NULL, generation INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0, left_out INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE _logeater_resend (
    sink TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (sink, sequence)
) WITHOUT ROWID;
CREATE TABLE _logeater_marks (sequence INTEGER PRIMARY KEY, stored_at TEXT NOT NULL);
CREATE INDEX _logeater_dead_letters_event_id ON dead_letters (event_id);
CREATE INDEX _logeater_dead_letters_refused_at ON dead_letters (refused_at);
CREATE INDEX _logeater_dead_letters_refused_by ON dead_letters (refused_by);
";

/// What sinks note of events that are on their way.
const THIRD: &str = "
CREATE TABLE _logeater_notes (
    sink TEXT NOT NULL, key TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (sink, key)
) WITHOUT ROWID;
";

/// What a file is before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Empty,
    Store(i64),
    Foreign,
}

/// Looks at a file without changing it.
pub(super) fn find(conn: &Connection) -> rusqlite::Result<Found> {
    let tables: i64 = conn.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(Found::Empty);
    }
    if !conn.table_exists(None, "_logeater")? {
        return Ok(Found::Foreign);
    }
    let format = conn
        .query_row(
            "SELECT value FROM _logeater WHERE key = 'format'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(format.map_or(Found::Foreign, Found::Store))
}

/// Takes the steps from one format, or from an empty file as 0, to the newest.
pub(super) fn migrate(conn: &Connection, from: i64) -> rusqlite::Result<()> {
    for (format, step) in STEPS.into_iter().filter(|(format, _)| *format > from) {
        conn.execute_batch(step)?;
        conn.execute(
            "UPDATE _logeater SET value = ?1 WHERE key = 'format'",
            [format],
        )?;
    }
    Ok(())
}

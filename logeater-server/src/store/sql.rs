//! The store's tables and statements as SQL. Every name that comes from outside is quoted.

use logeater_schema::{ColumnType, Mode};

/// The tables that every store has, in the order of their columns a contract with whoever reads them.
///
/// The events table's rowid is the sequence of insertion. Its unique index also makes `VACUUM` keep it.
pub(crate) const OWN_TABLES: &str = "
CREATE TABLE _logeater (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
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

/// Stores an event once. The conflict is named: a rowid that is taken must be an error, not a repetition.
pub(crate) const INSERT_EVENT: &str = "
INSERT INTO events (rowid, cluster_key, event_id, timestamp, service, type, user_id, details)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (event_id) DO NOTHING";

/// Keeps what was refused, with the reason.
pub(crate) const INSERT_DEAD_LETTER: &str = "
INSERT INTO dead_letters (event_id, cluster_key, refused_at, refused_by, reason, type, details)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Inserts a row of an extended table: `event_id`, `cluster_key`, then the given columns.
pub(crate) fn insert_extended<'a>(table: &str, columns: impl Iterator<Item = &'a str>) -> String {
    let mut names = "event_id, cluster_key".to_owned();
    let mut places = "?, ?".to_owned();
    for column in columns {
        names.push_str(", ");
        names.push_str(&quote(column));
        places.push_str(", ?");
    }
    format!(
        "INSERT INTO {} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",
        quote(table)
    )
}

/// Makes an extended table without the columns of its details.
pub(crate) fn create_extended(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (event_id TEXT PRIMARY KEY NOT NULL, cluster_key TEXT NOT NULL) WITHOUT ROWID",
        quote(table)
    )
}

/// Adds a column to an extended table.
pub(crate) fn add_column(table: &str, column: &str, column_type: ColumnType, mode: Mode) -> String {
    format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        quote(table),
        quote(column),
        declared_type(column_type, mode)
    )
}

/// The type that SQLite is told. Its affinity must leave every value as it is: text stays text.
///
/// <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>
fn declared_type(column_type: ColumnType, mode: Mode) -> &'static str {
    match column_type {
        _ if mode == Mode::Repeated => "TEXT",
        ColumnType::Integer => "INTEGER",
        ColumnType::Float => "REAL",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Bytes => "BLOB",
        _ => "TEXT",
    }
}

/// A name as SQL takes it, whatever it is.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sql_keeps_for_itself_are_quoted() {
        assert_eq!(
            insert_extended("order", ["group", "a\"b"].into_iter()),
            "INSERT INTO \"order\" (event_id, cluster_key, \"group\", \"a\"\"b\") VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            add_column("commit", "end", ColumnType::Integer, Mode::Nullable),
            "ALTER TABLE \"commit\" ADD COLUMN \"end\" INTEGER"
        );
    }
}

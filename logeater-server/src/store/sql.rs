//! The store's tables and statements as SQL. Every name that comes from outside is quoted.

use logeater_schema::{ColumnType, Mode};

/// Stores an event once. The conflict is named: a rowid that is taken must be an error, not a repetition.
pub(crate) const INSERT_EVENT: &str = "
INSERT INTO events (rowid, cluster_key, event_id, timestamp, service, type, user_id, details)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (event_id) DO NOTHING";

/// Keeps what was refused, with the reason.
pub(crate) const INSERT_DEAD_LETTER: &str = "
INSERT INTO dead_letters (event_id, cluster_key, refused_at, refused_by, reason, type, details)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Counts entries of the whole life of the store.
pub(crate) const ADD_TO_COUNT: &str = "UPDATE _logeater SET value = value + ?2 WHERE key = ?1";

/// Says when the events after a sequence were stored; the first word counts.
pub(crate) const INSERT_MARK: &str =
    "INSERT INTO _logeater_marks (sequence, stored_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

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
pub(super) fn quote(name: &str) -> String {
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

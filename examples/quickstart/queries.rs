//! What is asked of the store, in SQL that any SQLite tool takes.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

/// The newest events with their typed columns: the events table, joined with the table of the namespace.
pub(crate) const NEWEST: &str = r#"SELECT event.*, "commit".*
FROM logeater.events AS event
LEFT JOIN logeater."commit" AS "commit" ON event.event_id = "commit".event_id
WHERE event.type = "commit.made"
ORDER BY event.timestamp DESC
LIMIT 10;"#;

/// Who made most commits: an author's column by its path in the RECORD.
const AUTHORS: &str = r#"SELECT coalesce(nullif("commit".author ->> '$.name', ''), '(no name)'), count(*) AS commits
FROM logeater.events AS event
JOIN logeater."commit" AS "commit" ON event.event_id = "commit".event_id
GROUP BY coalesce(event.user_id, "commit".author ->> '$.name')
ORDER BY commits DESC, 1
LIMIT 10"#;

/// The latest days with commits. Times are ISO 8601 text, so a day is its first ten characters.
const DAYS: &str = r"SELECT day, commits FROM (
    SELECT substr(timestamp, 1, 10) AS day, count(*) AS commits
    FROM logeater.events GROUP BY day ORDER BY day DESC LIMIT 14
) ORDER BY day";

const STORED: &str = r#"SELECT (SELECT count(*) FROM logeater.events),
    (SELECT count(*) FROM logeater."commit"), (SELECT count(*) FROM logeater.dead_letters)"#;

/// The store, attached to an empty database as `logeater`.
pub(crate) struct Store(Connection);

/// The rows of a query, every cell as text.
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// How many rows the store has.
pub(crate) struct Stored {
    pub(crate) events: u64,
    pub(crate) commits: u64,
    pub(crate) dead_letters: u64,
}

impl Store {
    /// Opens the store in this file.
    pub(crate) fn open(store: &Path) -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.execute("ATTACH ?1 AS logeater", [store.to_string_lossy()])?;
        Ok(Self(connection))
    }

    /// The newest commits, with all columns of both tables.
    pub(crate) fn newest(&self) -> Result<Rows> {
        let mut query = self.0.prepare(NEWEST)?;
        let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
        let cells = |row: &Row<'_>| {
            (0..columns.len())
                .map(|place| row.get_ref(place).map(cell))
                .collect()
        };
        let rows = query.query_map([], cells)?.collect::<Result<_>>()?;
        Ok(Rows { columns, rows })
    }

    /// The most active authors by name, with their commits.
    pub(crate) fn authors(&self) -> Result<Vec<(String, u64)>> {
        self.counts(AUTHORS)
    }

    /// The latest active days, with their commits.
    pub(crate) fn days(&self) -> Result<Vec<(String, u64)>> {
        self.counts(DAYS)
    }

    /// The rows of each table.
    pub(crate) fn stored(&self) -> Result<Stored> {
        self.0.query_row(STORED, [], |row| {
            Ok(Stored {
                events: count(row, 0)?,
                commits: count(row, 1)?,
                dead_letters: count(row, 2)?,
            })
        })
    }

    fn counts(&self, query: &str) -> Result<Vec<(String, u64)>> {
        self.0
            .prepare(query)?
            .query_map([], |row| Ok((row.get(0)?, count(row, 1)?)))?
            .collect()
    }
}

/// A number of rows; SQLite's own numbers have a sign.
fn count(row: &Row<'_>, place: usize) -> Result<u64> {
    row.get::<_, u32>(place).map(u64::from)
}

fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

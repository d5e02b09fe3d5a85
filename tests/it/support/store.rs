//! A look into the store with plain SQLite, as any tool would.

use std::path::Path;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};

/// The embedded store of a collector, opened for reading.
#[derive(Debug)]
pub(crate) struct Store(Connection);

impl Store {
    pub(crate) fn open(data: &Path) -> Self {
        Self(
            Connection::open_with_flags(data.join("logeater.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
                .unwrap(),
        )
    }

    /// The first column of the only row.
    pub(crate) fn one<T: FromSql>(&self, sql: &str) -> T {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The first column of all rows.
    pub(crate) fn all<T: FromSql>(&self, sql: &str) -> Vec<T> {
        let mut statement = self.0.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

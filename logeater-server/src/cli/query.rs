//! `logeater query`: SQL on the store.

use std::error::Error;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::output::{Format, Rows, print};
use super::store_args::StoreArgs;

/// Ask the store in SQL, beside a collector or without one
///
/// The store is only read. BLOBs are printed in base64; RECORDs, repeated columns and details are JSON text.
#[derive(Debug, clap::Args)]
pub(super) struct Query {
    #[command(flatten)]
    store: StoreArgs,

    /// How rows are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// One statement, such as `SELECT type, count(*) FROM events GROUP BY type`
    sql: String,
}

impl Query {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let path = self.store.path()?;
        // Its source would say the same again, in other words.
        let rows = self.rows(&path).map_err(|error| error.to_string())?;
        Ok(print(&rows.text(self.format))?)
    }

    fn rows(&self, store: &Path) -> rusqlite::Result<Rows> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(store, flags)?;
        let mut statement = conn.prepare(&self.sql)?;
        let mut rows = Rows::new(statement.column_names());
        let columns = statement.column_count();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let values = (0..columns).map(|column| row.get_ref(column).map(value));
            rows.add(values.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(rows)
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => value.into(),
        ValueRef::Real(value) => value.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => STANDARD.encode(bytes).into(),
    }
}

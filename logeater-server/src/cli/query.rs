//! `logeater query`: SQL on the store.

use std::error::Error;
use std::io::{self, BufWriter, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row, Rows as Found};
use serde_json::Value;

use super::output::{Format, Rows, goes_on, object, print};
use super::store_args::StoreArgs;
use crate::store::Reader;

/// How many rows a table has at most: they are in memory until the last of them has come.
const TABLE_ROWS_MAX: usize = 10_000;

/// Ask the store in SQL, beside a collector or without one
///
/// The store is only read. A table has at most 10,000 rows; JSON is printed as it is found. BLOBs are printed in base64; RECORDs, repeated columns and details are JSON text.
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
        let reader = Reader::open(&self.store.path()?)?;
        // What is wrong with the statement is no fault of the store.
        reader.query(|conn| Ok(self.answer(conn).map_err(|error| explain(&*error))))?
    }

    fn answer(&self, conn: &Connection) -> Result<(), Box<dyn Error>> {
        let mut statement = conn.prepare(&self.sql)?;
        let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
        let mut found = statement.query([])?;
        match self.format {
            Format::Table => table(columns, &mut found),
            Format::Json => lines(&columns, &mut found),
        }
    }
}

/// Prints rows when all have been found: the widths of the columns depend on them.
fn table(columns: Vec<String>, found: &mut Found<'_>) -> Result<(), Box<dyn Error>> {
    let count = columns.len();
    let mut rows = Rows::new(columns);
    let mut left_out = 0_u64;
    while let Some(row) = found.next()? {
        if rows.len() < TABLE_ROWS_MAX {
            rows.add(values(row, count)?);
        } else {
            left_out += 1;
        }
    }
    print(&rows.text(Format::Table))?;
    if left_out > 0 {
        eprintln!("{left_out} more rows are left out: --format json prints all");
    }
    Ok(())
}

/// Prints each row when it is found, for as long as somebody reads.
fn lines(columns: &[String], found: &mut Found<'_>) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    while let Some(row) = found.next()? {
        let values = values(row, columns.len())?;
        if !goes_on(writeln!(out, "{}", object(columns, values)))? {
            return Ok(());
        }
    }
    goes_on(out.flush())?;
    Ok(())
}

fn values(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count)
        .map(|column| row.get_ref(column).map(value))
        .collect()
}

/// The message alone: its source would say the same again, in other words.
fn explain(error: &(dyn Error + 'static)) -> Box<dyn Error> {
    let sqlite = error.downcast_ref::<rusqlite::Error>();
    match sqlite.and_then(rusqlite::Error::sqlite_error_code) {
        // What SQLite says of a text without a statement.
        Some(ErrorCode::ApiMisuse) => {
            "there is no statement in it: write one such as `SELECT type, count(*) FROM events GROUP BY type`".into()
        }
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            "the store is only read, and no other file is opened or written".into()
        }
        _ => error.to_string().into(),
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

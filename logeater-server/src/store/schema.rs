//! The store's file: what a connection is set to, the tables it must have, and how they grow.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use logeater_schema::{EVENTS_TABLE, TableColumn, TableSchema};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::sql;
use crate::Error;
use crate::plan::{KeptTypes, type_name};

/// The format of the tables that this version makes.
const FORMAT: i64 = 1;

/// How long another program's lock on the store is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The most columns of a table in SQLite: <https://www.sqlite.org/limits.html#max_column>.
const COLUMNS_MAX: usize = 2_000;

/// The statements that stay prepared: two per event type that is in use, and the store's own.
const STATEMENTS_MAX: usize = 1_024;

/// The settings of the writer's connection.
///
/// `FULL` syncs the log before a commit returns, so that what was acknowledged survives a loss of power; on
/// macOS that takes `fullfsync`. Rows only come last, so pages of 8 KiB cost a tenth less than SQLite's 4,
/// and the log is copied into the database every 16 MiB, because every copy syncs twice (both measured).
const PRAGMAS: &str = "
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA wal_autocheckpoint = 2048;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -32768;
";

/// Opens the store, makes its tables if it is new, and grows the tables of the catalog.
///
/// Returns the columns that the store keeps as another type than the catalog's.
pub(super) fn open<'a>(
    path: &Path,
    tables: impl Iterator<Item = &'a TableSchema>,
) -> Result<(Connection, KeptTypes), Error> {
    let failed = |error: rusqlite::Error| Error::store(path, error);
    let mut conn = Connection::open(path).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Before anything is changed, the pragmas' mark in the file included.
    recognise(&conn, path)?;
    conn.execute_batch(PRAGMAS).map_err(failed)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let change = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    make_own_tables(&change, path)?;
    let mut kept = KeptTypes::new();
    for table in tables.filter(|table| table.name != EVENTS_TABLE) {
        check(table)?;
        kept.extend(grow(&change, table).map_err(failed)?);
    }
    change.commit().map_err(failed)?;
    Ok((conn, kept))
}

/// Whether the file is empty; one that is no store of this version is an error.
fn recognise(conn: &Connection, path: &Path) -> Result<bool, Error> {
    match format(conn).map_err(|error| Error::store(path, error))? {
        Format::Empty => Ok(true),
        Format::Known => Ok(false),
        Format::Newer(found) => Err(Error::NewerStore {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
        Format::Foreign => Err(Error::ForeignStore {
            path: path.to_owned(),
        }),
    }
}

fn make_own_tables(conn: &Connection, path: &Path) -> Result<(), Error> {
    if !recognise(conn, path)? {
        return Ok(());
    }
    conn.execute_batch(sql::OWN_TABLES)
        .and_then(|()| {
            conn.execute(
                "INSERT INTO _logeater VALUES ('format', ?1), ('sequence', 0)",
                [FORMAT],
            )
        })
        .map(drop)
        .map_err(|error| Error::store(path, error))
}

/// What a file is before it is used.
enum Format {
    Empty,
    Known,
    Newer(i64),
    Foreign,
}

fn format(conn: &Connection) -> rusqlite::Result<Format> {
    let tables: i64 = conn.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(Format::Empty);
    }
    if !conn.table_exists(None, "_logeater")? {
        return Ok(Format::Foreign);
    }
    let format: Option<i64> = conn
        .query_row(
            "SELECT value FROM _logeater WHERE key = 'format'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(match format {
        Some(FORMAT) => Format::Known,
        Some(newer) => Format::Newer(newer),
        None => Format::Foreign,
    })
}

/// The sequence of the last event that was inserted, whether it is still there or not.
pub(super) fn last_sequence(conn: &Connection) -> rusqlite::Result<i64> {
    let mark = "SELECT max(value, (SELECT coalesce(max(rowid), 0) FROM events)) FROM _logeater WHERE key = 'sequence'";
    conn.query_one(mark, [], |row| row.get(0))
}

fn check(table: &TableSchema) -> Result<(), Error> {
    if table.columns.len() > COLUMNS_MAX {
        let reason = format!(
            "it has {} columns, and SQLite takes at most {COLUMNS_MAX}: put related fields into RECORDs",
            table.columns.len()
        );
        return Err(Error::Catalog {
            table: table.name.clone(),
            reason,
        });
    }
    Ok(())
}

/// Adds what the store lacks of a table; returns what it keeps otherwise.
fn grow(conn: &Transaction<'_>, table: &TableSchema) -> rusqlite::Result<KeptTypes> {
    conn.execute_batch(&sql::create_extended(&table.name))?;
    let stored = stored_types(conn, &table.name)?;
    let mut kept = KeptTypes::new();
    for column in table.details_columns() {
        let wanted = type_name(column.column_type, column.mode);
        match stored.get(&column.name.to_ascii_lowercase()) {
            None => add(conn, &table.name, column, &wanted)?,
            Some(stored) if *stored == wanted => {}
            Some(stored) => {
                tracing::warn!(
                    "column `{}` of table `{}` is {wanted} in the catalog, but the store has kept it as {stored}: \
                     events that write it go to the dead letters",
                    column.name,
                    table.name
                );
                kept.insert(
                    (table.name.clone(), column.name.to_ascii_lowercase()),
                    stored.clone(),
                );
            }
        }
    }
    Ok(kept)
}

fn stored_types(conn: &Connection, table: &str) -> rusqlite::Result<HashMap<String, String>> {
    let mut query =
        conn.prepare("SELECT lower(name), type FROM _logeater_columns WHERE table_name = ?1")?;
    query
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn add(
    conn: &Connection,
    table: &str,
    column: &TableColumn,
    type_name: &str,
) -> rusqlite::Result<()> {
    conn.execute_batch(&sql::add_column(
        table,
        &column.name,
        column.column_type,
        column.mode,
    ))?;
    conn.execute(
        "INSERT INTO _logeater_columns VALUES (?1, ?2, ?3)",
        (table, &column.name, type_name),
    )?;
    Ok(())
}

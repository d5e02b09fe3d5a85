//! The store's file: what the writer's connection is set to, and how the tables of the catalog grow.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use logeater_schema::{Catalog, EVENTS_TABLE, TableColumn, TableSchema};
use rusqlite::{Connection, TransactionBehavior};

use super::failure;
use super::migrations::{self, Found};
use super::sql;
use crate::Error;
use crate::plan::{KeptTypes, type_name};

/// How long another program's lock on the store is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The most columns of a table in SQLite: <https://www.sqlite.org/limits.html#max_column>.
const COLUMNS_MAX: usize = 2_000;

/// The statements that stay prepared: two per event type that is in use, and the store's own.
const STATEMENTS_MAX: usize = 1_024;

/// What a file is told before anything is written to it: that it can give its free pages back.
const AUTO_VACUUM: &str = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;";

/// The settings of the writer's connection.
///
/// `FULL` syncs the log before a commit returns, so that what was acknowledged survives a loss of power; on
/// macOS that takes `fullfsync`. Rows only come last, so pages of 8 KiB cost a tenth less than SQLite's 4,
/// and the log is copied into the database every 16 MiB, because every copy syncs twice (both measured).
const PRAGMAS: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA wal_autocheckpoint = 2048;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -32768;
";

/// Opens the store, makes its tables or brings them to the newest format, and grows those of the catalog.
///
/// Returns the columns that the store keeps as another type than the catalog's.
pub(super) fn open(path: &Path, catalog: &Catalog) -> Result<(Connection, KeptTypes), Error> {
    check(catalog)?;
    let failed = |error: rusqlite::Error| failure::of_store(path, error);
    let mut conn = Connection::open(path).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Before anything is changed, the pragmas' mark in the file included.
    let format = recognise(&conn, path)?;
    prepare(&conn, format).map_err(failed)?;
    let change = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    migrations::migrate(&change, recognise(&change, path)?).map_err(failed)?;
    let kept = grow(&change, catalog).map_err(failed)?;
    change.commit().map_err(failed)?;
    Ok((conn, kept))
}

/// The format of a store, 0 of an empty file; what is no store of this version or an older one is an error.
fn recognise(conn: &Connection, path: &Path) -> Result<i64, Error> {
    match migrations::find(conn).map_err(|error| failure::of_store(path, error))? {
        Found::Empty => Ok(0),
        Found::Store(format) if format <= migrations::NEWEST => Ok(format),
        Found::Store(found) => Err(Error::NewerStore {
            path: path.to_owned(),
            found,
            known: migrations::NEWEST,
        }),
        Found::Foreign => Err(Error::ForeignStore {
            path: path.to_owned(),
        }),
    }
}

/// Checks that a store is there, and has the newest format.
pub(super) fn expect_newest(conn: &Connection, path: &Path) -> Result<(), Error> {
    let path = path.to_owned();
    match recognise(conn, &path)? {
        0 => Err(Error::ForeignStore { path }),
        found if found < migrations::NEWEST => Err(Error::OlderStore {
            path,
            found,
            known: migrations::NEWEST,
        }),
        _ => Ok(()),
    }
}

/// Sets a connection up that changes a store which is there and has the newest format.
pub(super) fn prepare_to_edit(conn: &Connection, path: &Path) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| failure::of_store(path, error);
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    expect_newest(conn, path)?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON")
        .map_err(failed)
}

fn prepare(conn: &Connection, format: i64) -> rusqlite::Result<()> {
    conn.execute_batch(AUTO_VACUUM)?;
    let is_incremental: bool =
        conn.pragma_query_value(None, "auto_vacuum", |row| Ok(row.get::<_, i64>(0)? == 2))?;
    if format > 0 && !is_incremental {
        // Stores of the first format, and some that were restored, cannot give pages back; this writes the whole file
        // once.
        conn.execute_batch("VACUUM")?;
    }
    conn.execute_batch(PRAGMAS)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

/// The sequence of the last event that was inserted, whether it is still there or not.
pub(super) fn last_sequence(conn: &Connection) -> rusqlite::Result<i64> {
    let mark = "SELECT max(value, (SELECT coalesce(max(rowid), 0) FROM events)) FROM _logeater WHERE key = 'sequence'";
    conn.query_one(mark, [], |row| row.get(0))
}

/// Checks that the store can hold the tables of a catalog.
pub(super) fn check(catalog: &Catalog) -> Result<(), Error> {
    let too_wide = |table: &&TableSchema| table.columns.len() > COLUMNS_MAX;
    catalog.tables().find(too_wide).map_or(Ok(()), |table| {
        let reason = format!(
            "it has {} columns, and SQLite takes at most {COLUMNS_MAX}: put related fields into RECORDs",
            table.columns.len()
        );
        Err(Error::Catalog {
            table: table.name.clone(),
            reason,
        })
    })
}

/// Adds what the store lacks of the extended tables; returns what it keeps as another type.
pub(super) fn grow(conn: &Connection, catalog: &Catalog) -> rusqlite::Result<KeptTypes> {
    let mut kept = KeptTypes::new();
    for table in catalog.tables().filter(|table| table.name != EVENTS_TABLE) {
        grow_table(conn, table, &mut kept)?;
    }
    Ok(kept)
}

fn grow_table(
    conn: &Connection,
    table: &TableSchema,
    kept: &mut KeptTypes,
) -> rusqlite::Result<()> {
    conn.execute_batch(&sql::create_extended(&table.name))?;
    let stored = stored_types(conn, &table.name)?;
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
    Ok(())
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

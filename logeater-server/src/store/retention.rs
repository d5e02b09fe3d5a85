//! Removes the oldest events, and gives their space back to the file system.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::cursors::refused_by;
use super::sql::quote;

/// How many events are removed in one transaction, so that pushes do not wait long for it.
const CHUNK_ROWS: i64 = 500;

/// How many free pages are given back at once: 8 MiB.
const VACUUM_PAGES: u32 = 1_024;

/// What is behind all cursors, and how much of it is too much.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Sinks that have to be past an event.
    pub(crate) sinks: Vec<String>,
    pub(crate) too_old: Option<TooOld>,
    /// The pages that are in use may take so many bytes.
    pub(crate) size: Option<u64>,
}

/// Events that were stored before a moment are too old.
#[derive(Clone, Debug)]
pub(crate) struct TooOld {
    pub(crate) before: String,
    pub(crate) now: String,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) events: u64,
    /// Whether there may be more.
    pub(crate) is_partial: bool,
}

/// Removes some of what is too much, and gives some free pages back. Needs a connection between two transactions.
pub(crate) fn remove(conn: &Connection, bounds: &Bounds) -> rusqlite::Result<Removed> {
    // The writer's closures share its connection.
    let change = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let end = end(&change, bounds)?;
    let events = match end {
        Some(end) => remove_up_to(&change, end)?,
        None => 0,
    };
    change.commit()?;
    give_pages_back(conn)?;
    Ok(Removed {
        events,
        is_partial: events > 0 || free_pages(conn)? > 0,
    })
}

/// The last event of the next chunk; nothing if none is too much.
fn end(conn: &Connection, bounds: &Bounds) -> rusqlite::Result<Option<i64>> {
    let passed = passed(conn, &bounds.sinks)?;
    let is_too_large = match bounds.size {
        Some(size) => used_bytes(conn)? > size,
        None => false,
    };
    let too_old = match &bounds.too_old {
        Some(bounds) => last_too_old(conn, bounds)?,
        None => 0,
    };
    let last = if is_too_large {
        passed
    } else {
        passed.min(too_old)
    };
    conn.query_one(
        "SELECT max(rowid) FROM (SELECT rowid FROM events WHERE rowid <= ?1 ORDER BY rowid LIMIT ?2)",
        [last, CHUNK_ROWS],
        |row| row.get(0),
    )
}

/// The last event of which it is certain that it is too old.
///
/// Clocks jump, so marks are not always in the order of their moments. An event counts as no older than any mark before
/// it; one from the future is wrong, and the next one that is not speaks for it.
fn last_too_old(conn: &Connection, TooOld { before, now }: &TooOld) -> rusqlite::Result<i64> {
    conn.query_one(
        "SELECT coalesce(max(sequence), 0) FROM _logeater_marks WHERE sequence < coalesce((
             SELECT sequence FROM _logeater_marks AS mark WHERE stored_at > ?1 AND iif(stored_at <= ?2, stored_at, coalesce((
                 SELECT stored_at FROM _logeater_marks AS next
                 WHERE next.sequence > mark.sequence AND next.stored_at <= ?2 ORDER BY next.sequence LIMIT 1
             ), ?2)) > ?1 ORDER BY sequence LIMIT 1
         ), 9223372036854775807)",
        [before, now],
        |row| row.get(0),
    )
}

/// The last event that all sinks are past, what they are to be sent once more included.
fn passed(conn: &Connection, sinks: &[String]) -> rusqlite::Result<i64> {
    let mut passed = i64::MAX;
    let mut query = conn.prepare_cached(
        "SELECT min(cursor, coalesce((SELECT min(sequence) - 1 FROM _logeater_resend WHERE sink = name), cursor))
         FROM _logeater_sinks WHERE name = ?1",
    )?;
    for sink in sinks {
        passed = passed.min(query.query_one([sink], |row| row.get(0))?);
    }
    Ok(passed)
}

fn remove_up_to(conn: &Connection, end: i64) -> rusqlite::Result<u64> {
    let tables: Vec<String> = conn
        .prepare_cached("SELECT DISTINCT table_name FROM _logeater_columns")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let ids = "(SELECT event_id FROM events WHERE rowid <= ?1)";
    for table in tables {
        let remove = format!("DELETE FROM {} WHERE event_id IN {ids}", quote(&table));
        conn.prepare_cached(&remove)?.execute([end])?;
    }
    let removed = conn
        .prepare_cached("DELETE FROM events WHERE rowid <= ?1")?
        .execute([end])?;
    conn.prepare_cached(super::sql::ADD_TO_COUNT)?
        .execute(("removed", removed))?;
    conn.execute(
        "DELETE FROM _logeater_marks WHERE sequence < (SELECT max(sequence) FROM _logeater_marks WHERE sequence <= ?1)",
        [end],
    )?;
    Ok(removed as u64)
}

/// Removes dead letters that were refused before a moment, and returns how many.
///
/// Needs a connection between two transactions.
pub(crate) fn remove_dead_letters(conn: &Connection, before: &str) -> rusqlite::Result<u64> {
    let change = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let mut sinks = conn.prepare_cached("SELECT name FROM _logeater_sinks")?;
    let sinks: Vec<String> = sinks
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for sink in sinks {
        let refused_by = refused_by(&sink);
        change.execute(
            "UPDATE _logeater_sinks SET dead = dead - old, began = began + old FROM (
                 SELECT count(*) AS old FROM dead_letters WHERE refused_by = ?2 AND refused_at < ?3
             ) WHERE name = ?1 AND old > 0",
            (&sink, &refused_by, before),
        )?;
    }
    let removed = change.execute("DELETE FROM dead_letters WHERE refused_at < ?1", [before])?;
    change.commit()?;
    Ok(removed as u64)
}

/// The bytes of the pages that are in use.
pub(crate) fn used_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

fn give_pages_back(conn: &Connection) -> rusqlite::Result<()> {
    let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    let mut pages = vacuum.query([])?;
    // Each step is a page.
    while pages.next()?.is_some() {}
    Ok(())
}

fn free_pages(conn: &Connection) -> rusqlite::Result<u64> {
    conn.pragma_query_value(None, "freelist_count", |row| row.get(0))
}

/// A file that holds space for the moment when the disk is full: `SQLite` needs some to remove anything.
#[derive(Clone, Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// A file in the store's folder of so many bytes; none at 0.
    pub(crate) fn new(data: &Path, bytes: u64) -> Self {
        Self {
            path: data.join("logeater.ballast"),
            bytes,
        }
    }

    /// Takes the space, if the disk has it.
    pub(crate) fn take(&self) -> io::Result<()> {
        let has = fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if has == self.bytes {
            return Ok(());
        }
        let taken = self.fill();
        if taken.is_err() {
            // A part of it would be missing elsewhere.
            let _ = fs::remove_file(&self.path);
        }
        taken
    }

    /// Bytes that no file system leaves out.
    fn fill(&self) -> io::Result<()> {
        let block: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 16).collect();
        let mut file = File::create(&self.path)?;
        let mut left = self.bytes;
        while left > 0 {
            let bytes = left.min(block.len() as u64);
            file.write_all(&block[..usize::try_from(bytes).unwrap_or(block.len())])?;
            left -= bytes;
        }
        file.sync_all()
    }

    /// Gives the space back; says whether there was any.
    pub(crate) fn give_back(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }
}

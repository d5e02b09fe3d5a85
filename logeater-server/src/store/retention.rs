//! Removes the oldest events, and gives their space back to the file system.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Params, TransactionBehavior};

use super::schema;
use super::sql::quote;

/// How many events are removed in one transaction where few come in, so that pushes do not wait long for it.
const CHUNK_ROWS: i64 = 500;

/// How many events are removed for each that came in since the last removal: the store shrinks under any load.
const REMOVED_PER_STORED: i64 = 2;

/// How far the numbers of the events reach that are there. Each end is looked up, where both at once take a scan.
const SPAN: &str =
    "SELECT coalesce((SELECT max(rowid) FROM events) - (SELECT min(rowid) FROM events) + 1, 0)";

/// How many free pages are given back at once: 8 MiB.
const VACUUM_PAGES: u32 = 1_024;

/// What is behind all cursors, how much of it is too much, and where the last removal found the store.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Sinks that have to be past an event.
    pub(crate) sinks: Vec<String>,
    pub(crate) too_old: Option<TooOld>,
    /// The pages that are in use may take so many bytes.
    pub(crate) size: Option<u64>,
    /// The last event that was stored when something was last removed; `None` at first.
    pub(crate) stored: Option<i64>,
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
    pub(crate) dead_letters: u64,
    /// The last event that was stored.
    pub(crate) stored: i64,
    /// Whether there may be more.
    pub(crate) is_partial: bool,
}

/// Removes some of what is too much, and gives some free pages back. Needs a connection between two transactions.
///
/// It removes [`CHUNK_ROWS`] events, or [`REMOVED_PER_STORED`] for each that was stored since the last time: a push that
/// comes meanwhile waits about as long as those that came before it took.
pub(crate) fn remove(conn: &Connection, bounds: &Bounds) -> rusqlite::Result<Removed> {
    // The writer's closures share its connection.
    let change = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let stored = schema::last_sequence(&change)?;
    let new = bounds.stored.map_or(0, |before| stored - before);
    let rows = CHUNK_ROWS.max(new.saturating_mul(REMOVED_PER_STORED));
    let passed = passed(&change, &bounds.sinks)?;
    let (mut events, mut dead_letters) = (0, 0);
    if let Some(too_old) = &bounds.too_old {
        dead_letters += remove_old_dead_letters(&change, &too_old.before, rows)?;
        if let Some(last) = last_of_oldest(&change, passed, rows)? {
            events += remove_events(&change, last_too_old(&change, too_old, last)?)?;
        }
    }
    if let Some(size) = bounds.size {
        let (many, letters) = remove_oldest(&change, passed, size, rows)?;
        events += many;
        dead_letters += letters;
    }
    change.commit()?;
    let is_given_back = give_pages_back(conn)?;
    Ok(Removed {
        events,
        dead_letters,
        stored,
        is_partial: events + dead_letters > 0 || is_given_back,
    })
}

/// The last event up to `last` of which it is certain that it is too old.
///
/// Events after a mark, up to the next, were stored in its second. Clocks jump, so marks are not always in the order of
/// their moments: an event counts as no older than any mark before it; one from the future is wrong, and the next one
/// that is not speaks for it.
fn last_too_old(
    conn: &Connection,
    TooOld { before, now }: &TooOld,
    last: i64,
) -> rusqlite::Result<i64> {
    let mut query =
        conn.prepare_cached("SELECT sequence, stored_at FROM _logeater_marks ORDER BY sequence")?;
    let mut marks = query.query([])?;
    // Nothing is known of events before the first mark.
    let mut is_old = false;
    let mut doubtful = None;
    while let Some(mark) = marks.next()? {
        let sequence: i64 = mark.get(0)?;
        let stored_at = mark.get_ref(1)?.as_str()?;
        if stored_at > now.as_str() {
            doubtful.get_or_insert(sequence);
        } else if stored_at > before.as_str() {
            doubtful.get_or_insert(sequence);
            break;
        } else {
            (is_old, doubtful) = (true, None);
            if sequence >= last {
                break;
            }
        }
    }
    Ok(if is_old {
        doubtful.map_or(last, |young| young.min(last))
    } else {
        0
    })
}

/// Removes about as many of the oldest events, with their dead letters, as the store is too large by, but no more than
/// `rows`, or dead letters alone where no event may go; returns how many of both.
fn remove_oldest(
    conn: &Connection,
    passed: i64,
    size: u64,
    rows: i64,
) -> rusqlite::Result<(u64, u64)> {
    let used = used_bytes(conn)?;
    if used <= size {
        return Ok((0, 0));
    }
    let span: u64 = conn.query_one(SPAN, [], |row| row.get(0))?;
    let share = u128::from(span) * u128::from(used - size) / u128::from(used.max(1));
    let rows = i64::try_from(share + 1).unwrap_or(i64::MAX).min(rows);
    let Some(last) = last_of_oldest(conn, passed, rows)? else {
        return Ok((0, remove_lone_dead_letters(conn, rows)?));
    };
    let of_these = "event_id IN (SELECT event_id FROM events WHERE rowid <= ?1)";
    let letters = forget_dead_letters(conn, of_these, [last])?;
    Ok((remove_events(conn, last)?, letters))
}

/// Removes some dead letters whose events are gone, and returns how many. The ids of both go in their order.
fn remove_lone_dead_letters(conn: &Connection, rows: i64) -> rusqlite::Result<u64> {
    let lone = "rowid IN (
        SELECT rowid FROM dead_letters WHERE event_id NOT IN (SELECT event_id FROM events) ORDER BY event_id LIMIT ?1
    )";
    forget_dead_letters(conn, lone, [rows])
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

/// The last of the oldest events up to `end`, of which it takes no more than `rows`; `None` if there are none.
fn last_of_oldest(conn: &Connection, end: i64, rows: i64) -> rusqlite::Result<Option<i64>> {
    let last = "SELECT max(rowid) FROM (SELECT rowid FROM events WHERE rowid <= ?1 ORDER BY rowid LIMIT ?2)";
    conn.query_one(last, [end, rows], |row| row.get(0))
}

/// Removes the events up to `last` with their extended rows; returns how many.
fn remove_events(conn: &Connection, last: i64) -> rusqlite::Result<u64> {
    let tables: Vec<String> = conn
        .prepare_cached("SELECT DISTINCT table_name FROM _logeater_columns")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let ids = "(SELECT event_id FROM events WHERE rowid <= ?1)";
    for table in tables {
        let remove = format!("DELETE FROM {} WHERE event_id IN {ids}", quote(&table));
        conn.prepare_cached(&remove)?.execute([last])?;
    }
    let removed = conn
        .prepare_cached("DELETE FROM events WHERE rowid <= ?1")?
        .execute([last])?;
    conn.prepare_cached(super::sql::ADD_TO_COUNT)?
        .execute(("removed", removed))?;
    conn.execute(
        "DELETE FROM _logeater_marks WHERE sequence < (SELECT max(sequence) FROM _logeater_marks WHERE sequence <= ?1)",
        [last],
    )?;
    Ok(removed as u64)
}

/// Removes some dead letters that were refused before a moment, and returns how many.
fn remove_old_dead_letters(conn: &Connection, before: &str, rows: i64) -> rusqlite::Result<u64> {
    let old = "rowid IN (SELECT rowid FROM dead_letters WHERE refused_at < ?1 ORDER BY refused_at LIMIT ?2)";
    forget_dead_letters(conn, old, (before, rows))
}

/// Removes dead letters by a condition with parameters, out of the counts of their sinks as well.
fn forget_dead_letters(
    conn: &Connection,
    condition: &str,
    parameters: impl Params + Clone,
) -> rusqlite::Result<u64> {
    let mut counted = conn.prepare_cached(&format!(
        "SELECT refused_by, count(*) FROM dead_letters WHERE {condition} GROUP BY refused_by"
    ))?;
    let counts: Vec<(String, u64)> = counted
        .query_map(parameters.clone(), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (refused_by, count) in &counts {
        conn.prepare_cached(
            "UPDATE _logeater_sinks SET dead = dead - ?2, began = began + ?2 WHERE 'sink ' || name = ?1",
        )?
        .execute((refused_by, count))?;
    }
    let removed = conn
        .prepare_cached(&format!("DELETE FROM dead_letters WHERE {condition}"))?
        .execute(parameters)?;
    Ok(removed as u64)
}

/// The bytes of the pages that are in use.
pub(crate) fn used_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Gives some of the free pages back, and says whether it did.
fn give_pages_back(conn: &Connection) -> rusqlite::Result<bool> {
    let before = free_pages(conn)?;
    let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    let mut pages = vacuum.query([])?;
    // Each step is a page.
    while pages.next()?.is_some() {}
    Ok(free_pages(conn)? < before)
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

    /// Takes the space, if the disk has twice as much: the last of it is for pushes.
    pub(crate) fn take(&self) -> io::Result<()> {
        let has = fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if has == self.bytes {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(&self.path);
        let free = fs4::available_space(folder)?.saturating_add(has);
        if free < self.bytes.saturating_mul(2) {
            return Err(io::ErrorKind::StorageFull.into());
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

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;

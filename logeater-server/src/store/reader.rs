//! Reads the store beside its writer, on a connection that can change nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags, Row};

use super::{failure, schema};
use crate::Error;

/// How long a store is waited for that is just being made or closed.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const EVENTS_AFTER: &str = "
SELECT rowid, event_id, cluster_key, timestamp, service, type, user_id, details FROM events
WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";

#[cfg(feature = "cli")]
const EVENTS_BEFORE: &str = "
SELECT rowid, event_id, cluster_key, timestamp, service, type, user_id, details FROM events
WHERE rowid < ?1 ORDER BY rowid DESC LIMIT ?2";

const EVENT_AT: &str = "
SELECT rowid, event_id, cluster_key, timestamp, service, type, user_id, details FROM events WHERE rowid = ?1";

/// An event as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// Its place in the order of insertion, from 1. No two events ever have the same.
    pub sequence: i64,
    /// The text of a UUID.
    pub event_id: String,
    /// The UTC day of its insertion, `2026-01-31`.
    pub cluster_key: String,
    /// When it happened: ISO 8601, UTC, with microseconds.
    pub timestamp: String,
    /// Who sent it.
    pub service: String,
    /// Its type, such as `cart.add`.
    pub event_type: String,
    /// Whose it is.
    pub user_id: Option<String>,
    /// Its own fields, one JSON object; `None` if it has none.
    pub details: Option<String>,
}

impl StoredEvent {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            event_id: row.get(1)?,
            cluster_key: row.get(2)?,
            timestamp: row.get(3)?,
            service: row.get(4)?,
            event_type: row.get(5)?,
            user_id: row.get(6)?,
            details: row.get(7)?,
        })
    }

    /// Roughly the memory that it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = [
            Some(&self.event_id),
            Some(&self.cluster_key),
            Some(&self.timestamp),
            Some(&self.service),
            Some(&self.event_type),
            self.user_id.as_ref(),
            self.details.as_ref(),
        ];
        let texts = texts.into_iter().flatten().map(String::len);
        size_of::<Self>() + texts.sum::<usize>()
    }
}

/// What reads the store writes no other file: `VACUUM INTO` attaches the one that it makes.
fn no_other_file(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

/// A connection that only reads. What was committed before a query is seen by it.
#[derive(Debug)]
pub(crate) struct Reader {
    conn: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens a store that is there and has the newest format.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error: rusqlite::Error| failure::of_store(path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
        conn.authorizer(Some(no_other_file)).map_err(failed)?;
        conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        schema::expect_newest(&conn, path)?;
        Ok(Self {
            conn,
            path: path.to_owned(),
        })
    }

    /// The events after a sequence, in their order: at most so many, and no more once they take so many bytes.
    pub(crate) fn events_after(
        &self,
        sequence: i64,
        rows: usize,
        bytes: usize,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.events(EVENTS_AFTER, sequence, rows, bytes)
    }

    /// The events before a sequence, the last one first: at most so many, and no more once they take so many bytes.
    #[cfg(feature = "cli")]
    pub(crate) fn events_before(
        &self,
        sequence: i64,
        rows: usize,
        bytes: usize,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.events(EVENTS_BEFORE, sequence, rows, bytes)
    }

    fn events(
        &self,
        query: &str,
        sequence: i64,
        rows: usize,
        bytes: usize,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.query(|conn| {
            let mut query = conn.prepare_cached(query)?;
            let mut found = query.query((sequence, rows))?;
            let (mut events, mut taken) = (Vec::new(), 0);
            while taken < bytes
                && let Some(row) = found.next()?
            {
                let event = StoredEvent::read(row)?;
                taken += event.bytes();
                events.push(event);
            }
            Ok(events)
        })
    }

    /// The event with a sequence, if it is still there.
    pub(crate) fn event(&self, sequence: i64) -> Result<Option<StoredEvent>, Error> {
        self.query(|conn| {
            let mut query = conn.prepare_cached(EVENT_AT)?;
            let mut found = query.query([sequence])?;
            found.next()?.map(StoredEvent::read).transpose()
        })
    }

    /// Asks anything, and names the store where that fails.
    pub(crate) fn query<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        ask(&self.conn).map_err(|error| failure::of_store(&self.path, error))
    }
}

//! What a person does to a store, whether a collector has it open or not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use logeater_schema::Catalog;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::failure;
use super::replay::{self, Filled};
use super::schema;
use crate::Error;
use crate::plan::Plan;

/// An open store that a person works on.
///
/// Each change is a transaction of its own, which a collector that runs waits for, and then acts upon within a second.
#[derive(Debug)]
pub struct Maintenance {
    conn: Connection,
    path: PathBuf,
}

/// What a replay has done to one sink or one table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// `sink NAME` or `table NAME`.
    pub target: String,
    /// How many events are delivered again, or have got their row.
    pub events: u64,
    /// How many dead letters stay: their event is gone, or still does not fit.
    pub left: u64,
}

impl Maintenance {
    /// Opens a store that is there, such as `data/logeater.db`.
    ///
    /// # Errors
    ///
    /// When there is none, or it has the format of another version.
    pub fn open(store: impl AsRef<Path>) -> Result<Self, Error> {
        let path = store.as_ref().to_owned();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&path, flags);
        let conn = conn.map_err(|error| failure::of_store(&path, error))?;
        schema::prepare_to_edit(&conn, &path)?;
        Ok(Self { conn, path })
    }

    /// The names of all sinks that the store has a cursor of.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn sinks(&self) -> Result<Vec<String>, Error> {
        let names = || -> rusqlite::Result<_> {
            let mut query = self
                .conn
                .prepare("SELECT name FROM _logeater_sinks ORDER BY name")?;
            query.query_map([], |row| row.get(0))?.collect()
        };
        names().map_err(|error| failure::of_store(&self.path, error))
    }

    /// Pauses a sink, or lets it go on.
    ///
    /// # Errors
    ///
    /// When there is no such sink, or the store cannot be written.
    pub fn pause(&mut self, sink: &str, paused: bool) -> Result<(), Error> {
        let paused = self.change(|conn| {
            conn.execute(
                "UPDATE _logeater_sinks SET paused = ?2 WHERE name = ?1",
                (sink, paused),
            )
        });
        if paused? == 0 {
            return Err(self.unknown_sink(sink));
        }
        Ok(())
    }

    /// Moves a sink's cursor back, so that all events that were stored in the second of this moment or later are delivered
    /// again. It never moves forward.
    ///
    /// The moment is ISO 8601 in UTC, as the store has it: `2026-01-31T12:00:00.000000Z`.
    ///
    /// # Errors
    ///
    /// When there is no such sink, or the store cannot be written.
    pub fn replay_since(&mut self, sink: &str, moment: &str) -> Result<Replayed, Error> {
        let events = self.change(|conn| {
            let sequence = replay::sequence_before(conn, moment)?;
            replay::move_back(conn, sink, sequence)
        })?;
        let events = events.ok_or_else(|| self.unknown_sink(sink))?;
        Ok(Replayed {
            target: format!("sink {sink}"),
            events: events.cast_unsigned(),
            left: 0,
        })
    }

    /// Hands a sink its dead letters once more.
    ///
    /// # Errors
    ///
    /// When there is no such sink, or the store cannot be written.
    pub fn replay_dead_letters_of_sink(&mut self, sink: &str) -> Result<Replayed, Error> {
        let resent = self.change(|conn| replay::resend_dead_letters(conn, sink))?;
        let (events, left) = resent.ok_or_else(|| self.unknown_sink(sink))?;
        Ok(Replayed {
            target: format!("sink {sink}"),
            events,
            left,
        })
    }

    /// Grows the extended tables to those of a catalog, tries the dead letters of each again, and makes the rows that
    /// events lack because no catalog knew their type when they came.
    ///
    /// # Errors
    ///
    /// When the store cannot hold a table of it, or cannot be written.
    pub fn replay_tables(&mut self, catalog: &Catalog) -> Result<Vec<Replayed>, Error> {
        schema::check(catalog)?;
        let kept = self.change(|conn| schema::grow(conn, catalog))?;
        let plan = Arc::new(Plan::new(catalog.tables(), &kept));
        let mut replayed = Vec::new();
        for table in plan.tables() {
            let Filled { rows, misfits } = self.fill(&plan, table)?;
            replayed.push(Replayed {
                target: format!("table {table}"),
                events: rows,
                left: misfits,
            });
        }
        Ok(replayed)
    }

    fn fill(&mut self, plan: &Arc<Plan>, table: &str) -> Result<Filled, Error> {
        let filled = replay::fill_from_dead_letters(&mut self.conn, plan, table).and_then(|dead| {
            let missing = replay::fill_from_events(&mut self.conn, plan, table)?;
            Ok(Filled {
                rows: dead.rows + missing.rows,
                misfits: dead.misfits + missing.misfits,
            })
        });
        filled.map_err(|error| failure::of_store(&self.path, error))
    }

    fn change<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let changed = transaction.and_then(|transaction| {
            let changed = change(&transaction)?;
            transaction.commit()?;
            Ok(changed)
        });
        changed.map_err(|error| failure::of_store(&self.path, error))
    }

    fn unknown_sink(&self, sink: &str) -> Error {
        let known = self.sinks().unwrap_or_default();
        let problem = if known.is_empty() {
            "is not known: this store has no sinks yet".to_owned()
        } else {
            format!("is not known: this store has {}", known.join(", "))
        };
        Error::Sink {
            name: sink.to_owned(),
            problem,
        }
    }
}

//! Whether every number of a store adds up.

use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use super::reader::Reader;
use super::sql::quote;
use crate::Error;

/// How many flaws of a damaged file are told.
const FLAWS_MAX: u32 = 10;

/// What a store has, and what does not add up in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciliation {
    /// The entries that came: stored, repeated or refused.
    pub entries: Entries,
    /// The extended tables, by their names.
    pub tables: Vec<TableCount>,
    /// The sinks, by their names.
    pub sinks: Vec<SinkCount>,
    /// What does not add up, in words. Nothing if all is well.
    pub differences: Vec<String>,
}

/// What became of the entries of the store's whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entries {
    /// Stored under a new id.
    pub stored: u64,
    /// In the store before, under the same id.
    pub repeated: u64,
    /// Refused for good. A crash forgets those that came alone since the last commit.
    pub refused: u64,
    /// Stored, and taken by retention.
    pub removed: u64,
    /// Stored, and there.
    pub kept: u64,
}

/// The rows of one extended table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableCount {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Dead letters of events whose details did not fit it.
    pub dead: u64,
}

/// What became of the events of one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCount {
    /// Its name.
    pub sink: String,
    /// The sequence of the last event that has come to its end there.
    pub cursor: i64,
    /// Delivered.
    pub delivered: u64,
    /// Left out by a rule.
    pub left_out: u64,
    /// Dead letters.
    pub dead: u64,
    /// Still to be delivered.
    pub pending: u64,
    /// Whether it is paused.
    pub paused: bool,
}

/// Counts a store, which may be in use, and looks at every page of its file.
///
/// # Errors
///
/// When there is none, or it cannot be read.
pub fn reconcile(store: impl AsRef<Path>) -> Result<Reconciliation, Error> {
    let reader = Reader::open(store.as_ref())?;
    reader.query(|conn| {
        // All numbers are of one moment.
        let snapshot = conn.unchecked_transaction()?;
        let mut counts = Counts {
            conn: &snapshot,
            differences: Vec::new(),
        };
        let entries = counts.entries()?;
        let tables = counts.tables()?;
        let sinks = counts.sinks()?;
        let mut differences = counts.differences;
        // That takes long, and a moment that is held keeps the log from being used again.
        snapshot.finish()?;
        check_file(conn, &mut differences)?;
        Ok(Reconciliation {
            entries,
            tables,
            sinks,
            differences,
        })
    })
}

struct Counts<'c> {
    conn: &'c Connection,
    differences: Vec<String>,
}

impl Counts<'_> {
    fn entries(&mut self) -> rusqlite::Result<Entries> {
        let kept = self.count("SELECT count(*) FROM events", [])?;
        let stored = super::schema::last_sequence(self.conn)?;
        let total = |key| self.count("SELECT value FROM _logeater WHERE key = ?1", [key]);
        let entries = Entries {
            stored: stored.cast_unsigned(),
            repeated: total("repeated")?,
            refused: total("refused")?,
            removed: total("removed")?,
            kept,
        };
        self.expect(
            entries.stored == entries.removed + entries.kept,
            format_args!(
                "{} events were stored and {} removed by retention, but {} are there: some were added or removed by hand",
                entries.stored, entries.removed, entries.kept
            ),
        );
        Ok(entries)
    }

    fn tables(&mut self) -> rusqlite::Result<Vec<TableCount>> {
        let names: Vec<String> = self
            .conn
            .prepare("SELECT DISTINCT table_name FROM _logeater_columns ORDER BY table_name")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut tables = Vec::new();
        for table in names {
            if !self.conn.table_exists(None, &*table)? {
                self.expect(false, format_args!("table {table} is gone"));
                continue;
            }
            let quoted = quote(&table);
            let orphans = format!(
                "SELECT count(*) FROM {quoted} WHERE event_id NOT IN (SELECT event_id FROM events)"
            );
            let orphans = self.count(&orphans, [])?;
            self.expect(
                orphans == 0,
                format_args!("{orphans} rows of table {table} have no event"),
            );
            tables.push(TableCount {
                rows: self.count(&format!("SELECT count(*) FROM {quoted}"), [])?,
                dead: self.dead_letters(&format!("table {table}"))?,
                table,
            });
        }
        Ok(tables)
    }

    fn sinks(&mut self) -> rusqlite::Result<Vec<SinkCount>> {
        let mut query = self.conn.prepare(
            "SELECT name, cursor, delivered, left_out, dead, paused, cursor - began,
                 (SELECT count(*) FROM _logeater_resend WHERE sink = name)
             FROM _logeater_sinks ORDER BY name",
        )?;
        let mut rows = query.query([])?;
        let mut sinks = Vec::new();
        while let Some(row) = rows.next()? {
            let (passed, resends): (i64, u64) = (row.get(6)?, row.get(7)?);
            let mut sink = SinkCount {
                sink: row.get(0)?,
                cursor: row.get(1)?,
                delivered: row.get(2)?,
                left_out: row.get(3)?,
                dead: row.get(4)?,
                paused: row.get(5)?,
                pending: resends,
            };
            sink.pending += self.count(
                "SELECT count(*) FROM events WHERE rowid > ?1",
                [sink.cursor],
            )?;
            self.check_sink(&sink, passed, resends)?;
            sinks.push(sink);
        }
        Ok(sinks)
    }

    fn check_sink(&mut self, sink: &SinkCount, passed: i64, resends: u64) -> rusqlite::Result<()> {
        let SinkCount {
            sink: name,
            delivered,
            left_out,
            dead,
            ..
        } = sink;
        self.expect(
            passed == (delivered + left_out + dead + resends).cast_signed(),
            format_args!(
                "sink {name} has passed {passed} events, but {delivered} were delivered, {left_out} left out, {dead} are \
                 dead letters and {resends} are sent once more"
            ),
        );
        let letters = self.dead_letters(&super::cursors::refused_by(name))?;
        self.expect(
            *dead == letters,
            format_args!(
                "sink {name} has refused {dead} events, but there are {letters} dead letters of it"
            ),
        );
        Ok(())
    }

    fn dead_letters(&self, refused_by: &str) -> rusqlite::Result<u64> {
        self.count(
            "SELECT count(*) FROM dead_letters WHERE refused_by = ?1",
            [refused_by],
        )
    }

    fn count(&self, query: &str, params: impl rusqlite::Params) -> rusqlite::Result<u64> {
        self.conn.query_one(query, params, |row| row.get(0))
    }

    fn expect(&mut self, is_so: bool, difference: fmt::Arguments<'_>) {
        if !is_so {
            self.differences.push(difference.to_string());
        }
    }
}

/// Says whether the pages of the file hang together, which only a look at each of them tells.
fn check_file(conn: &Connection, differences: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut check = conn.prepare(&format!("PRAGMA quick_check({FLAWS_MAX})"))?;
    let mut flaws = check.query([])?;
    while let Some(flaw) = flaws.next()? {
        let flaw: String = flaw.get(0)?;
        if flaw != "ok" {
            differences.push(format!("the file is damaged: {flaw}"));
        }
    }
    Ok(())
}

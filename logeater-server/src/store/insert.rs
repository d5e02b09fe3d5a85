//! The rows of one transaction: which statement each takes, and what is bound to it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use rusqlite::types::Null;
use rusqlite::{CachedStatement, Connection};

use super::clock::{self, day};
use super::sql;
use super::text::Text;
use crate::batch::{Batch, Extended, KeptCell, Row, Span};
use crate::plan::TypePlan;
use crate::stats::Counts;
use crate::time::MomentText;

/// When the last events were stored, as far as it is written down: once in a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// The second of the last mark.
    second: Vec<u8>,
}

/// The statements of one transaction, whose moment and day all its rows share.
pub(super) struct Inserts<'c> {
    conn: &'c Connection,
    event: CachedStatement<'c>,
    /// By the address of their SQL, which the plan of a batch in the transaction keeps where it is.
    extended: HashMap<usize, CachedStatement<'c>>,
    now: MomentText,
    began: i64,
    sequence: i64,
}

impl<'c> Inserts<'c> {
    /// Begins after the event that has `sequence`.
    pub(super) fn new(conn: &'c Connection, sequence: i64) -> rusqlite::Result<Self> {
        let now = clock::now()?;
        let mut event = conn.prepare_cached(sql::INSERT_EVENT)?;
        event.raw_bind_parameter(2, Text(day(&now)))?;
        // Somebody else may have inserted a row by hand.
        let last: i64 = conn
            .prepare_cached("SELECT coalesce(max(rowid), 0) FROM events")?
            .query_one([], |row| row.get(0))?;
        let began = sequence.max(last);
        Ok(Self {
            conn,
            event,
            extended: HashMap::new(),
            now,
            began,
            sequence: began,
        })
    }

    /// Inserts the rows of one request.
    pub(super) fn batch(&mut self, batch: &Batch) -> rusqlite::Result<Counts> {
        let mut counts = Counts::default();
        for row in &batch.rows {
            if !self.insert_event(batch, row)? {
                counts.repeated += 1;
                continue;
            }
            counts.stored += 1;
            match &row.extended {
                Extended::None => {}
                Extended::Row { place, cells } => {
                    self.insert_extended(batch, row, *place, cells)?;
                }
                Extended::DeadLetter { place, reason } => {
                    counts.dead_letters += 1;
                    self.insert_dead_letter(batch, row, *place, reason)?;
                }
            }
        }
        Ok(counts)
    }

    /// Writes down how far the sequence has come, so that no number is given twice, and what became of the other entries;
    /// returns the sequence, and the marks once this is committed.
    ///
    /// `refused` are entries that came alone and were refused.
    pub(super) fn finish(
        self,
        marks: &Marks,
        counts: &[Counts],
        refused: u64,
    ) -> rusqlite::Result<(i64, Marks)> {
        let mut add = self.conn.prepare_cached(sql::ADD_TO_COUNT)?;
        let repeated = counts.iter().map(|counts| counts.repeated).sum::<u64>();
        let refused = refused + counts.iter().map(|counts| counts.refused).sum::<u64>();
        for (key, count) in [("repeated", repeated), ("refused", refused)] {
            if count > 0 {
                add.execute((key, count))?;
            }
        }
        if self.sequence == self.began {
            return Ok((self.sequence, marks.clone()));
        }
        let mut mark = self
            .conn
            .prepare_cached("UPDATE _logeater SET value = ?1 WHERE key = 'sequence'")?;
        mark.execute([self.sequence])?;
        // A clock that was set back is a new second as well.
        if clock::second(&self.now) != marks.second {
            self.conn
                .prepare_cached(sql::INSERT_MARK)?
                .execute((self.began, Text(&self.now)))?;
        }
        let second = clock::second(&self.now).to_vec();
        Ok((self.sequence, Marks { second }))
    }

    /// Returns whether the event is new.
    fn insert_event(&mut self, batch: &Batch, row: &Row) -> rusqlite::Result<bool> {
        let text = |span: Span| Text(batch.bytes(span));
        self.event.raw_bind_parameter(1, self.sequence + 1)?;
        self.event.raw_bind_parameter(3, Text(&row.event_id))?;
        self.event.raw_bind_parameter(4, Text(&row.timestamp))?;
        self.event.raw_bind_parameter(5, text(row.service))?;
        self.event.raw_bind_parameter(6, text(row.event_type))?;
        self.event.raw_bind_parameter(7, row.user_id.map(text))?;
        self.event.raw_bind_parameter(8, row.details.map(text))?;
        let is_new = self.event.raw_execute()? == 1;
        self.sequence += i64::from(is_new);
        Ok(is_new)
    }

    fn insert_extended(
        &mut self,
        batch: &Batch,
        row: &Row,
        place: usize,
        cells: &Range<usize>,
    ) -> rusqlite::Result<()> {
        let Some(event_type) = batch.plan.get(place) else {
            return Ok(());
        };
        let cells = batch.cells(cells);
        let insert = self.statement(insert_sql(event_type, cells.len()))?;
        insert.raw_bind_parameter(1, Text(&row.event_id))?;
        for (place, cell) in (3..).zip(cells) {
            bind(insert, place, batch, *cell)?;
        }
        insert.raw_execute().map(drop)
    }

    /// The statement for this SQL, with its second parameter, the day, bound.
    fn statement(&mut self, sql: &str) -> rusqlite::Result<&mut CachedStatement<'c>> {
        match self.extended.entry(sql.as_ptr().addr()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(vacant) => {
                let mut statement = self.conn.prepare_cached(sql)?;
                statement.raw_bind_parameter(2, Text(day(&self.now)))?;
                Ok(vacant.insert(statement))
            }
        }
    }

    fn insert_dead_letter(
        &mut self,
        batch: &Batch,
        row: &Row,
        place: usize,
        reason: &str,
    ) -> rusqlite::Result<()> {
        let table = batch
            .plan
            .get(place)
            .map_or("", |event_type| &event_type.table);
        self.conn
            .prepare_cached(sql::INSERT_DEAD_LETTER)?
            .execute((
                Text(&row.event_id),
                Text(day(&self.now)),
                Text(&self.now),
                format!("table {table}"),
                reason,
                Text(batch.bytes(row.event_type)),
                row.details.map(|details| Text(batch.bytes(details))),
            ))?;
        Ok(())
    }
}

/// Inserts one extended row of an event that is there, with this id and this day.
pub(super) fn extended_row(
    conn: &Connection,
    event_type: &TypePlan,
    (event_id, cluster_key): (&str, &str),
    batch: &Batch,
    cells: &Range<usize>,
) -> rusqlite::Result<()> {
    let cells = batch.cells(cells);
    let mut insert = conn.prepare_cached(insert_sql(event_type, cells.len()))?;
    insert.raw_bind_parameter(1, event_id)?;
    insert.raw_bind_parameter(2, cluster_key)?;
    for (place, cell) in (3..).zip(cells) {
        bind(&mut insert, place, batch, *cell)?;
    }
    insert.raw_execute().map(drop)
}

/// The statement that has a place for each of so many cells.
fn insert_sql(event_type: &TypePlan, cells: usize) -> &str {
    if cells == event_type.columns.own() {
        &event_type.insert_own
    } else {
        &event_type.insert_all
    }
}

fn bind(
    insert: &mut CachedStatement<'_>,
    place: usize,
    batch: &Batch,
    cell: KeptCell,
) -> rusqlite::Result<()> {
    match cell {
        KeptCell::Null => insert.raw_bind_parameter(place, Null),
        KeptCell::Integer(value) => insert.raw_bind_parameter(place, value),
        KeptCell::Real(value) => insert.raw_bind_parameter(place, value),
        KeptCell::Text(span) => insert.raw_bind_parameter(place, Text(batch.bytes(span))),
        KeptCell::Blob(span) => insert.raw_bind_parameter(place, batch.bytes(span)),
    }
}

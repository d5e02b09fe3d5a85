//! Which rows have their end of events that have others which have not: they are not sent again, since BigQuery forgets
//! an `insertId` within minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many rows are remembered at most of events that are to be given again.
const ROWS_MAX: usize = 4_000_000;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stored,
    /// BigQuery does not take it, and says why.
    Refused(String),
    /// Nobody knows.
    Doubtful,
}

/// The ends of rows, by table and by the sequence of their event.
#[derive(Debug, Default)]
pub(super) struct Partly(Mutex<HashMap<String, BTreeMap<i64, End>>>);

impl Partly {
    pub(super) fn end(&self, table: &str, sequence: i64) -> Option<End> {
        self.tables().get(table)?.get(&sequence).cloned()
    }

    /// Rows have this end, as far as anybody knows: the delivery may be given up any time.
    pub(super) fn remember(
        &self,
        table: &str,
        sequences: impl IntoIterator<Item = i64>,
        end: &End,
    ) {
        let ends = sequences
            .into_iter()
            .map(|sequence| (sequence, end.clone()));
        let mut tables = self.tables();
        match tables.get_mut(table) {
            Some(rows) => rows.extend(ends),
            None => _ = tables.insert(table.to_owned(), ends.collect()),
        }
    }

    /// Nobody knows whether these rows are in, unless somebody does.
    pub(super) fn doubt(&self, table: &str, sequences: impl Iterator<Item = i64>) {
        let mut tables = self.tables();
        let rows = tables.entry(table.to_owned()).or_default();
        for sequence in sequences {
            rows.entry(sequence).or_insert(End::Doubtful);
        }
    }

    /// These rows are not in, as far as nobody knows better.
    pub(super) fn doubt_no_more(&self, table: &str, sequences: impl Iterator<Item = i64>) {
        let mut tables = self.tables();
        let Some(rows) = tables.get_mut(table) else {
            return;
        };
        for sequence in sequences {
            if rows.get(&sequence) == Some(&End::Doubtful) {
                rows.remove(&sequence);
            }
        }
    }

    /// These events are not given again.
    pub(super) fn forget(&self, sequences: impl Iterator<Item = i64>) {
        let mut tables = self.tables();
        for sequence in sequences {
            for rows in tables.values_mut() {
                rows.remove(&sequence);
            }
        }
        // What a rule leaves out is not given again. Rows that come twice are better than no end of them here.
        if tables.values().map(BTreeMap::len).sum::<usize>() > ROWS_MAX {
            for rows in tables.values_mut() {
                if let Some(middle) = rows.keys().nth(rows.len() / 2).copied() {
                    *rows = rows.split_off(&middle);
                }
            }
        }
    }

    /// Nobody knows of any row.
    pub(super) fn clear(&self) {
        self.tables().clear();
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<i64, End>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Which rows are in of events that have others which are not: they are not sent again, since BigQuery forgets an
//! `insertId` within minutes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many rows are remembered at most of events that are to be given again.
const ROWS_MAX: usize = 1_000_000;

/// Rows that are in, by table and by the sequence of their event.
#[derive(Debug, Default)]
pub(super) struct Partly(Mutex<HashMap<String, BTreeSet<i64>>>);

impl Partly {
    pub(super) fn has(&self, table: &str, sequence: i64) -> bool {
        let tables = self.tables();
        tables
            .get(table)
            .is_some_and(|rows| rows.contains(&sequence))
    }

    /// Rows of these events are in, as far as anybody knows: the delivery may be given up any time.
    pub(super) fn remember(&self, table: &str, sequences: impl Iterator<Item = i64>) {
        let mut tables = self.tables();
        match tables.get_mut(table) {
            Some(rows) => rows.extend(sequences),
            None => _ = tables.insert(table.to_owned(), sequences.collect()),
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
        if tables.values().map(BTreeSet::len).sum::<usize>() > ROWS_MAX {
            for rows in tables.values_mut() {
                if let Some(&middle) = rows.iter().nth(rows.len() / 2) {
                    *rows = rows.split_off(&middle);
                }
            }
        }
    }

    /// Nobody knows of any row.
    pub(super) fn clear(&self) {
        self.tables().clear();
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<String, BTreeSet<i64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

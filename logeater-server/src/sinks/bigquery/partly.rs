//! Which rows are in of events that have others which are not: they are not sent again, since BigQuery forgets an
//! `insertId` within minutes.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::StoredEvent;

/// How many rows are remembered at most.
const ROWS_MAX: usize = 100_000;

/// Rows that are in, by the sequence of their event and by table.
#[derive(Debug, Default)]
pub(super) struct Partly(Mutex<HashSet<(i64, String)>>);

impl Partly {
    pub(super) fn has(&self, sequence: i64, table: &str) -> bool {
        let rows = self.rows();
        !rows.is_empty() && rows.contains(&(sequence, table.to_owned()))
    }

    /// These rows are in, by the place of their event. Only those of events that are given again are remembered.
    pub(super) fn settle(
        &self,
        events: &[StoredEvent],
        stored: &[(usize, &str)],
        is_again: impl Fn(usize) -> bool,
    ) {
        let mut rows = self.rows();
        if !rows.is_empty() {
            let ended = events
                .iter()
                .enumerate()
                .filter(|(place, _)| !is_again(*place));
            let ended: HashSet<_> = ended.map(|(_, event)| event.sequence).collect();
            rows.retain(|(sequence, _)| !ended.contains(sequence));
        }
        for (place, table) in stored.iter().filter(|(place, _)| is_again(*place)) {
            if let Some(event) = events.get(*place) {
                rows.insert((event.sequence, (*table).to_owned()));
            }
        }
        // What a rule leaves out is not given again. Rows that come twice are better than no end of them here.
        if rows.len() > ROWS_MAX {
            rows.clear();
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashSet<(i64, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

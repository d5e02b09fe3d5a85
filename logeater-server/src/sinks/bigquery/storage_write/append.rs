//! One request of rows, and what its answer says of each.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::messages::RowError;
use crate::sinks::bigquery::requests::{self, Limits, Outcome, Said};

/// A request may have 10 MB. <https://cloud.google.com/bigquery/quotas#write-api-limits>
pub(super) const LIMITS: Limits = Limits {
    rows: 50_000,
    bytes: 9_000_000,
};

/// What stands around a row in its request, at most.
const ROW_OVERHEAD: usize = 6;

/// How much of a request each row takes.
pub(super) fn sizes(rows: &[Bytes]) -> impl ExactSizeIterator<Item = usize> {
    rows.iter().map(|row| row.len() + ROW_OVERHEAD)
}

/// The rows in these places.
pub(super) fn rows_at(rows: &[Bytes], places: &[usize]) -> Vec<Bytes> {
    let rows = places.iter().filter_map(|&place| rows.get(place).cloned());
    rows.collect()
}

/// What an answer with these errors says of the rows of a request: with one, none of them was appended.
pub(super) fn judge(errors: Vec<RowError>, rows: usize) -> Said {
    if errors.is_empty() {
        return vec![Some(Outcome::Stored); rows];
    }
    let mut refused = BTreeMap::new();
    for RowError { index, message } in errors {
        match usize::try_from(index) {
            Ok(place) if place < rows => drop(refused.insert(place, message)),
            _ => return requests::out_of_place(index, rows),
        }
    }
    let said = |place| {
        let message = refused.remove(&place)?;
        Some(Outcome::Refused(format!("BigQuery: {message}")))
    };
    (0..rows).map(said).collect()
}

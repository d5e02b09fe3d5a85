//! How long rows have waited for columns that their table does not know. Those who write hear of a new column within
//! minutes.
//!
//! <https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery#template-tables>

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The columns that were not known, by table and by BigQuery's words.
#[derive(Debug)]
pub(super) struct Unknown {
    wait: Duration,
    waits: Mutex<HashMap<(String, String), Wait>>,
}

#[derive(Debug)]
struct Wait {
    since: Instant,
    last: Instant,
}

impl Unknown {
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            wait,
            waits: Mutex::default(),
        }
    }

    /// Whether a row that lacks a column has waited long enough.
    pub(super) fn is_for_good(&self, table: &str, words: &str) -> bool {
        let now = Instant::now();
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody has asked for since is another story.
        waits.retain(|_, wait| now - wait.last <= self.wait.max(Duration::from_mins(2)));
        let wait = waits
            .entry((table.to_owned(), words.to_owned()))
            .or_insert(Wait {
                since: now,
                last: now,
            });
        wait.last = now;
        now - wait.since >= self.wait
    }
}

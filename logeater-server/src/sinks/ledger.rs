//! What is to be written down of a sink: how far it is, and what became of the events. One record is on its way at a
//! time; what ends meanwhile goes with the next, so that a slow disk does not hold deliveries up.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::window::Passed;
use super::worker::Ended;
use crate::store::cursors::{self, Progress};
use crate::store::{Queue, Refusal};

/// The pause after the store could not be written.
const PAUSE: Duration = Duration::from_secs(1);

/// How many batches may wait to be written down, until no more are delivered.
const BATCHES_MAX: usize = 16;

/// The progress of one sink.
#[derive(Debug)]
pub(super) struct Ledger {
    sink: Arc<str>,
    queue: Queue,
    waiting: Progress,
    batches: usize,
    records: JoinSet<Recorded>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// It is safe. Whether something of it had been sent once more.
    Safe { resent: bool },
    /// Somebody has moved the cursor since, and nothing of it counts.
    Moved,
    /// The store is closed.
    Closed,
}

impl Ledger {
    pub(super) fn new(sink: Arc<str>, queue: Queue) -> Self {
        Self {
            sink,
            queue,
            waiting: Progress::default(),
            batches: 0,
            records: JoinSet::new(),
        }
    }

    /// Batches have ended.
    pub(super) fn advance(&mut self, passed: Passed) {
        self.waiting.cursor = Some(passed.cursor);
        self.waiting.read += passed.read;
        self.add(passed.ended);
    }

    /// What was sent once more has ended; so many of these are gone.
    pub(super) fn resent(&mut self, resent: Vec<i64>, gone: u64, ended: Ended) {
        self.waiting.resent.extend(resent);
        self.waiting.gone += gone;
        self.add(ended);
    }

    fn add(&mut self, ended: Ended) {
        self.waiting.delivered += ended.delivered;
        self.waiting.left_out += ended.left_out;
        self.waiting.dead.extend(ended.dead);
        self.batches += 1;
    }

    /// Whether so much waits that nothing more should be delivered.
    pub(super) fn is_full(&self) -> bool {
        self.batches >= BATCHES_MAX
    }

    /// Begins to write down what waits, unless a record is on its way.
    pub(super) fn write(&mut self, generation: i64) {
        if self.batches == 0 || !self.records.is_empty() {
            return;
        }
        self.batches = 0;
        let progress = Arc::new(std::mem::take(&mut self.waiting));
        let (sink, queue) = (Arc::clone(&self.sink), self.queue.clone());
        self.records
            .spawn(record(sink, queue, generation, progress));
    }

    /// Waits for the record that is on its way; nothing if there is none.
    pub(super) async fn written(&mut self) -> Option<Recorded> {
        let recorded = self.records.join_next().await?;
        // A record neither panics nor is it aborted, but with the collector.
        Some(recorded.unwrap_or(Recorded::Closed))
    }

    /// Writes down all that waits.
    pub(super) async fn settle(&mut self, generation: i64) {
        self.write(generation);
        while let Some(Recorded::Safe { .. }) = self.written().await {
            self.write(generation);
        }
    }

    /// Forgets what waits: it is delivered again.
    pub(super) fn clear(&mut self) {
        (self.waiting, self.batches) = (Progress::default(), 0);
        self.records.abort_all();
    }
}

/// Writes progress down, as often as that takes: what is delivered must not be forgotten for a full disk.
async fn record(
    sink: Arc<str>,
    queue: Queue,
    generation: i64,
    progress: Arc<Progress>,
) -> Recorded {
    let resent = !progress.resent.is_empty();
    loop {
        let (name, progress) = (Arc::clone(&sink), Arc::clone(&progress));
        let record = move |conn: &_| cursors::record(conn, &name, generation, &progress);
        match queue.change(record).await {
            Ok(true) => return Recorded::Safe { resent },
            Ok(false) => return Recorded::Moved,
            Err(Refusal::Closed) => return Recorded::Closed,
            Err(refusal) => {
                tracing::error!(sink = &*sink, "the cursor stays where it is: {refusal}");
                sleep(PAUSE).await;
            }
        }
    }
}

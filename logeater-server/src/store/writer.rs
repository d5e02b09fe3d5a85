//! The one thread that writes: what has queued becomes one transaction, synced before anyone is answered.
//!
//! There is no timer. While one transaction is written and synced the next one queues, so that the groups
//! are as large as the load wants them.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::insert::Inserts;
use super::queue::{Job, Message, Refusal};
use crate::stats::{Counts, Stats};

/// A transaction takes no further request once it has this many rows.
const COMMIT_ROWS_MAX: usize = 16_384;

/// A transaction takes no further request once it has this many bytes: 16 MiB.
const COMMIT_BYTES_MAX: usize = 16 << 20;

/// What the writer thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    sequence: i64,
    stats: Arc<Stats>,
}

impl Writer {
    /// Writes through `conn`, whose last event has `sequence`.
    pub(super) fn new(conn: Connection, sequence: i64, stats: Arc<Stats>) -> Self {
        Self {
            conn,
            sequence,
            stats,
        }
    }

    /// Stores jobs until it is told to close or all senders are gone, then closes the store.
    pub(super) fn run(mut self, messages: &Receiver<Message>) -> rusqlite::Result<()> {
        let mut closing = false;
        while !closing {
            let group;
            (group, closing) = next_group(messages);
            if !group.is_empty() {
                self.store(group);
            }
        }
        self.close()
    }

    /// Stores a group and answers each of its jobs.
    fn store(&mut self, group: Vec<Job>) {
        match self.commit(&group) {
            Ok(counts) => group
                .into_iter()
                .zip(counts)
                .for_each(|(job, counts)| self.answer(job, Ok(counts))),
            Err(error) if group.len() > 1 && is_of_one_request(&error) => {
                self.store_singly(group);
            }
            Err(error) => {
                let refusal = refusal(&error);
                tracing::error!("{} requests are not stored: {error}", group.len());
                for job in group {
                    self.answer(job, Err(refusal.clone()));
                }
            }
        }
    }

    /// One request that cannot be stored must not take its neighbours with it.
    fn store_singly(&mut self, group: Vec<Job>) {
        for job in group {
            self.store(vec![job]);
        }
    }

    /// Writes a group in one transaction. When this returns counts, the rows are synced.
    fn commit(&mut self, group: &[Job]) -> rusqlite::Result<Vec<Counts>> {
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut inserts = Inserts::new(&transaction, self.sequence)?;
        let counts = group
            .iter()
            .map(|job| inserts.batch(&job.batch))
            .collect::<rusqlite::Result<_>>()?;
        let sequence = inserts.finish()?;
        transaction.commit()?;
        self.sequence = sequence;
        Ok(counts)
    }

    fn answer(&self, job: Job, mut stored: Result<Counts, Refusal>) {
        if let Ok(counts) = &mut stored {
            counts.refused = job.refused;
            self.stats.add(counts);
            self.say_dead_letters(counts.dead_letters);
        }
        // A client that has gone away is not answered.
        let _ = job.done.send(stored);
    }

    /// Says that details do not fit, often enough to be seen and seldom enough not to be in the way: at each power
    /// of two.
    fn say_dead_letters(&self, added: u64) {
        let total = self.stats.counts().dead_letters;
        if added > 0 && total.checked_ilog2() != (total - added).checked_ilog2() {
            tracing::warn!(
                "{total} events so far have details that do not fit their table: is the catalog older than the \
                 sender's? The table dead_letters has the reasons"
            );
        }
    }

    fn close(self) -> rusqlite::Result<()> {
        self.conn.flush_prepared_statement_cache();
        self.conn
            .query_one("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.conn.close().map_err(|(_, error)| error)
    }
}

/// Waits for a job and takes all that have queued behind it; true if the writer is to end.
fn next_group(messages: &Receiver<Message>) -> (Vec<Job>, bool) {
    let mut group: Vec<Job> = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    let mut message = messages.recv().ok();
    loop {
        match message {
            Some(Message::Store(job)) => {
                rows += job.batch.rows.len();
                bytes += job.room.bytes();
                group.push(job);
            }
            Some(Message::Close) | None => return (group, true),
        }
        if rows >= COMMIT_ROWS_MAX || bytes >= COMMIT_BYTES_MAX {
            return (group, false);
        }
        match messages.try_recv() {
            Ok(next) => message = Some(next),
            // If it is for good that there are no more, the next call finds out.
            Err(_) => return (group, false),
        }
    }
}

/// Whether an error comes from what was stored, and not from the file or the disk.
fn is_of_one_request(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    // SQLite's plain error, such as a table that someone has dropped, is rusqlite's `Unknown`.
    matches!(
        code,
        Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TooBig)
    )
}

fn refusal(error: &rusqlite::Error) -> Refusal {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Refusal::DiskFull,
        _ => Refusal::Failed(error.to_string()),
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;

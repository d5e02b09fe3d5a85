//! The one thread that writes: what has queued becomes one transaction, synced before anyone is answered.
//!
//! There is no timer. While one transaction is written and synced the next one queues, so that the groups
//! are as large as the load wants them.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;

use super::change::Work;
use super::failure;
use super::insert::{Inserts, Marks};
use super::queue::{Message, Push, Refusal};
use crate::stats::{Counts, Stats};

/// A transaction takes no further request once it has this many rows.
const COMMIT_ROWS_MAX: usize = 16_384;

/// A transaction takes no further request once it has this many bytes: 16 MiB.
const COMMIT_BYTES_MAX: usize = 16 << 20;

/// What the writer thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    marks: Marks,
    /// The sequence of the last event that is safe.
    stored: watch::Sender<i64>,
    stats: Arc<Stats>,
}

/// What is done in a transaction for one of those who wait.
#[derive(Debug)]
enum Job {
    Push(Push),
    Change(Box<dyn Work>),
}

/// What comes behind a group.
enum Then {
    GoOn,
    Upkeep(Box<dyn Work>),
    Close,
}

impl Writer {
    /// Writes through `conn`, whose last event has the sequence that `stored` says, and says there what is stored then.
    pub(super) fn new(conn: Connection, stored: watch::Sender<i64>, stats: Arc<Stats>) -> Self {
        Self {
            conn,
            marks: Marks::default(),
            stored,
            stats,
        }
    }

    /// Does jobs until it is told to close or all senders are gone, then closes the store.
    pub(super) fn run(mut self, mut messages: Receiver<Message>) -> rusqlite::Result<()> {
        loop {
            let (group, then) = next_group(&mut messages);
            if !group.is_empty() {
                self.work(group);
            }
            match then {
                Then::GoOn => {}
                Then::Upkeep(mut upkeep) => {
                    let done = upkeep.apply(&self.conn).map_err(|error| refusal(&error));
                    upkeep.end(done);
                }
                Then::Close => return self.close(),
            }
        }
    }

    /// Does a group of jobs and answers each.
    fn work(&mut self, mut group: Vec<Job>) {
        match self.commit(&mut group) {
            Ok(counts) => group
                .into_iter()
                .zip(counts)
                .for_each(|(job, counts)| self.answer(job, Ok(counts))),
            Err(error) if group.len() > 1 && failure::is_of_one_job(&error) => {
                self.work_singly(group);
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

    /// One job that cannot be done must not take its neighbours with it.
    fn work_singly(&mut self, group: Vec<Job>) {
        for job in group {
            self.work(vec![job]);
        }
    }

    /// Does a group in one transaction. When this returns, all of it is synced; the counts are those of each job.
    fn commit(&mut self, group: &mut [Job]) -> rusqlite::Result<Vec<Counts>> {
        let since = Instant::now();
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut inserts = Inserts::new(&transaction, *self.stored.borrow())?;
        let mut all = Vec::with_capacity(group.len());
        for job in group {
            all.push(match job {
                Job::Push(push) => Counts {
                    refused: push.refused,
                    ..inserts.batch(&push.batch)?
                },
                Job::Change(change) => {
                    change.apply(&transaction)?;
                    Counts::default()
                }
            });
        }
        let refused = self.stats.unrecorded();
        let (sequence, marks) = inserts.finish(&self.marks, &all, refused)?;
        transaction.commit()?;
        self.stats.recorded(refused);
        self.stats.committed(since.elapsed());
        self.marks = marks;
        self.stored.send_if_modified(|stored| {
            let is_new = *stored != sequence;
            *stored = sequence;
            is_new
        });
        Ok(all)
    }

    fn answer(&self, job: Job, result: Result<Counts, Refusal>) {
        match job {
            Job::Push(push) => {
                if let Ok(counts) = &result {
                    self.stats.add(counts);
                    self.say_dead_letters(counts.dead_letters);
                }
                let Push { done, room, .. } = push;
                // Whoever is answered finds the room that it gives back.
                drop(room);
                // A client that has gone away is not answered.
                let _ = done.send(result);
            }
            Job::Change(change) => change.end(result.map(drop)),
        }
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

    fn close(mut self) -> rusqlite::Result<()> {
        if self.stats.unrecorded() > 0 {
            self.commit(&mut [])?;
        }
        self.conn.flush_prepared_statement_cache();
        self.conn
            .query_one("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.conn.close().map_err(|(_, error)| error)
    }
}

/// Waits for a job and takes all that have queued behind it, up to one that is not for a transaction.
fn next_group(messages: &mut Receiver<Message>) -> (Vec<Job>, Then) {
    let mut group = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    let mut message = messages.blocking_recv();
    loop {
        match message {
            Some(Message::Store(push)) => {
                rows += push.batch.rows.len();
                bytes += push.room.bytes();
                group.push(Job::Push(push));
            }
            Some(Message::Change(change)) => group.push(Job::Change(change)),
            Some(Message::Upkeep(upkeep)) => return (group, Then::Upkeep(upkeep)),
            Some(Message::Close) | None => return (group, Then::Close),
        }
        if rows >= COMMIT_ROWS_MAX || bytes >= COMMIT_BYTES_MAX {
            return (group, Then::GoOn);
        }
        match messages.try_recv() {
            Ok(next) => message = Some(next),
            // If it is for good that there are no more, the next call finds out.
            Err(_) => return (group, Then::GoOn),
        }
    }
}

fn refusal(error: &rusqlite::Error) -> Refusal {
    if failure::is_full(error) {
        Refusal::DiskFull
    } else {
        Refusal::Failed(error.to_string())
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;

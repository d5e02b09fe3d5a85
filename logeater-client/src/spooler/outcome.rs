//! What comes of the spool's jobs, for the batches and for the log.

use tokio::task::JoinError;
use tracing::{info, warn};

use super::{Phase, Spooler};
use crate::clock;
use crate::log::Log;
use crate::loss::LossReason;
use crate::segment::Batch;
use crate::shared::Lost;
use crate::spool::{Adopted, DiskError, SetAside, Spool, TakeError, Taken, Ticket, WriteError};

/// The spool, unless it was closed, and what came of the job.
pub(crate) type Finished = (Option<Spool>, Outcome);

/// What came of a job.
pub(crate) enum Outcome {
    Adopted(Adopted),
    Written {
        file: Result<Ticket, WriteError>,
        /// What is to be said of older files that gave way.
        lost: Option<Lost>,
    },
    Taken(Result<Option<Taken>, TakeError>),
    Removed(Result<(), DiskError>),
    Closed(Result<(), DiskError>),
}

impl Spooler {
    /// Sees to what came of a job.
    pub(crate) fn finish(&mut self, finished: Result<Finished, JoinError>, log: &mut Log) {
        self.health.end_job();
        let (spool, outcome) = match finished {
            Ok(finished) => finished,
            Err(error) => return self.end(&error, log),
        };
        if let Some(spool) = &spool {
            self.note_next(spool);
        }
        self.spool = spool;
        match outcome {
            Outcome::Adopted(adopted) => self.adopted(&adopted, log),
            Outcome::Written { file, lost } => {
                say(lost, log);
                self.written(file, log);
            }
            Outcome::Taken(taken) => self.taken(taken, log),
            Outcome::Removed(Ok(())) => self.health.make_room(),
            Outcome::Removed(Err(error)) => self.fails(&error, log),
            Outcome::Closed(closed) => {
                self.phase = Phase::Closed;
                if let Err(error) = closed {
                    log.say(|| warn!(%error, "the spool's folder is left behind"));
                }
            }
        }
    }

    /// Goes on without the spool, which a panic has taken.
    fn end(&mut self, error: &JoinError, log: &mut Log) {
        log.say(|| warn!(%error, "the spool has ended"));
        self.phase = Phase::Closed;
        self.next_bytes = None;
        self.read_back(None);
        let next_overdue = || self.shared.queue().take_waiting(|batch| batch.is_overdue);
        let overdue = std::iter::from_fn(next_overdue).collect::<Vec<_>>();
        for batch in self.writing.take().into_iter().chain(overdue) {
            self.not_written(batch, LossReason::SpoolFailed, log);
        }
    }

    fn adopted(&mut self, adopted: &Adopted, log: &mut Log) {
        if self.phase == Phase::Adopting {
            self.phase = Phase::Running;
        }
        let Adopted {
            batches,
            events,
            set_aside,
            errors,
        } = adopted;
        self.shared.queue().recover(*events);
        if *batches > 0 {
            log.say(|| info!(batches, events, "taken over from processes that have ended"));
        }
        for SetAside { path, flaw } in set_aside {
            let path = path.display();
            log.say(|| warn!(%path, %flaw, "a file in the spool was set aside"));
        }
        for error in errors {
            log.say(|| warn!(%error, "a part of the spool is left for the next start"));
        }
    }

    fn written(&mut self, file: Result<Ticket, WriteError>, log: &mut Log) {
        let batch = self.writing.take();
        let reason = match file {
            Ok(file) => {
                self.health.make_room();
                self.works(log);
                return self.keep(batch, file);
            }
            Err(WriteError::Full) => {
                if self.health.fill() {
                    log.say(|| warn!("the spool is full; events stay in memory"));
                }
                LossReason::SpoolFull
            }
            Err(WriteError::Disk(error)) => {
                self.fails(&error, log);
                // There may be time to send, and to try again.
                self.stop_saving();
                LossReason::SpoolFailed
            }
        };
        if let Some(batch) = batch {
            self.not_written(batch, reason, log);
        }
    }

    /// A batch is on disk: it waits there, and in memory as well if it is to be sent at once. The file of one that was
    /// given back meanwhile is removed.
    fn keep(&self, batch: Option<Batch>, file: Ticket) {
        let mut queue = self.shared.queue();
        let Some(mut batch) = batch else {
            return queue.disown(file);
        };
        queue.written(&mut batch, file);
        if self.is_first && !self.is_saving() && !batch.is_overdue {
            return queue.put_back(batch);
        }
        queue.release(&mut batch);
        drop(queue);
        self.shared.let_go(batch);
    }

    /// A batch is not on disk: it stays in memory, unless it can do so no longer.
    fn not_written(&self, mut batch: Batch, reason: LossReason, log: &mut Log) {
        let mut queue = self.shared.queue();
        if batch.file.is_some() {
            // It is, as a part of another.
            queue.count_as_spooled(&mut batch);
            return queue.put_back(batch);
        }
        if !self.is_saving() && !batch.is_overdue {
            return queue.put_back(batch);
        }
        drop(queue);
        say(self.shared.lose_batch(batch, reason), log);
    }

    fn taken(&mut self, taken: Result<Option<Taken>, TakeError>, log: &mut Log) {
        match taken {
            Ok(taken) => {
                self.works(log);
                return self.read_back(taken);
            }
            Err(TakeError::SetAside { events, file }) => {
                let SetAside { path, flaw } = file;
                let path = path.display();
                log.say(|| warn!(%path, %flaw, "a file in the spool was set aside"));
                self.lose_file(events, log);
            }
            Err(TakeError::Gone { events, path }) => {
                let path = path.display();
                log.say(|| warn!(%path, "somebody else has removed a file of the spool"));
                self.lose_file(events, log);
            }
            Err(TakeError::Postponed(error)) => self.fails(&error, log),
        }
        self.read_back(None);
    }

    fn read_back(&mut self, taken: Option<Taken>) {
        if let Some(reserved) = self.reading.take() {
            self.shared.queue().read_back(reserved, taken);
        }
    }

    /// Loses what was on disk, and is no longer: there is room for more.
    fn lose_file(&mut self, events: u32, log: &mut Log) {
        self.health.make_room();
        let line = self.shared.lose_file(events, &[], LossReason::SpoolFailed);
        say(line, log);
    }

    fn fails(&mut self, error: &DiskError, log: &mut Log) {
        if self.health.fail(clock::now(), fastrand::f64()) {
            log.say(|| warn!(%error, "the spool fails; trying again"));
        }
    }

    fn works(&mut self, log: &mut Log) {
        if self.health.succeed() {
            log.say(|| info!("the spool works again"));
        }
    }
}

fn say(lost: Option<Lost>, log: &mut Log) {
    if let Some(lost) = lost {
        log.say(|| lost.say());
    }
}

//! The worker's way to the spool: which batches are sent, and which job its disk has next.
//!
//! One job at a time is done on a thread that may block, so that a slow disk holds up neither sends nor deadlines.

mod health;
mod outcome;

use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;

use self::health::Health;
pub(crate) use self::outcome::Finished;
use self::outcome::Outcome;
use crate::clock;
use crate::loss::LossReason;
use crate::queue::{Eligible, Files, Queue};
use crate::segment::Batch;
use crate::shared::Shared;
use crate::spool::{DiskError, Spool, Ticket};

/// How many batches are read back before it is their turn.
const READ_AHEAD: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// What dead processes have left is still to be taken over.
    Adopting,
    Running,
    /// All that waits in memory is written, and nothing is read.
    Saving,
    Closed,
}

/// A spool that no worker has yet.
#[derive(Debug)]
pub(crate) struct OpenSpool {
    pub(crate) spool: Spool,
    /// Whether batches are written before they are sent.
    pub(crate) is_first: bool,
}

/// One client's spool, and what is done with it.
pub(crate) struct Spooler {
    shared: Arc<Shared>,
    /// Whether batches are written before they are sent.
    is_first: bool,
    phase: Phase,
    /// Whether it was time to save, as it is from then on.
    has_saved: bool,
    /// Here while no job has it.
    spool: Option<Spool>,
    pub(crate) job: JoinSet<Finished>,
    health: Health,
    /// What the job writes, unless that takes too long.
    writing: Option<Batch>,
    /// The memory of what the job reads.
    reading: Option<usize>,
    /// The length of the file that is next to be read.
    next_bytes: Option<usize>,
    /// Whether the last job was to write: reading and writing take turns.
    has_written: bool,
}

/// What the worker knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    pub(crate) now: Instant,
    /// Whether some server is not known to fail.
    pub(crate) is_healthy: bool,
    /// Whether some server can be sent a batch at once.
    pub(crate) is_free: bool,
    /// Whether a batch is on its way that was read back.
    pub(crate) read_back_in_flight: bool,
}

impl Spooler {
    pub(crate) fn new(shared: Arc<Shared>, OpenSpool { spool, is_first }: OpenSpool) -> Self {
        Self {
            shared,
            is_first,
            phase: Phase::Adopting,
            has_saved: false,
            spool: Some(spool),
            job: JoinSet::new(),
            health: Health::default(),
            writing: None,
            reading: None,
            next_bytes: None,
            has_written: false,
        }
    }

    /// Has what waits in memory written from now on, and nothing read or sent, until the disk fails; says whether what
    /// is on its way is to wait as well.
    pub(crate) fn save(&mut self, now: Instant) -> bool {
        if !std::mem::replace(&mut self.has_saved, true) {
            // A pause that was begun before would take from the time.
            self.health.succeed();
        }
        if !self.is_closed() && self.health.is_usable(now) {
            self.phase = Phase::Saving;
        }
        self.is_saving() && !self.is_failing()
    }

    pub(crate) fn is_saving(&self) -> bool {
        self.phase == Phase::Saving
    }

    /// Whether there is nothing left to do, and never will be.
    pub(crate) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether the disk is why what waits is not written.
    pub(crate) fn is_failing(&self) -> bool {
        self.health.is_failing()
    }

    /// Leaves what a job writes to the queue: at the end of the worker's time, or when it takes too long.
    pub(crate) fn give_back(&mut self) {
        if let Some(batch) = self.writing.take() {
            self.shared.queue().put_back(batch);
        }
    }

    /// Has batches sent as if there were no spool, what is being written included, if the disk hangs.
    fn go_on_if_it_hangs(&mut self, now: Instant) {
        if !self.health.hangs(now) {
            return;
        }
        self.stop_saving();
        if self.writing.is_some() {
            self.give_back();
            self.shared.wake();
        }
    }

    /// Has batches sent again.
    fn stop_saving(&mut self) {
        if self.is_saving() {
            self.phase = Phase::Running;
        }
    }

    /// Which batches may be sent to a server.
    pub(crate) fn eligible(
        &self,
        queue: &Queue,
        is_failing: bool,
        situation: Situation,
    ) -> Eligible {
        let now = situation.now;
        if self.is_closed() || !self.health.is_usable(now) {
            return Eligible::All;
        }
        let has_older = self.next_bytes.is_some() || self.reading.is_some() || queue.has_released();
        if has_older && !is_failing && self.reads_on(queue, situation) {
            Eligible::ReadBack
        } else if self.is_first && self.health.takes_more(now) {
            Eligible::Written
        } else {
            Eligible::InTime
        }
    }

    /// Whether there is, or can be, a batch that was read back: otherwise the others must make room for one.
    fn reads_on(&self, queue: &Queue, situation: Situation) -> bool {
        let can_read = |bytes| queue.can_read_back(bytes);
        self.reading.is_some()
            || situation.read_back_in_flight
            || queue.read_back_waiting(|_| true) > 0
            || self.next_bytes.is_none_or(can_read)
    }

    /// When there is something to do that nobody calls for.
    pub(crate) fn wake_at(&self, queue: &Queue, now: Instant) -> Option<Instant> {
        let seal = queue.open_due().filter(|due| self.is_first && now < *due);
        seal.into_iter().chain(self.health.changes_at(now)).min()
    }

    /// Begins a job, if there is one to do.
    pub(crate) fn begin(&mut self, situation: Situation) {
        self.go_on_if_it_hangs(situation.now);
        let Some(mut spool) = self.spool.take() else {
            return;
        };
        let Files { released, ended } = self.shared.queue().take_files();
        for file in released {
            spool.put_back(file);
        }
        self.note_next(&spool);
        if !ended.is_empty() {
            self.start(spool, move |mut spool| {
                let removed = remove(&mut spool, ended);
                (Some(spool), Outcome::Removed(removed))
            });
        } else if self.phase == Phase::Adopting {
            self.start(spool, |mut spool| {
                let adopted = spool.adopt();
                (Some(spool), Outcome::Adopted(adopted))
            });
        } else {
            self.begin_transfer(spool, situation);
        }
    }

    /// Begins to write or to read, each in turn, or to close.
    fn begin_transfer(&mut self, spool: Spool, situation: Situation) {
        let bytes = self
            .next_bytes
            .filter(|bytes| self.may_read(*bytes, situation));
        let may_write = bytes.is_none() || !self.has_written;
        let batch = may_write
            .then(|| self.next_to_write(situation.now))
            .flatten();
        self.has_written = batch.is_some();
        if let Some(batch) = batch {
            self.begin_to_write(spool, batch);
        } else if let Some(bytes) = bytes {
            self.shared.queue().reserve(bytes);
            self.reading = Some(bytes);
            self.start(spool, |mut spool| {
                let taken = spool.take();
                (Some(spool), Outcome::Taken(taken))
            });
        } else if self.is_at_end(situation) {
            self.start(spool, |spool| (None, Outcome::Closed(spool.close())));
        } else {
            self.spool = Some(spool);
        }
    }

    fn begin_to_write(&mut self, spool: Spool, batch: Batch) {
        let (id, events, bytes) = (batch.first_id(), batch.events, batch.bytes.clone());
        let shared = Arc::clone(&self.shared);
        self.writing = Some(batch);
        self.start(spool, move |mut spool| {
            let mut lost = None;
            // One after the other: there may be far more of them than memory.
            let file = spool.write(id, events, &bytes, |events, batch| {
                let line = shared.lose_file(events, batch, LossReason::SpoolFull);
                lost = line.or(lost.take());
            });
            (Some(spool), Outcome::Written { file, lost })
        });
    }

    fn start(&mut self, spool: Spool, job: impl FnOnce(Spool) -> Finished + Send + 'static) {
        self.health.begin_job(clock::now());
        self.job.spawn_blocking(move || job(spool));
    }

    fn note_next(&mut self, spool: &Spool) {
        self.next_bytes = spool.next_bytes().and_then(|bytes| bytes.try_into().ok());
    }

    /// The next batch to write. Of those that are on disk already, as many leave memory as it takes.
    fn next_to_write(&self, now: Instant) -> Option<Batch> {
        while let Some(batch) = self.next_to_release() {
            self.shared.let_go(batch);
            // There is room for those who wait for it.
            self.shared.wake();
        }
        let takes_more = self.health.takes_more(now);
        let mut queue = self.shared.queue();
        if self.is_first && takes_more {
            queue.seal_due(now);
        }
        let leaves_memory = takes_more && (self.is_saving() || queue.is_crowded());
        // At the end what cannot be written is lost, so it is tried all the same.
        let needs_file = self.is_saving() || self.is_first && takes_more;
        queue.take_waiting(|batch| {
            batch.is_overdue || leaves_memory || needs_file && batch.file.is_none()
        })
    }

    fn next_to_release(&self) -> Option<Batch> {
        let mut queue = self.shared.queue();
        let must_leave = self.is_saving() || queue.is_crowded();
        must_leave.then(|| queue.release_oldest()).flatten()
    }

    /// Whether it is time to read the next batch, and there is memory for it.
    fn may_read(&self, bytes: usize, situation: Situation) -> bool {
        if self.is_saving() || self.health.is_pausing(situation.now) {
            return false;
        }
        let queue = self.shared.queue();
        let unsent = queue.read_back_waiting(|batch| batch.tries == 0);
        let waiting = queue.read_back_waiting(|_| true);
        let is_wanted = if situation.is_healthy {
            unsent < READ_AHEAD
        } else {
            unsent == 0 && waiting < READ_AHEAD
        };
        let is_next = situation.is_free && waiting == 0 && !situation.read_back_in_flight;
        is_wanted && (queue.can_read_ahead(bytes) || is_next && queue.can_read_back(bytes))
    }

    /// Whether the client is shut down, and there is nothing more that can be done for its batches.
    fn is_at_end(&self, situation: Situation) -> bool {
        let queue = self.shared.queue();
        let is_delivered = self.next_bytes.is_none()
            && !situation.read_back_in_flight
            && queue.read_back_waiting(|_| true) == 0;
        let is_stuck = self.is_saving() || self.health.is_pausing(situation.now);
        queue.is_drained() && (is_delivered || is_stuck)
    }
}

/// Removes files, as many as can be, and says what went wrong last.
fn remove(spool: &mut Spool, files: Vec<Ticket>) -> Result<(), DiskError> {
    let mut removed = Ok(());
    for file in files {
        removed = spool.remove(file).and(removed);
    }
    removed
}

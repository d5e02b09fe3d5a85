//! What waits to be sent, and the count of every event: the state that emitting threads and the worker share.
//!
//! Pure but for reading the monotonic clock once per segment, and the process's number once. Whoever holds it holds
//! it for a copy of one entry or a few moves of pointers.

mod spool;
mod waits;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logeater_proto::{ENTRY_BYTES_MAX, EVENT_ID_FIELD_BYTES, framed_len};
use tokio::sync::oneshot;

use crate::clock;
use crate::event_id::EventIds;
use crate::loss::LossReason;
use crate::segment::{Batch, Segment, Waiter};
use crate::stats::{Gauge, Stats};

pub(crate) use spool::{Eligible, Files};
pub(crate) use waits::Done;
use waits::{Flush, Phase};

/// How many used buffers are kept for the next segments.
const SPARE_MAX: usize = 4;

/// What a segment is given at least, so that it need not grow with each of its first events.
const SEGMENT_BYTES_MIN: usize = 4 << 10;

/// When a segment is sealed, and how much may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) batch_bytes: usize,
    pub(crate) batch_events: u32,
    pub(crate) linger: Duration,
    pub(crate) buffer_bytes: usize,
}

/// An event whose sender waits until there is room for it.
struct Caller {
    entry: Vec<u8>,
    now_millis: u64,
    taken: oneshot::Sender<()>,
}

/// An event whose sender need not wait any longer.
pub(crate) struct Admitted {
    pub(crate) taken: oneshot::Sender<()>,
    /// Its entry, and why it is not taken.
    pub(crate) lost: Option<(Vec<u8>, LossReason)>,
}

/// The shared state of one client.
pub(crate) struct Queue {
    limits: Limits,
    ids: EventIds,
    open: Segment,
    /// Sealed, and no batches yet, since that takes memory from the heap: it is for the worker, not for who emits.
    sealed: VecDeque<(i64, Segment)>,
    /// Oldest first, and older than all these.
    waiting: VecDeque<Batch>,
    spare: Vec<Vec<u8>>,
    /// The bytes that are allocated for all of these, and for what is in flight.
    memory: usize,
    callers: VecDeque<Caller>,
    next_number: i64,
    next_read_back: i64,
    /// The pending events of each batch, up to the one that was sealed last.
    unended: VecDeque<u64>,
    files: Files,
    flushes: Vec<Flush>,
    shutdowns: Vec<Done>,
    phase: Phase,
    /// Whether the worker sleeps without a timer for the open segment.
    idle: bool,
    /// Whether the worker has ever looked at it.
    is_attended: bool,
    /// Whether a batch is complete for which nobody has woken the worker: the event that did not fit in was not taken.
    is_unseen: bool,
    stats: Stats,
}

impl Queue {
    pub(crate) fn new(limits: Limits, ids: EventIds) -> Self {
        Self {
            limits,
            ids,
            open: Segment::default(),
            sealed: VecDeque::new(),
            waiting: VecDeque::new(),
            spare: Vec::new(),
            memory: 0,
            callers: VecDeque::new(),
            next_number: 0,
            next_read_back: i64::MIN,
            unended: VecDeque::new(),
            files: Files::default(),
            flushes: Vec::new(),
            shutdowns: Vec::new(),
            phase: Phase::Running,
            idle: true,
            is_attended: false,
            is_unseen: false,
            stats: Stats::default(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    /// Takes an entry, and `waiter` with it, and says whether the worker must be woken for it. One that it does not
    /// take is the caller's to [`lose`](Self::lose), or to [`make_way`](Self::make_way) for.
    pub(crate) fn append(
        &mut self,
        entry: &[u8],
        now_millis: u64,
        waiter: &mut Option<Waiter>,
    ) -> Result<bool, LossReason> {
        let framed = framed_len(entry.len() + EVENT_ID_FIELD_BYTES);
        self.check(entry.len(), framed)?;
        let full = self.open.events > 0 && self.open.bytes.len() + framed > self.limits.batch_bytes;
        if full {
            self.seal();
        }
        if !self.make_room(framed) {
            self.is_unseen |= full;
            return Err(LossReason::QueueFull);
        }
        self.stats.emit();
        let first = self.open.events == 0;
        if first {
            self.open.since = Some(clock::now());
            if self.next_number == 0 {
                self.ids.in_process(std::process::id());
            }
        }
        let awaited = waiter.is_some();
        let event_id = self.ids.next(now_millis);
        self.open.append(entry, &event_id, waiter.take());
        let complete = self.open.events == self.limits.batch_events;
        if complete {
            self.seal();
        }
        Ok(full || complete || awaited || (first && self.idle))
    }

    /// Whether the worker must be woken though the last event was not taken.
    pub(crate) fn take_unseen(&mut self) -> bool {
        std::mem::take(&mut self.is_unseen)
    }

    /// Counts an event that sampling has left out.
    pub(crate) fn leave_out(&mut self) {
        self.stats.sampled_out += 1;
    }

    /// Counts an event that was not taken.
    pub(crate) fn lose(&mut self, reason: LossReason) {
        self.stats.emit();
        self.stats.drop_for(reason, Gauge::Pending, 1);
    }

    fn check(&self, entry_bytes: usize, framed: usize) -> Result<(), LossReason> {
        if self.phase != Phase::Running {
            return Err(LossReason::ShutDown);
        }
        if entry_bytes + EVENT_ID_FIELD_BYTES > ENTRY_BYTES_MAX || framed > self.limits.buffer_bytes
        {
            return Err(LossReason::TooLarge);
        }
        Ok(())
    }

    /// Gives the open segment room for so many bytes more, if there is any.
    fn make_room(&mut self, more: usize) -> bool {
        if self.open.bytes.capacity() == 0 {
            self.open.bytes = self.spare.pop().unwrap_or_default();
        }
        let (len, capacity) = (self.open.bytes.len(), self.open.bytes.capacity());
        capacity - len >= more || self.grow(capacity, len + more)
    }

    /// Without a spare a segment begins small and doubles, so that memory is taken for events and not for segments.
    fn grow(&mut self, capacity: usize, needed: usize) -> bool {
        let Limits {
            batch_bytes,
            buffer_bytes,
            ..
        } = self.limits;
        let doubled = (2 * capacity).clamp(SEGMENT_BYTES_MIN.min(batch_bytes), batch_bytes);
        let wanted = doubled.max(needed);
        while self.memory + wanted - capacity > buffer_bytes
            && let Some(spare) = self.spare.pop()
        {
            self.memory -= spare.capacity();
        }
        // Close to the ceiling it gets all that is left.
        let granted = wanted.min(capacity + buffer_bytes.saturating_sub(self.memory));
        if granted < needed {
            return false;
        }
        let bytes = &mut self.open.bytes;
        bytes.reserve_exact(granted - bytes.len());
        self.memory += bytes.capacity() - capacity;
        true
    }

    /// [`append`](Self::append) for those who wait for room; whoever waits already is first.
    pub(crate) fn append_in_turn(
        &mut self,
        entry: &[u8],
        now_millis: u64,
    ) -> Result<bool, LossReason> {
        if self.callers.is_empty() {
            self.append(entry, now_millis, &mut None)
        } else {
            Err(LossReason::QueueFull)
        }
    }

    /// Keeps an entry for which there is no room until there is, or until nobody waits for that any more.
    pub(crate) fn wait_for_room(&mut self, entry: &[u8], now_millis: u64) -> oneshot::Receiver<()> {
        let (taken, is_taken) = oneshot::channel();
        if self.callers.len() == self.callers.capacity() {
            // Those who have given up are not kept for those who are patient.
            self.callers.retain(|caller| !caller.taken.is_closed());
        }
        self.callers.push_back(Caller {
            entry: entry.to_vec(),
            now_millis,
            taken,
        });
        is_taken
    }

    /// Takes the entries that wait for room, as far as there is some, and hands out whom to tell, without the lock, and
    /// which entries are lost, which are not counted yet.
    pub(crate) fn admit(&mut self) -> Vec<Admitted> {
        let mut admitted = Vec::new();
        while let Some(caller) = self.callers.pop_front() {
            if caller.taken.is_closed() {
                continue;
            }
            let lost = match self.append(&caller.entry, caller.now_millis, &mut None) {
                Err(LossReason::QueueFull) => {
                    self.callers.push_front(caller);
                    break;
                }
                Err(reason) => Some((caller.entry, reason)),
                Ok(_) => None,
            };
            admitted.push(Admitted {
                taken: caller.taken,
                lost,
            });
        }
        admitted
    }

    fn seal(&mut self) {
        if self.open.events == 0 {
            return;
        }
        let segment = std::mem::take(&mut self.open);
        self.unended.push_back(u64::from(segment.events));
        self.sealed.push_back((self.next_number, segment));
        self.next_number += 1;
    }

    /// Makes batches of all segments that are sealed.
    fn pack(&mut self) {
        let batches = self.sealed.drain(..);
        self.waiting
            .extend(batches.map(|(number, segment)| segment.into_batch(number)));
    }

    /// The next batch to send, if one is due: the oldest, or while the server fails the one that was sent least
    /// often, so that a batch that always fails does not stand before all others.
    pub(crate) fn next_batch(
        &mut self,
        now: Instant,
        failing: bool,
        eligible: Eligible,
    ) -> Option<Batch> {
        // What was read back is tried for ever, and must not keep the events of whoever flushes from their own tries.
        let is_new = |batch: &Batch| batch.gauge == Gauge::Pending && eligible.has(batch);
        self.pack();
        if eligible.has_new() && !self.waiting.iter().any(is_new) {
            self.seal_due(now);
            self.pack();
        }
        let is_eligible = |(_, batch): &(usize, &Batch)| eligible.has(batch);
        let mut waiting = self.waiting.iter().enumerate();
        let (place, _) = if failing {
            waiting
                .filter(is_eligible)
                .min_by_key(|(_, batch)| batch.tries)?
        } else {
            waiting.find(is_eligible)?
        };
        self.waiting.remove(place)
    }

    /// When the open segment is due; `None` while it is empty.
    pub(crate) fn open_due(&self) -> Option<Instant> {
        let since = self.open.since?;
        let linger = if self.open.urgent {
            Duration::ZERO
        } else {
            self.limits.linger
        };
        // A linger that the clock cannot hold is none that ends.
        since.checked_add(linger)
    }

    /// Notes whether the worker, who has looked, sleeps without a timer for the open segment.
    pub(crate) fn set_idle(&mut self, idle: bool) {
        self.idle = idle;
        self.is_attended = true;
    }

    /// Counts the ends of a batch: so many events were rejected, `rest` is to be sent again, the others were
    /// delivered.
    pub(crate) fn settle(&mut self, batch: &Batch, rejected: u64, rest: Option<&Batch>) {
        let ended = u64::from(batch.events - rest.map_or(0, |rest| rest.events));
        self.memory += rest.map_or(0, Batch::memory);
        self.stats.deliver(batch.gauge, ended - rejected);
        self.stats.reject(batch.gauge, rejected);
        self.end(batch, ended);
    }

    /// Counts a batch that is given up.
    pub(crate) fn give_up(&mut self, batch: &Batch, reason: LossReason) {
        let events = u64::from(batch.events);
        self.stats.drop_for(reason, batch.gauge, events);
        self.end(batch, events);
    }

    /// Puts a batch back in its place, to be sent again.
    pub(crate) fn put_back(&mut self, batch: Batch) {
        let place = self
            .waiting
            .partition_point(|waiting| waiting.number < batch.number);
        self.waiting.insert(place, batch);
    }

    pub(crate) fn count_retry(&mut self) {
        self.stats.retries += 1;
    }

    /// Ends so many events of a batch for those who flush. What is counted as spooled has ended before, though other
    /// parts of the same batch may not have.
    fn end(&mut self, batch: &Batch, events: u64) {
        if batch.gauge == Gauge::Spooled {
            return;
        }
        let place = usize::try_from(batch.number - self.first_unended());
        if let Some(left) = place.ok().and_then(|place| self.unended.get_mut(place)) {
            *left -= events;
        }
        while self.unended.pop_front_if(|left| *left == 0).is_some() {}
    }

    /// Takes back the memory of a batch that has ended: for the next segment, or to free it. Its file has ended as well.
    pub(crate) fn reuse(&mut self, mut batch: Batch) {
        let file = batch.file.take().and_then(Arc::into_inner);
        self.files.ended.extend(file);
        let Some((memory, bytes)) = batch.recycle().filter(|_| self.phase != Phase::Ended) else {
            return;
        };
        // What one giant event has stretched, or is over the ceiling, is given back.
        let keep = self.spare.len() < SPARE_MAX
            && memory <= self.limits.batch_bytes
            && self.memory <= self.limits.buffer_bytes;
        match bytes.filter(|_| keep) {
            Some(bytes) => self.spare.push(bytes),
            None => self.memory -= memory,
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

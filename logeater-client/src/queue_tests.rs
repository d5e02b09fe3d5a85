//! Whatever the server answers, in whatever order: every event has one end, and the sum is exact.

use std::collections::{BTreeSet, HashMap};
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use logeater_proto::{EntryRef, Envelope, write_entry};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::client::PushError;
use crate::spool::{Taken, Ticket};

/// What may happen next.
#[derive(Clone, Debug)]
enum Step {
    Emit { user_bytes: usize },
    Wait { user_bytes: usize, patient: bool },
    Evict,
    Push,
    Send,
    Deliver(usize),
    Reject { in_flight: usize, events: Vec<u32> },
    Again { in_flight: usize, events: Vec<u32> },
    Fail(usize),
    Halve(usize),
    GiveUp(usize),
    Flush,
    Keep { leaves: bool },
    Release,
    ReadBack,
}

fn step() -> impl Strategy<Value = Step> {
    let some = || vec(0..6_u32, 0..4);
    prop_oneof![
        8 => (0..400_usize).prop_map(|user_bytes| Step::Emit { user_bytes }),
        2 => (0..400_usize, any::<bool>()).prop_map(|(user_bytes, patient)| Step::Wait { user_bytes, patient }),
        1 => Just(Step::Evict),
        1 => Just(Step::Push),
        4 => Just(Step::Send),
        3 => (0..4_usize).prop_map(Step::Deliver),
        2 => (0..4_usize, some()).prop_map(|(in_flight, events)| Step::Reject { in_flight, events }),
        2 => (0..4_usize, some()).prop_map(|(in_flight, events)| Step::Again { in_flight, events }),
        2 => (0..4_usize).prop_map(Step::Fail),
        2 => (0..4_usize).prop_map(Step::Halve),
        1 => (0..4_usize).prop_map(Step::GiveUp),
        1 => Just(Step::Flush),
        4 => any::<bool>().prop_map(|leaves| Step::Keep { leaves }),
        1 => Just(Step::Release),
        3 => Just(Step::ReadBack),
    ]
}

type Verdict = Result<(), PushError>;

/// A queue, and what a worker would hold of it.
struct Model {
    queue: Queue,
    /// How many events were lost for want of room.
    untaken: u64,
    in_flight: Vec<Batch>,
    /// The memory that batches were given when they were sent again in part.
    kept: BTreeSet<usize>,
    now: Instant,
    ended: BTreeSet<Vec<u8>>,
    verdicts: HashMap<String, Verdict>,
    awaited: HashMap<String, oneshot::Receiver<Verdict>>,
    flushed: Vec<Receiver<bool>>,
    /// Those who wait for room, oldest first.
    callers: VecDeque<oneshot::Receiver<()>>,
    /// The bytes of the files, by their tickets.
    disk: HashMap<String, Bytes>,
    /// The tickets of those that can be read back, oldest first.
    released: VecDeque<Ticket>,
}

impl Model {
    fn new() -> Self {
        let limits = Limits {
            batch_bytes: 1_000,
            batch_events: 5,
            linger: Duration::ZERO,
            buffer_bytes: 4_000,
        };
        Self {
            queue: Queue::new(limits, EventIds::new([7; 6])),
            untaken: 0,
            in_flight: Vec::new(),
            kept: BTreeSet::new(),
            now: Instant::now() + Duration::from_mins(1),
            ended: BTreeSet::new(),
            verdicts: HashMap::new(),
            awaited: HashMap::new(),
            flushed: Vec::new(),
            callers: VecDeque::new(),
            disk: HashMap::new(),
            released: VecDeque::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Emit { user_bytes } => self.emit(&"u".repeat(user_bytes), None),
            Step::Wait {
                user_bytes,
                patient,
            } => self.wait(user_bytes, patient),
            Step::Evict => {
                if let Some(mut batch) = self.queue.make_way(true) {
                    if batch.gauge == Gauge::Spooled {
                        return self.let_go(batch);
                    }
                    let reason = LossReason::QueueFull;
                    self.queue.give_up(&batch, reason);
                    let lost = PushError::Lost(reason);
                    self.end(&batch, &|_, _| Some(Err(lost.clone())));
                    batch.tell(|_| Err(lost.clone()));
                    self.queue.reuse(batch);
                }
            }
            Step::Push => {
                let user = format!("waits {}", self.awaited.len());
                let (waiter, end) = oneshot::channel();
                self.emit(&user, Some(waiter));
                self.awaited.insert(user, end);
            }
            Step::Send => {
                let batch = self.queue.next_batch(self.now, false, Eligible::All);
                self.in_flight.extend(batch);
            }
            Step::Deliver(at) => self.answered(at, &[], &[]),
            Step::Reject { in_flight, events } => self.answered(in_flight, &events, &[]),
            Step::Again { in_flight, events } => self.answered(in_flight, &[], &events),
            Step::Fail(at) => {
                if let Some(batch) = self.take(at) {
                    self.queue.put_back(batch);
                }
            }
            Step::Halve(at) => {
                if let Some(batch) = self.take(at) {
                    let (whole, half) = (entries(&batch.bytes), batch.events / 2);
                    let (first, second) = batch.split(half);
                    assert_eq!(
                        whole,
                        [entries(&first.bytes), entries(&second.bytes)].concat()
                    );
                    for half in [first, second].into_iter().filter(|half| half.events > 0) {
                        self.queue.put_back(half);
                    }
                }
            }
            Step::GiveUp(at) => {
                if let Some(mut batch) = self.take(at) {
                    if batch.file.is_some() {
                        self.queue.count_as_spooled(&mut batch);
                        self.tell_spooled(&mut batch);
                        return self.queue.put_back(batch);
                    }
                    let lost = PushError::Lost(LossReason::RetriesSpent);
                    self.end(&batch, &|_, _| Some(Err(lost.clone())));
                    self.queue.give_up(&batch, LossReason::RetriesSpent);
                    batch.tell(|_| Err(lost.clone()));
                    self.queue.reuse(batch);
                }
            }
            Step::Flush => {
                let (done, flushed) = channel();
                let at_once = self.queue.flush(
                    self.now + Duration::from_mins(1),
                    Box::new(move |in_time| _ = done.send(in_time)),
                );
                if let Some(done) = at_once {
                    assert_eq!(self.queue.stats.pending, 0);
                    done(true);
                }
                self.flushed.push(flushed);
            }
            Step::Keep { leaves } => self.keep(leaves),
            Step::Release => {
                if let Some(batch) = self.queue.release_oldest() {
                    self.let_go(batch);
                }
            }
            Step::ReadBack => self.read_back(),
        }
    }

    /// The oldest batch that has no file of its own is written to one, and stays in memory or leaves it.
    fn keep(&mut self, leaves: bool) {
        let Some(mut batch) = self.queue.take_waiting(|batch| !batch.is_whole_file()) else {
            return;
        };
        let file = Ticket::of(batch.first_id(), batch.events);
        let bytes = Bytes::copy_from_slice(&batch.bytes);
        assert!(self.disk.insert(format!("{file:?}"), bytes).is_none());
        self.queue.written(&mut batch, file);
        if leaves {
            self.queue.release(&mut batch);
            self.let_go(batch);
        } else {
            self.queue.put_back(batch);
        }
    }

    fn let_go(&mut self, mut batch: Batch) {
        self.tell_spooled(&mut batch);
        self.queue.reuse(batch);
    }

    fn tell_spooled(&mut self, batch: &mut Batch) {
        for (_, user) in entries(&batch.bytes) {
            self.verdicts.entry(user).or_insert(Err(PushError::Spooled));
        }
        batch.tell(|_| Err(PushError::Spooled));
    }

    fn read_back(&mut self) {
        let Some(ticket) = self.released.pop_front() else {
            return;
        };
        let batch = self.disk[&format!("{ticket:?}")].to_vec();
        if self.queue.can_read_back(batch.len() + 28) {
            self.queue.reserve(batch.len() + 28);
            let taken = Taken { ticket, batch };
            self.queue.read_back(taken.batch.len() + 28, Some(taken));
        } else {
            self.released.push_front(ticket);
        }
    }

    /// Files go where the worker has them go.
    fn file(&mut self) {
        let Files { released, ended } = self.queue.take_files();
        self.released.extend(released);
        for ticket in ended {
            assert!(self.disk.remove(&format!("{ticket:?}")).is_some());
        }
    }

    fn emit(&mut self, user_id: &str, mut waiter: Option<Waiter>) {
        if let Err(reason) = self.queue.append(&entry(user_id), 1, &mut waiter) {
            self.untaken += 1;
            self.queue.lose(reason);
        }
    }

    fn wait(&mut self, user_bytes: usize, patient: bool) {
        let entry = entry(&"w".repeat(user_bytes));
        if self.queue.append_in_turn(&entry, 1) == Err(LossReason::QueueFull) {
            let taken = self.queue.wait_for_room(&entry, 1);
            if patient {
                self.callers.push_back(taken);
            }
        }
    }

    /// Those who wait have their turns.
    fn admit(&mut self) {
        for admitted in self.queue.admit() {
            assert_eq!(admitted.lost, None);
            admitted.taken.send(()).unwrap();
            assert_eq!(self.callers.pop_front().unwrap().try_recv(), Ok(()));
        }
    }

    /// What the worker does with an answer: these were rejected, for being who they are, these failed.
    fn answered(&mut self, at: usize, rejected: &[u32], again: &[u32]) {
        let Some(mut batch) = self.take(at) else {
            return;
        };
        let users: Vec<_> = entries(&batch.bytes)
            .into_iter()
            .map(|(_, user)| user)
            .collect();
        let rejected: BTreeSet<_> = rejected
            .iter()
            .copied()
            .filter(|event| *event < batch.events)
            .collect();
        let again: BTreeSet<_> = again
            .iter()
            .copied()
            .filter(|event| *event < batch.events)
            .collect();
        let again: Vec<_> = again.difference(&rejected).copied().collect();
        let verdict = |event: u32, user: &str| {
            if rejected.contains(&event) {
                Err(PushError::Rejected(user.to_owned()))
            } else {
                Ok(())
            }
        };
        self.end(&batch, &|event, user| {
            (!again.contains(&event)).then(|| verdict(event, user))
        });
        let rest = (!again.is_empty()).then(|| batch.keep(&again));
        self.queue
            .settle(&batch, rejected.len() as u64, rest.as_ref());
        batch.tell(|event| verdict(event, &users[event as usize]));
        self.queue.reuse(batch);
        if let Some(rest) = rest {
            self.kept.insert(rest.memory_address());
            self.queue.put_back(rest);
        }
    }

    fn take(&mut self, at: usize) -> Option<Batch> {
        (at < self.in_flight.len()).then(|| self.in_flight.remove(at))
    }

    /// Notes the end of each event of a batch that has one now.
    fn end(&mut self, batch: &Batch, verdict: &dyn Fn(u32, &str) -> Option<Verdict>) {
        for (event, (id, user)) in (0..).zip(entries(&batch.bytes)) {
            let Some(verdict) = verdict(event, &user) else {
                continue;
            };
            assert!(self.ended.insert(id), "an event ended twice");
            // Who was told that an event is on disk waits no longer.
            self.verdicts.entry(user).or_insert(verdict);
        }
    }

    fn check(&self) {
        let Stats {
            emitted,
            delivered,
            rejected,
            dropped,
            spooled,
            pending,
            ..
        } = self.queue.stats;
        assert_eq!(emitted, delivered + rejected + dropped + spooled + pending);
        let waiting = self.queue.waiting.iter().chain(&self.in_flight);
        let segments = self.queue.sealed.iter().map(|(_, segment)| segment);
        let segments = segments.chain([&self.queue.open]);
        // The parts of a divided batch share their memory.
        let batches: HashMap<_, _> = waiting
            .clone()
            .map(|batch| (batch.memory_address(), batch.memory()))
            .collect();
        let spare = self.queue.spare.iter().map(Vec::capacity);
        let filled = segments.clone().map(|segment| segment.bytes.capacity());
        let memory = batches.values().copied().chain(spare).chain(filled);
        let memory = memory.sum::<usize>();
        assert_eq!(self.queue.memory, memory);
        // What a batch keeps of itself is there for a moment beside it, and beside its other parts.
        let kept: usize = batches
            .iter()
            .filter_map(|(address, memory)| self.kept.contains(address).then_some(memory))
            .sum();
        assert!(memory <= self.queue.limits.buffer_bytes + kept);
        let counted = |gauge| {
            let batches = waiting.clone().filter(move |batch| batch.gauge == gauge);
            batches.map(|batch| u64::from(batch.events)).sum::<u64>()
        };
        let filled = segments.map(|segment| u64::from(segment.events));
        assert_eq!(pending, counted(Gauge::Pending) + filled.sum::<u64>());
        let released = self.released.iter().map(|file| u64::from(file.events()));
        assert_eq!(spooled, counted(Gauge::Spooled) + released.sum::<u64>());
        for batch in waiting {
            assert_eq!(entries(&batch.bytes).len(), batch.events as usize);
            self.check_file(batch);
        }
        let numbers = self.queue.waiting.iter().map(|batch| batch.number);
        let numbers = numbers.chain(self.queue.sealed.iter().map(|(number, _)| *number));
        assert!(numbers.is_sorted());
    }
}

impl Model {
    /// What is counted as spooled is on disk, and stays there until it ends.
    fn check_file(&self, batch: &Batch) {
        let Some(file) = &batch.file else {
            assert_eq!(batch.gauge, Gauge::Pending);
            return;
        };
        let on_disk = entries(&self.disk[&format!("{file:?}")]);
        assert!(
            entries(&batch.bytes)
                .iter()
                .all(|event| on_disk.contains(event))
        );
    }
}

/// An entry without an id.
fn entry(user_id: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    let envelope = Envelope {
        event_type: "a.b",
        user_id: Some(user_id),
        ..Envelope::default()
    };
    write_entry(&mut entry, &envelope, None::<fn(&mut Vec<u8>)>);
    entry
}

/// Each event's id and user.
fn entries(batch: &Bytes) -> Vec<(Vec<u8>, String)> {
    let entry = |message: Bytes| {
        let entry = EntryRef::decode(&message).unwrap();
        (
            entry.event_id.unwrap().to_vec(),
            entry.user_id.unwrap().to_owned(),
        )
    };
    Batch::messages(batch).map(entry).collect()
}

proptest! {
    #[test]
    fn every_event_has_one_end_and_the_sum_is_exact(steps in vec(step(), 0..80)) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
            model.file();
            model.check();
            model.admit();
            model.check();
        }
        // At last the server takes everything.
        loop {
            model.read_back();
            model.in_flight.extend(model.queue.next_batch(model.now, true, Eligible::All));
            if model.in_flight.is_empty() {
                break;
            }
            model.answered(0, &[], &[]);
            model.file();
            model.admit();
            model.check();
        }
        prop_assert!(model.callers.is_empty() && model.disk.is_empty());
        prop_assert_eq!((model.queue.stats.pending, model.queue.stats.spooled), (0, 0));
        prop_assert_eq!(model.ended.len() as u64 + model.untaken, model.queue.stats.emitted);
        for (done, in_time) in model.queue.finished_flushes(model.now) {
            done(in_time);
        }
        for (user, mut end) in model.awaited {
            // One that the queue did not take has nobody to tell.
            prop_assert_eq!(end.try_recv().ok(), model.verdicts.remove(&user));
        }
        for flushed in model.flushed {
            prop_assert_eq!(flushed.try_recv(), Ok(true));
        }
    }
}

fn queue(linger: Duration) -> Queue {
    let limits = Limits {
        batch_bytes: 1_000,
        batch_events: 5,
        linger,
        buffer_bytes: 4_000,
    };
    Queue::new(limits, EventIds::new([7; 6]))
}

#[test]
fn a_trickle_does_not_postpone_the_first_event() {
    let mut queue = queue(Duration::from_secs(1));
    queue.append(b"", 1, &mut None).unwrap();
    let due = queue.open_due().unwrap();
    queue.append(b"", 1, &mut None).unwrap();
    assert_eq!(queue.open_due(), Some(due));
    assert!(
        queue
            .next_batch(queue.open.since.unwrap(), false, Eligible::All)
            .is_none()
    );
    assert_eq!(
        queue.next_batch(due, false, Eligible::All).unwrap().events,
        2
    );
}

#[test]
fn only_the_first_event_of_a_quiet_time_and_a_sealed_segment_wake_the_worker() {
    let mut queue = queue(Duration::from_secs(1));
    assert_eq!(queue.append(b"", 1, &mut None), Ok(true));
    queue.set_idle(false);
    let woken: Vec<_> = (0..5)
        .map(|_| queue.append(b"", 1, &mut None).unwrap())
        .collect();
    assert_eq!(woken, [false, false, false, true, false]);
}

#[test]
fn an_awaited_event_does_not_linger() {
    let mut queue = queue(Duration::from_hours(1));
    let (waiter, _) = oneshot::channel();
    assert_eq!(queue.append(b"", 1, &mut Some(waiter)), Ok(true));
    assert_eq!(
        queue
            .next_batch(Instant::now(), false, Eligible::All)
            .unwrap()
            .events,
        1
    );
}

#[test]
fn the_memory_of_a_delivered_batch_is_used_again() {
    let mut queue = queue(Duration::ZERO);
    queue.append(b"x", 1, &mut None).unwrap();
    let batch = queue
        .next_batch(Instant::now(), false, Eligible::All)
        .unwrap();
    let memory = batch.bytes.as_ptr();
    queue.settle(&batch, 0, None);
    queue.reuse(batch);
    queue.append(b"x", 1, &mut None).unwrap();
    assert_eq!(
        queue
            .next_batch(Instant::now(), false, Eligible::All)
            .unwrap()
            .bytes
            .as_ptr(),
        memory
    );
}

#[test]
fn while_the_server_fails_the_batch_that_was_sent_least_often_is_next() {
    let mut queue = queue(Duration::ZERO);
    for _ in 0..15 {
        queue.append(b"", 1, &mut None).unwrap();
    }
    let mut sent = Vec::new();
    for failing in [false, true, true, true, false] {
        let mut batch = queue
            .next_batch(Instant::now(), failing, Eligible::All)
            .unwrap();
        batch.tries += 1;
        sent.push(batch.number);
        queue.put_back(batch);
    }
    assert_eq!(sent, [0, 1, 2, 0, 0]);
}

#[test]
fn many_flushes_while_nothing_can_be_sent_make_no_small_batches() {
    let mut queue = queue(Duration::from_hours(1));
    for _ in 0..4 {
        queue.append(b"", 1, &mut None).unwrap();
        assert!(queue.flush(Instant::now(), Box::new(|_| ())).is_none());
    }
    assert_eq!((queue.sealed.len(), queue.waiting.len()), (0, 0));
    assert_eq!(
        queue
            .next_batch(Instant::now(), false, Eligible::All)
            .unwrap()
            .events,
        4
    );
}

#[test]
fn what_is_over_the_limits_is_not_taken() {
    let mut queue = queue(Duration::ZERO);
    for too_large in [ENTRY_BYTES_MAX - EVENT_ID_FIELD_BYTES + 1, 4_000] {
        assert_eq!(
            queue.append(&vec![0; too_large], 1, &mut None),
            Err(LossReason::TooLarge)
        );
    }
    assert_eq!(queue.append(&[0; 3_900], 1, &mut None), Ok(true));
    let mut waiter = Some(oneshot::channel().0);
    assert_eq!(
        queue.append(&[0; 100], 1, &mut waiter),
        Err(LossReason::QueueFull)
    );
    assert!(waiter.is_some());
}

#[test]
fn an_event_that_finds_no_room_wakes_the_worker_once_for_the_batch_that_is_complete_without_it() {
    let mut queue = queue(Duration::from_hours(1));
    queue.append(&[0; 3_900], 1, &mut None).unwrap();
    queue.set_idle(false);
    let mut is_woken = || {
        queue.append(&[0; 100], 1, &mut None).unwrap_err();
        queue.take_unseen()
    };
    assert_eq!([is_woken(), is_woken()], [true, false]);
    let batch = queue.next_batch(Instant::now(), false, Eligible::All);
    assert_eq!(batch.unwrap().events, 1);
}

#[test]
fn memory_that_is_kept_for_later_gives_way_to_events() {
    let mut queue = queue(Duration::ZERO);
    for _ in 0..3 {
        queue.append(&[0; 900], 1, &mut None).unwrap();
    }
    let sent: Vec<_> =
        std::iter::from_fn(|| queue.next_batch(Instant::now(), false, Eligible::All)).collect();
    for batch in sent {
        queue.settle(&batch, 0, None);
        queue.reuse(batch);
    }
    assert_eq!((queue.spare.len(), queue.memory), (3, 3_000));
    assert_eq!(queue.append(&[0; 3_900], 1, &mut None), Ok(true));
}

#[test]
fn the_oldest_events_that_are_not_on_their_way_are_evicted() {
    let mut queue = queue(Duration::ZERO);
    for _ in 0..12 {
        queue.append(b"", 1, &mut None).unwrap();
    }
    let in_flight = queue
        .next_batch(Instant::now(), false, Eligible::All)
        .unwrap();
    let evicted: Vec<_> = std::iter::from_fn(|| queue.make_way(true))
        .map(|batch| (batch.number, batch.events))
        .collect();
    assert_eq!((in_flight.number, evicted), (0, vec![(1, 5), (2, 2)]));
}

#[test]
fn those_who_wait_for_room_have_their_turns_and_end_with_the_client() {
    let mut queue = queue(Duration::ZERO);
    queue.append(&[0; 3_900], 1, &mut None).unwrap();
    let mut first = queue.wait_for_room(&[1; 3_000], 1);
    let mut second = queue.wait_for_room(&[2; 3_000], 1);
    // Nobody overtakes them, even if there is room.
    assert_eq!(queue.append_in_turn(b"", 1), Err(LossReason::QueueFull));
    assert!(queue.admit().is_empty());
    let batch = queue
        .next_batch(Instant::now(), false, Eligible::All)
        .unwrap();
    queue.settle(&batch, 0, None);
    queue.reuse(batch);
    for admitted in queue.admit() {
        admitted.taken.send(()).unwrap();
    }
    assert_eq!(
        (first.try_recv(), second.try_recv().is_err()),
        (Ok(()), true)
    );
    assert!(
        queue
            .shut_down(Instant::now(), Instant::now(), Box::new(|_| ()))
            .is_none()
    );
    let lost: Vec<_> = queue.admit().into_iter().map(|last| last.lost).collect();
    assert_eq!(lost, [Some((vec![2; 3_000], LossReason::ShutDown))]);
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn those_who_give_up_are_not_kept_for_one_who_is_patient() {
    let mut queue = queue(Duration::ZERO);
    queue.append(&[0; 3_900], 1, &mut None).unwrap();
    let _patient = queue.wait_for_room(&[1; 3_000], 1);
    for _ in 0..10_000 {
        drop(queue.wait_for_room(&[2; 3_000], 1));
    }
    assert!(queue.callers.len() < 10);
}

#[test]
fn a_batch_that_was_read_back_does_not_keep_the_open_segment_from_its_try() {
    let mut queue = queue(Duration::ZERO);
    let mut next = || {
        queue.append(b"", 1, &mut None).unwrap();
        let mut batch = queue
            .next_batch(Instant::now(), true, Eligible::All)
            .unwrap();
        batch.tries += 1;
        queue.count_as_spooled(&mut batch);
        let number = batch.number;
        queue.put_back(batch);
        number
    };
    assert_eq!([next(), next(), next()], [0, 1, 2]);
}

#[test]
fn the_parts_of_a_batch_end_once_each_though_one_was_on_disk() {
    let mut queue = queue(Duration::ZERO);
    for _ in 0..3 {
        queue.append(b"", 1, &mut None).unwrap();
    }
    assert!(
        queue
            .flush(Instant::now() + Duration::from_hours(1), Box::new(|_| ()))
            .is_none()
    );
    let batch = queue
        .next_batch(Instant::now(), false, Eligible::All)
        .unwrap();
    let (mut first, second) = batch.split(2);
    queue.count_as_spooled(&mut first);
    queue.settle(&first, 0, None);
    assert!(queue.finished_flushes(Instant::now()).is_empty());
    queue.settle(&second, 0, None);
    let finished = queue.finished_flushes(Instant::now());
    assert!(finished.iter().map(|(_, in_time)| *in_time).eq([true]));
    assert_eq!(queue.stats().delivered, 3);
}

#[test]
fn a_batch_has_no_more_bytes_than_it_may_unless_one_event_has() {
    let mut queue = queue(Duration::ZERO);
    for bytes in [600, 300, 600, 1_500, 10] {
        queue.append(&vec![0; bytes], 1, &mut None).unwrap();
    }
    queue.seal();
    let sizes: Vec<_> = queue
        .sealed
        .iter()
        .map(|(_, batch)| (batch.events, batch.bytes.len() <= 1_000))
        .collect();
    assert_eq!(sizes, [(2, true), (1, true), (1, false), (1, true)]);
}

#[test]
fn events_are_abandoned_for_want_of_a_thread_unless_there_is_one_by_now() {
    let mut queue = queue(Duration::ZERO);
    queue.append(b"", 1, &mut None).unwrap();
    let (_, batches) = queue.abandon(LossReason::NoThread);
    assert_eq!((batches.len(), queue.stats().pending), (1, 0));
    queue.reuse(batches.into_iter().next().unwrap());

    queue.append(b"", 1, &mut None).unwrap();
    let batch = queue.next_batch(Instant::now(), false, Eligible::All);
    queue.set_idle(true);
    let (_, batches) = queue.abandon(LossReason::NoThread);
    assert_eq!((batches.len(), queue.stats().pending), (0, 1));
    queue.settle(&batch.unwrap(), 0, None);
    let stats = queue.stats();
    assert_eq!(
        (stats.delivered, stats.dropped_for(LossReason::NoThread)),
        (1, 1)
    );
}

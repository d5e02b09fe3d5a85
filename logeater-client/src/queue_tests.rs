//! Whatever the server answers, in whatever order: every event has one end, and the sum is exact.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};

use logeater_proto::{EntryRef, Envelope, write_entry};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What may happen next.
#[derive(Clone, Debug)]
enum Step {
    Emit { user_bytes: usize },
    Push,
    Send,
    Deliver(usize),
    Reject { in_flight: usize, events: Vec<u32> },
    Again { in_flight: usize, events: Vec<u32> },
    Fail(usize),
    Halve(usize),
    GiveUp(usize),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let some = || vec(0..6_u32, 0..4);
    prop_oneof![
        8 => (0..400_usize).prop_map(|user_bytes| Step::Emit { user_bytes }),
        1 => Just(Step::Push),
        4 => Just(Step::Send),
        3 => (0..4_usize).prop_map(Step::Deliver),
        2 => (0..4_usize, some()).prop_map(|(in_flight, events)| Step::Reject { in_flight, events }),
        2 => (0..4_usize, some()).prop_map(|(in_flight, events)| Step::Again { in_flight, events }),
        2 => (0..4_usize).prop_map(Step::Fail),
        2 => (0..4_usize).prop_map(Step::Halve),
        1 => (0..4_usize).prop_map(Step::GiveUp),
        1 => Just(Step::Flush),
    ]
}

/// A queue, and what a worker would hold of it.
struct Model {
    queue: Queue,
    in_flight: Vec<Batch>,
    now: Instant,
    ended: BTreeSet<Vec<u8>>,
    flushed: Vec<Receiver<bool>>,
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
            in_flight: Vec::new(),
            now: Instant::now() + Duration::from_mins(1),
            ended: BTreeSet::new(),
            flushed: Vec::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Emit { user_bytes } => self.emit(user_bytes, None),
            Step::Push => {
                let (waiter, _) = tokio::sync::oneshot::channel();
                self.emit(1, Some(waiter));
            }
            Step::Send => self.in_flight.extend(self.queue.next_batch(self.now)),
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
                    let whole = ids(&batch);
                    let (first, second) = batch.halve();
                    assert_eq!(whole, [ids(&first), ids(&second)].concat());
                    for half in [first, second].into_iter().filter(|half| half.events > 0) {
                        self.queue.put_back(half);
                    }
                }
            }
            Step::GiveUp(at) => {
                if let Some(batch) = self.take(at) {
                    self.end(ids(&batch));
                    self.queue.give_up(batch, LossReason::RetriesSpent);
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
        }
    }

    fn emit(&mut self, user_bytes: usize, waiter: Option<Waiter>) {
        let mut entry = Vec::new();
        let user_id = "u".repeat(user_bytes);
        let envelope = Envelope {
            event_type: "a.b",
            user_id: Some(&user_id),
            ..Envelope::default()
        };
        write_entry(&mut entry, &envelope, None::<fn(&mut Vec<u8>)>);
        // A full queue refuses it, and counts that.
        _ = self.queue.append(&entry, 1, waiter);
    }

    fn answered(&mut self, at: usize, rejected: &[u32], again: &[u32]) {
        let Some(batch) = self.take(at) else { return };
        let of_batch = |events: &[u32]| -> BTreeSet<u32> {
            events
                .iter()
                .copied()
                .filter(|event| *event < batch.events)
                .collect()
        };
        let rejected: Vec<_> = of_batch(rejected)
            .into_iter()
            .map(|event| (event, "no".to_owned()))
            .collect();
        let again: Vec<_> = of_batch(again).into_iter().collect();
        let ended = (0..)
            .zip(ids(&batch))
            .filter(|(event, _)| again.binary_search(event).is_err());
        self.end(ended.map(|(_, id)| id).collect());
        self.queue.settle(batch, &rejected, &again);
    }

    fn take(&mut self, at: usize) -> Option<Batch> {
        (at < self.in_flight.len()).then(|| self.in_flight.remove(at))
    }

    fn end(&mut self, ids: Vec<Vec<u8>>) {
        for id in ids {
            assert!(self.ended.insert(id), "an event ended twice");
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
        let waiting = self.queue.sealed.iter().chain(&self.in_flight);
        let bytes = waiting
            .clone()
            .map(|batch| batch.bytes.len())
            .sum::<usize>()
            + self.queue.open.bytes.len();
        assert_eq!(self.queue.bytes, bytes);
        assert!(bytes <= self.queue.limits.buffer_bytes);
        let events = waiting
            .clone()
            .map(|batch| u64::from(batch.events))
            .sum::<u64>()
            + u64::from(self.queue.open.events);
        assert_eq!(pending, events);
        for batch in waiting {
            assert_eq!(ids(batch).len(), batch.events as usize);
        }
        assert!(
            self.queue
                .sealed
                .iter()
                .is_sorted_by_key(|batch| batch.number)
        );
    }
}

fn ids(batch: &Batch) -> Vec<Vec<u8>> {
    Batch::messages(&batch.bytes)
        .map(|message| {
            EntryRef::decode(&message)
                .unwrap()
                .event_id
                .unwrap()
                .to_vec()
        })
        .collect()
}

proptest! {
    #[test]
    fn every_event_has_one_end_and_the_sum_is_exact(steps in vec(step(), 0..80)) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
            model.check();
        }
        // At last the server takes everything.
        loop {
            model.in_flight.extend(model.queue.next_batch(model.now));
            if model.in_flight.is_empty() {
                break;
            }
            model.answered(0, &[], &[]);
            model.check();
        }
        prop_assert_eq!(model.queue.stats.pending, 0);
        prop_assert_eq!(model.ended.len() as u64 + model.queue.stats.dropped_for(LossReason::QueueFull), model.queue.stats.emitted);
        for (done, in_time) in model.queue.finished_flushes(model.now) {
            done(in_time);
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
    queue.append(b"", 1, None).unwrap();
    let due = queue.open_due().unwrap();
    queue.append(b"", 1, None).unwrap();
    assert_eq!(queue.open_due(), Some(due));
    assert!(queue.next_batch(queue.open.since.unwrap()).is_none());
    assert_eq!(queue.next_batch(due).unwrap().events, 2);
}

#[test]
fn only_the_first_event_of_a_quiet_time_and_a_sealed_segment_wake_the_worker() {
    let mut queue = queue(Duration::from_secs(1));
    assert_eq!(queue.append(b"", 1, None), Ok(true));
    queue.set_idle(false);
    let woken: Vec<_> = (0..5)
        .map(|_| queue.append(b"", 1, None).unwrap())
        .collect();
    assert_eq!(woken, [false, false, false, true, false]);
}

#[test]
fn an_awaited_event_does_not_linger() {
    let mut queue = queue(Duration::from_hours(1));
    let (waiter, _) = tokio::sync::oneshot::channel();
    assert_eq!(queue.append(b"", 1, Some(waiter)), Ok(true));
    assert_eq!(queue.next_batch(Instant::now()).unwrap().events, 1);
}

#[test]
fn the_memory_of_a_delivered_batch_is_used_again() {
    let mut queue = queue(Duration::ZERO);
    queue.append(b"x", 1, None).unwrap();
    let batch = queue.next_batch(Instant::now()).unwrap();
    let memory = batch.bytes.as_ptr();
    queue.settle(batch, &[], &[]);
    queue.append(b"x", 1, None).unwrap();
    assert_eq!(
        queue.next_batch(Instant::now()).unwrap().bytes.as_ptr(),
        memory
    );
}

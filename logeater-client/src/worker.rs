//! The client's own thread: sends what is due, settles what is answered, and ends when the last event has.
//!
//! It has a runtime of its own, so that nothing of the application's can block it, nor it the application.

mod spool;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::sleep_until;
use tracing::{Dispatch, info, warn};

use crate::client::PushError;
use crate::clock;
use crate::connect::Server;
use crate::failure::Failure;
use crate::lanes::Lanes;
use crate::log::Log;
use crate::loss::LossReason;
use crate::queue::Queue;
use crate::segment::Batch;
use crate::shared::Shared;
use crate::spooler::{Finished, OpenSpool, Spooler};
use crate::stats::{Gauge, is_worth_a_line};
use crate::transport::{Answer, Transport};

/// Of events that go one by one, this many are a batch: with four batches on their way 64 requests are. More at once
/// are slower, not faster: 256 cost 1.4 times the CPU, 1,024 twice.
const PUSHES_PER_BATCH: u32 = 16;

/// How long a worker without anything to do sleeps at most; it is woken when there is.
#[cfg(not(feature = "metrics"))]
const IDLE: Duration = Duration::from_hours(1);
/// How long a worker sleeps at most: what is lost at once does not wake it, and is to be known as metrics.
#[cfg(feature = "metrics")]
const IDLE: Duration = crate::metrics::EVERY;

/// How a worker delivers.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) servers: Vec<Server>,
    pub(crate) timeout: Duration,
    pub(crate) retry_for: Duration,
    /// Until the worker has it.
    pub(crate) spool: Mutex<Option<OpenSpool>>,
}

impl Delivery {
    /// One for each server. Must be called within a runtime.
    fn transports(&self) -> Vec<Transport> {
        let transport = |server: &Server| Transport::new(server, server.channel(), self.timeout);
        self.servers.iter().map(transport).collect()
    }

    /// For the first worker that asks.
    fn spooler(&self, shared: &Arc<Shared>) -> Option<Spooler> {
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Spooler::new(Arc::clone(shared), spool.take()?))
    }
}

/// Starts the thread, which says what it has to say to `subscriber`.
pub(crate) fn start(
    shared: Arc<Shared>,
    delivery: Arc<Delivery>,
    subscriber: Dispatch,
) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        // However the worker ends, nobody waits for it in vain.
        let _ending = Ending(Arc::clone(&shared));
        let mut log = Log::new(subscriber);
        runtime.block_on(async {
            let (transports, spooler) = (delivery.transports(), delivery.spooler(&shared));
            let worker = Worker::new(shared, transports, delivery.retry_for, &mut log);
            Worker { spooler, ..worker }.run().await;
        });
        // What the transport says while it closes its connections is silenced as well. A name that is still being
        // looked up is not waited for.
        runtime.shutdown_background();
        drop(log);
    };
    std::thread::Builder::new()
        .name("logeater".to_owned())
        .spawn(run)
        .map(drop)
}

struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Worker<'l> {
    shared: Arc<Shared>,
    /// One for each server; a lane has the same place.
    transports: Vec<Transport>,
    lanes: Lanes,
    retry_for: Duration,
    log: &'l mut Log,
    spooler: Option<Spooler>,
    sends: JoinSet<Answer>,
    /// Batches on their way, with the place of their server.
    in_flight: HashMap<task::Id, (usize, Batch)>,
    /// How often a server refused the token.
    unauthenticated: u64,
    was_draining: bool,
}

/// What ended a sleep.
enum Woken {
    Answered(Result<(task::Id, Answer), JoinError>),
    Spooled(Result<Finished, JoinError>),
    ByCallOrTimer,
}

impl<'l> Worker<'l> {
    fn new(
        shared: Arc<Shared>,
        transports: Vec<Transport>,
        retry_for: Duration,
        log: &'l mut Log,
    ) -> Self {
        Self {
            shared,
            lanes: Lanes::new(transports.len()),
            transports,
            retry_for,
            log,
            spooler: None,
            sends: JoinSet::new(),
            in_flight: HashMap::new(),
            unauthenticated: 0,
            was_draining: false,
        }
    }

    async fn run(mut self) {
        loop {
            let now = clock::now();
            self.end_waits(now);
            self.shared.admit();
            #[cfg(feature = "metrics")]
            self.shared.publish_in_turn(now);
            if self.is_over(now) {
                return self.give_back();
            }
            self.hurry_if_draining();
            self.save_if_due(now);
            let wake_at = self.send_what_is_due(now).min(self.spool(now));
            match self.sleep(wake_at).await {
                Woken::Answered(Ok((id, answer))) => self.settle(id, answer),
                Woken::Answered(Err(error)) => {
                    self.settle(
                        error.id(),
                        Answer::Failed(Failure::because(error.to_string())),
                    );
                }
                Woken::Spooled(finished) => {
                    if let Some(spooler) = &mut self.spooler {
                        spooler.finish(finished, self.log);
                    }
                }
                Woken::ByCallOrTimer => {}
            }
        }
    }

    fn end_waits(&self, now: Instant) {
        let waits = self.shared.queue().finished_flushes(now);
        self.shared.end_waits(waits);
    }

    /// A pause that was begun before the shutdown would take from its time.
    fn hurry_if_draining(&mut self) {
        let draining = self.shared.queue().is_draining();
        if draining && !self.was_draining {
            self.lanes.hurry();
        }
        self.was_draining = draining;
    }

    /// Puts what is on its way back into the queue.
    fn take_back(&mut self) {
        self.sends.abort_all();
        let mut queue = self.shared.queue();
        for (_, (place, batch)) in self.in_flight.drain() {
            self.lanes[place].end();
            queue.put_back(batch);
        }
    }

    /// Sends as much as may be on its way, and says when there is more to do.
    fn send_what_is_due(&mut self, now: Instant) -> Instant {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue();
        let mut open_due = None;
        while let Some(place) = self.free(now) {
            let eligible = self.eligible(&queue, place, now);
            let is_failing = self.lanes[place].backoff.is_failing();
            let Some(batch) = queue.next_batch(now, is_failing, eligible) else {
                open_due = queue.open_due().filter(|_| eligible.has_new());
                break;
            };
            self.send(place, batch, &mut queue, now);
        }
        queue.set_idle(open_due.is_none());
        [
            open_due,
            self.lanes.pause_end(now),
            queue.next_deadline(now),
        ]
        .into_iter()
        .flatten()
        .fold(now + IDLE, Instant::min)
    }

    fn send(&mut self, place: usize, mut batch: Batch, queue: &mut Queue, now: Instant) {
        let transport = self.transports[place].clone();
        let one_by_one = transport.is_one_by_one(now);
        if one_by_one {
            let (first, rest) = batch.split(PUSHES_PER_BATCH);
            batch = first;
            if rest.events > 0 {
                queue.put_back(rest);
            }
        }
        batch.first_try.get_or_insert(now);
        batch.tries += 1;
        let send = transport.send(batch.bytes.clone(), batch.events, one_by_one, now);
        let id = self.sends.spawn(send).id();
        self.lanes.begin(place);
        self.in_flight.insert(id, (place, batch));
    }

    async fn sleep(&mut self, wake_at: Instant) -> Woken {
        let mut called = pin!(self.shared.woken());
        let mut timer = pin!(sleep_until(wake_at.into()));
        let sends = &mut self.sends;
        let mut job = self.spooler.as_mut().map(|spooler| &mut spooler.job);
        poll_fn(|context| {
            if let Poll::Ready(Some(answer)) = sends.poll_join_next_with_id(context) {
                return Poll::Ready(Woken::Answered(answer));
            }
            if let Some(job) = &mut job
                && let Poll::Ready(Some(finished)) = job.poll_join_next(context)
            {
                return Poll::Ready(Woken::Spooled(finished));
            }
            if called.as_mut().poll(context).is_ready() || timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::ByCallOrTimer);
            }
            Poll::Pending
        })
        .await
    }

    fn settle(&mut self, id: task::Id, answer: Answer) {
        let Some((place, mut batch)) = self.in_flight.remove(&id) else {
            return;
        };
        self.lanes[place].end();
        match answer {
            Answer::Settled {
                rejected,
                again,
                failure,
            } => {
                self.note(place, failure.as_ref());
                let rest = (!again.is_empty()).then(|| batch.keep(&again));
                self.finish(batch, &rejected, rest.as_ref());
                if let Some(rest) = rest {
                    self.try_again(rest);
                }
            }
            Answer::Refused(reason) if batch.events == 1 => {
                self.note(place, None);
                self.finish(batch, &[(0, reason)], None);
            }
            Answer::Refused(_) => {
                self.note(place, None);
                let half = batch.events / 2;
                let (first, second) = batch.split(half);
                let mut queue = self.shared.queue();
                queue.put_back(second);
                queue.put_back(first);
            }
            Answer::NoPushBatch => self.shared.queue().put_back(batch),
            Answer::Failed(failure) => {
                self.note(place, Some(&failure));
                self.try_again(batch);
            }
        }
    }

    /// Ends the events of a batch, but for those of `rest`. Both lists of their events ascend.
    fn finish(&mut self, mut batch: Batch, rejected: &[(u32, String)], rest: Option<&Batch>) {
        let refused = rejected.len() as u64;
        let stats = {
            let mut queue = self.shared.queue();
            queue.settle(&batch, refused, rest);
            queue.stats()
        };
        self.shared.report_rejected(&batch, rejected);
        if let Some((_, reason)) = rejected.first()
            && is_worth_a_line(stats.rejected, refused)
        {
            let rejected = stats.rejected;
            self.log
                .say(|| warn!(rejected, reason, "the server rejected events"));
        }
        batch.tell(
            |event| match rejected.binary_search_by_key(&event, |(index, _)| *index) {
                Ok(place) => Err(PushError::Rejected(rejected[place].1.clone())),
                Err(_) => Ok(()),
            },
        );
        self.shared.queue().reuse(batch);
    }

    /// Puts a batch back; one whose time is over is left to the spool, or given up.
    fn try_again(&mut self, mut batch: Batch) {
        let is_spent = batch.gauge == Gauge::Pending
            && batch
                .first_try
                .is_some_and(|first_try| clock::now() - first_try >= self.retry_for);
        if is_spent && self.spooler.as_ref().is_none_or(Spooler::is_closed) {
            return self.give_up(batch, LossReason::RetriesSpent);
        }
        if is_spent && batch.file.is_some() {
            self.shared.queue().count_as_spooled(&mut batch);
            batch.tell(|_| Err(PushError::Spooled));
        }
        batch.is_overdue = is_spent && batch.file.is_none();
        let mut queue = self.shared.queue();
        if !is_spent {
            queue.count_retry();
        }
        queue.put_back(batch);
    }

    fn give_up(&mut self, batch: Batch, reason: LossReason) {
        if let Some(lost) = self.shared.lose_batch(batch, reason) {
            self.log.say(|| lost.say());
        }
    }

    /// Keeps the pauses of a server: `failure` is what went wrong, if anything did.
    fn note(&mut self, place: usize, failure: Option<&Failure>) {
        let (backoff, server) = (
            &mut self.lanes[place].backoff,
            self.transports[place].server(),
        );
        let was_failing = backoff.is_failing();
        let Some(failure) = failure else {
            backoff.succeed();
            if was_failing {
                self.log.say(|| info!(server, "events are delivered again"));
            }
            return;
        };
        if !backoff.fail(clock::now(), failure.pushback, fastrand::f64()) {
            return;
        }
        let reason = &*failure.reason;
        if !was_failing {
            self.log
                .say(|| warn!(server, reason, "events cannot be delivered; trying again"));
        }
        self.unauthenticated += u64::from(failure.unauthenticated);
        let times = self.unauthenticated;
        if failure.unauthenticated && is_worth_a_line(times, 1) {
            let fix = self.transports[place].token_fix();
            self.log
                .say(|| warn!(server, times, reason, "the server refuses the token; {fix}"));
        }
    }
}

#[cfg(test)]
#[path = "outage_tests.rs"]
mod outage_tests;

#[cfg(test)]
#[path = "simulated.rs"]
mod simulated;

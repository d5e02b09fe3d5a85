//! The client's own thread: sends what is due, settles what is answered, and ends when the last event has.
//!
//! It has a runtime of its own, so that nothing of the application's can block it, nor it the application.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::sleep_until;
use tonic::transport::Endpoint;
use tracing::{Dispatch, dispatcher, info, warn};

use crate::client::Shared;
use crate::queue::Done;
use crate::retry::Backoff;
use crate::segment::Batch;
use crate::stats::LossReason;
use crate::transport::{Answer, Transport};

/// How many batches may be on their way at once.
const IN_FLIGHT_MAX: usize = 4;

/// How long a worker without anything to do sleeps at most; it is woken when there is.
const IDLE: Duration = Duration::from_hours(1);

/// How a worker delivers.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeout: Duration,
    pub(crate) retry_for: Duration,
}

/// Starts the thread.
pub(crate) fn start(shared: Arc<Shared>, delivery: Delivery) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let log = dispatcher::get_default(Dispatch::clone);
    let run = move || {
        // However the worker ends, nobody waits for it in vain.
        let _ending = Ending(Arc::clone(&shared));
        // The transport's own spans and events must not become events of this program.
        dispatcher::with_default(&Dispatch::none(), || {
            runtime.block_on(async { Worker::new(shared, &delivery, log).run().await });
        });
    };
    std::thread::Builder::new()
        .name("logeater".to_owned())
        .spawn(run)
        .map(drop)
}

struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        end(self.0.queue().abandon());
    }
}

fn end(waits: Vec<(Done, bool)>) {
    for (done, in_time) in waits {
        done(in_time);
    }
}

struct Worker {
    shared: Arc<Shared>,
    transport: Transport,
    retry_for: Duration,
    log: Dispatch,
    sends: JoinSet<Answer>,
    in_flight: HashMap<task::Id, Batch>,
    backoff: Backoff,
    not_before: Option<Instant>,
    was_draining: bool,
}

/// What ended a sleep.
enum Woken {
    Answered(Result<(task::Id, Answer), JoinError>),
    ByCallOrTimer,
}

impl Worker {
    fn new(shared: Arc<Shared>, delivery: &Delivery, log: Dispatch) -> Self {
        Self {
            shared,
            transport: Transport::new(&delivery.endpoint, delivery.timeout),
            retry_for: delivery.retry_for,
            log,
            sends: JoinSet::new(),
            in_flight: HashMap::new(),
            backoff: Backoff::default(),
            not_before: None,
            was_draining: false,
        }
    }

    async fn run(mut self) {
        loop {
            let now = Instant::now();
            self.end_waits(now);
            if self.shared.queue().is_over(now) {
                return;
            }
            self.hurry_if_draining();
            let wake_at = self.send_what_is_due(now);
            match self.sleep(wake_at).await {
                Woken::Answered(Ok((id, answer))) => self.settle(id, answer),
                Woken::Answered(Err(error)) => {
                    self.settle(error.id(), Answer::Failed(error.to_string()));
                }
                Woken::ByCallOrTimer => {}
            }
        }
    }

    fn end_waits(&self, now: Instant) {
        end(self.shared.queue().finished_flushes(now));
    }

    /// A pause that was begun before the shutdown would take from its time.
    fn hurry_if_draining(&mut self) {
        let draining = self.shared.queue().is_draining();
        if draining && !self.was_draining {
            self.not_before = None;
        }
        self.was_draining = draining;
    }

    /// Sends as much as may be on its way, and says when there is more to do.
    fn send_what_is_due(&mut self, now: Instant) -> Instant {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue();
        let window = self.window();
        let paused = self.not_before.is_some_and(|not_before| now < not_before);
        while !paused
            && self.in_flight.len() < window
            && let Some(batch) = queue.next_batch(now)
        {
            let send = self
                .transport
                .clone()
                .send(batch.bytes.clone(), batch.events);
            let id = self.sends.spawn(send).id();
            self.in_flight.insert(id, batch);
        }
        let open_due = queue
            .open_due()
            .filter(|_| !paused && self.in_flight.len() < window);
        queue.set_idle(open_due.is_none());
        let pause_ends = self.not_before.filter(|_| paused);
        [open_due, pause_ends, queue.next_deadline()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + IDLE)
    }

    fn window(&self) -> usize {
        // After a failure one batch finds out for all; and `Push` has a window of its own within a batch.
        if self.backoff.is_failing() || self.transport.is_one_by_one() {
            1
        } else {
            IN_FLIGHT_MAX
        }
    }

    async fn sleep(&mut self, wake_at: Instant) -> Woken {
        let mut called = pin!(self.shared.wake.notified());
        let mut timer = pin!(sleep_until(wake_at.into()));
        let sends = &mut self.sends;
        poll_fn(|context| {
            if let Poll::Ready(Some(answer)) = sends.poll_join_next_with_id(context) {
                return Poll::Ready(Woken::Answered(answer));
            }
            if called.as_mut().poll(context).is_ready() || timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::ByCallOrTimer);
            }
            Poll::Pending
        })
        .await
    }

    fn settle(&mut self, id: task::Id, answer: Answer) {
        let Some(batch) = self.in_flight.remove(&id) else {
            return;
        };
        match answer {
            Answer::Settled {
                rejected,
                again,
                failure,
            } => {
                self.note_rejected(&rejected);
                self.note(failure.as_deref());
                self.shared.queue().settle(batch, &rejected, &again);
            }
            Answer::Refused(reason) if batch.events == 1 => {
                let rejected = [(0, reason)];
                self.note_rejected(&rejected);
                self.note(None);
                self.shared.queue().settle(batch, &rejected, &[]);
            }
            Answer::Refused(_) => {
                self.note(None);
                let (first, second) = batch.halve();
                let mut queue = self.shared.queue();
                queue.put_back(second);
                queue.put_back(first);
            }
            Answer::NoPushBatch => {
                self.note(None);
                self.shared.queue().put_back(batch);
            }
            Answer::Failed(reason) => self.fail(batch, &reason),
        }
    }

    fn fail(&mut self, batch: Batch, reason: &str) {
        self.note(Some(reason));
        let spent = batch
            .first_try
            .is_some_and(|first_try| first_try.elapsed() >= self.retry_for);
        let mut queue = self.shared.queue();
        if spent {
            queue.give_up(batch, LossReason::RetriesSpent);
        } else {
            queue.count_retry();
            queue.put_back(batch);
        }
    }

    /// Keeps the pauses: `failure` is what went wrong, if anything did. Said once, not once per try.
    fn note(&mut self, failure: Option<&str>) {
        let was_failing = self.backoff.is_failing();
        if let Some(reason) = failure {
            let pause = self.backoff.fail(fastrand::f64());
            self.not_before = Some(Instant::now() + pause);
            if !was_failing {
                self.say(|| warn!(reason, "events cannot be delivered; trying again"));
            }
        } else {
            self.backoff.succeed();
            self.not_before = None;
            if was_failing {
                self.say(|| info!("events are delivered again"));
            }
        }
    }

    fn note_rejected(&self, rejected: &[(u32, String)]) {
        if let Some((_, reason)) = rejected.first() {
            self.say(|| {
                warn!(
                    events = rejected.len(),
                    reason, "the server rejected events"
                );
            });
        }
    }

    fn say(&self, what: impl FnOnce()) {
        dispatcher::with_default(&self.log, what);
    }
}

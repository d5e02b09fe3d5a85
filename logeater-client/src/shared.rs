//! What the handles and the worker share: the way of an event into the queue, and the waits for its end.

mod loss;

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use logeater_proto::EntryRef;
use logeater_schema::Event;
use tokio::sync::{Notify, oneshot};

use crate::client::PushError;
use crate::clock;
use crate::encode::Encoder;
use crate::loss::{LossReason, LossReports};
#[cfg(feature = "metrics")]
use crate::metrics::Metrics;
use crate::queue::{Admitted, Done, Queue};
use crate::sampling::Sampling;
use crate::segment::{Batch, Waiter};
use crate::starter::{NoWorker, Start, Starter};
use crate::stats::Gauge;
use crate::timestamp::since_epoch;
use crate::when_full::WhenFull;

pub(crate) use loss::Lost;

/// As good as never, and within what every clock can hold.
pub(crate) const FAR: Duration = Duration::from_hours(365 * 24);

/// What a blocking wait allows the worker beyond its deadline before it no longer believes in it.
const GRACE: Duration = Duration::from_millis(500);

/// How much of a shutdown's time is kept at most for writing to the spool what was not delivered.
const SAVING_MAX: Duration = Duration::from_secs(1);

/// How long that may take, however short the time of the shutdown.
const SAVING_MIN: Duration = Duration::from_millis(250);

/// What the handles and the worker share.
pub(crate) struct Shared {
    encoder: Encoder,
    sampling: Sampling,
    when_full: WhenFull,
    has_spool: bool,
    queue: Mutex<Queue>,
    losses: Option<LossReports>,
    worker: Starter,
    wake: Notify,
    #[cfg(feature = "metrics")]
    metrics: Metrics,
}

impl Shared {
    pub(crate) fn new(
        encoder: Encoder,
        sampling: Sampling,
        when_full: WhenFull,
        has_spool: bool,
        queue: Queue,
        losses: Option<LossReports>,
        start: Start,
    ) -> Self {
        Self {
            encoder,
            sampling,
            when_full,
            has_spool,
            queue: Mutex::new(queue),
            losses,
            worker: Starter::new(start),
            wake: Notify::new(),
            #[cfg(feature = "metrics")]
            metrics: Metrics::default(),
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code of the application's runs under the lock, and the queue's own leaves it whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether sampling leaves an event out, which is then counted.
    pub(crate) fn leaves_out<E: Event>(&self, event: &E) -> bool {
        let is_out = !self.sampling.is_none() && !self.sampling.picks(event_type(event));
        if is_out {
            self.queue().leave_out();
        }
        is_out
    }

    /// Takes an event, or loses it.
    pub(crate) fn accept<E: Event>(
        self: &Arc<Self>,
        event: &E,
        waiter: Option<Waiter>,
    ) -> Result<(), LossReason> {
        self.encode(event, |entry, now_millis| {
            self.enqueue(entry, now_millis, waiter)
        })
    }

    /// Takes an event, or loses it, or says when it is taken or lost: while there is no room for it.
    pub(crate) fn accept_or_wait<E: Event>(
        self: &Arc<Self>,
        event: &E,
    ) -> Option<oneshot::Receiver<()>> {
        let waits = self.encode(event, |entry, now_millis| {
            self.enqueue_or_wait(entry, now_millis)
        });
        waits.ok().flatten()
    }

    /// Hands an event's entry and the time to `enqueue`, and loses the event if it has no entry, or is not taken.
    fn encode<E: Event, T>(
        &self,
        event: &E,
        enqueue: impl FnOnce(&[u8], u64) -> Result<T, LossReason>,
    ) -> Result<T, LossReason> {
        let now = since_epoch();
        let now_millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        match self.encoder.encode(event, now) {
            Ok(entry) => enqueue(&entry, now_millis)
                .map_err(|reason| self.lose(event_type(event), reason, None)),
            Err(why) => Err(self.lose(event_type(event), LossReason::Invalid, Some(&why))),
        }
    }

    fn enqueue(
        self: &Arc<Self>,
        entry: &[u8],
        now_millis: u64,
        mut waiter: Option<Waiter>,
    ) -> Result<(), LossReason> {
        loop {
            let taken = self.queue().append(entry, now_millis, &mut waiter);
            match taken {
                Err(LossReason::QueueFull) if self.make_way() => {}
                taken => return taken.map(|wake| self.wake_if(wake)),
            }
        }
    }

    fn enqueue_or_wait(
        self: &Arc<Self>,
        entry: &[u8],
        now_millis: u64,
    ) -> Result<Option<oneshot::Receiver<()>>, LossReason> {
        let mut queue = self.queue();
        let (wake, waits) = match queue.append_in_turn(entry, now_millis) {
            Ok(wake) => (wake, None),
            Err(LossReason::QueueFull) => {
                let waits = queue.wait_for_room(entry, now_millis);
                (queue.take_unseen(), Some(waits))
            }
            Err(reason) => return Err(reason),
        };
        drop(queue);
        self.wake_if(wake);
        Ok(waits)
    }

    fn wake_if(self: &Arc<Self>, wake: bool) {
        if wake {
            self.wake();
        }
    }

    /// Starts the worker, if nobody did.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), NoWorker> {
        self.worker.start(self)
    }

    /// Has the worker look at the queue. The lock must not be held.
    pub(crate) fn wake(self: &Arc<Self>) {
        match self.start() {
            Ok(()) => self.wake.notify_one(),
            // Nobody waits for a thread that may never be. The next event tries again.
            Err(NoWorker::System(_)) => self.abandon(LossReason::NoThread),
            Err(NoWorker::Forked) => self.end(),
        }
    }

    /// Ready when the worker is to look at the queue.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Makes the counters known as metrics, now and then.
    #[cfg(feature = "metrics")]
    pub(crate) fn publish_in_turn(&self, now: Instant) {
        self.metrics.publish_in_turn(|| self.queue().stats(), now);
    }

    /// Ends waits: the application's code goes on, with all metrics known. No lock may be held.
    #[cfg_attr(
        not(feature = "metrics"),
        expect(clippy::unused_self, reason = "it is for the metrics")
    )]
    pub(crate) fn end_waits(&self, waits: Vec<(Done, bool)>) {
        #[cfg(feature = "metrics")]
        if !waits.is_empty() {
            self.metrics.publish(|| self.queue().stats(), clock::now());
        }
        for (done, in_time) in waits {
            done(in_time);
        }
    }

    /// Takes the oldest events out of the way that are on disk, or that may be dropped, if there are any.
    #[cold]
    fn make_way(self: &Arc<Self>) -> bool {
        let drop_oldest = self.when_full == WhenFull::DropOldest;
        let (taken, wake) = {
            let mut queue = self.queue();
            (queue.make_way(drop_oldest), queue.take_unseen())
        };
        self.wake_if(wake);
        let Some(batch) = taken else { return false };
        if batch.gauge == Gauge::Spooled {
            self.let_go(batch);
        } else if let Some(lost) = self.lose_batch(batch, LossReason::QueueFull) {
            lost.say();
        }
        true
    }

    /// Tells everybody who waits for a batch that it is on disk, and takes back its memory. The lock must not be held.
    pub(crate) fn let_go(&self, mut batch: Batch) {
        batch.tell(|_| Err(PushError::Spooled));
        self.queue().reuse(batch);
    }

    /// Lets those go on who wait for room, as far as there is some.
    pub(crate) fn admit(&self) {
        let admitted = self.queue().admit();
        for Admitted { taken, lost } in admitted {
            if let Some((entry, reason)) = lost {
                // The entry is this program's own work, so it is whole.
                let event_type = EntryRef::decode(&entry).map_or("", |entry| entry.event_type);
                self.lose(event_type, reason, None);
            }
            // Who no longer waits does not care.
            let _ = taken.send(());
        }
    }

    /// Asks the worker to call `done` when everything emitted so far has an end.
    pub(crate) fn flush(self: &Arc<Self>, timeout: Duration, done: Done) {
        let ended = self.queue().flush(deadline(timeout), done);
        self.end_or_wake(ended);
    }

    pub(crate) fn flush_blocking(self: &Arc<Self>, timeout: Duration) -> bool {
        wait(timeout, |done| self.flush(timeout, done))
    }

    /// Asks the worker to call `done` when it has ended every event, and itself.
    pub(crate) fn shut_down(self: &Arc<Self>, timeout: Duration, done: Done) {
        let (mut delivering, mut all) = (timeout, timeout);
        if self.has_spool {
            delivering -= (timeout / 2).clamp(SAVING_MIN, SAVING_MAX).min(timeout);
            all = timeout.max(SAVING_MIN);
        }
        let (save_at, until) = (deadline(delivering), deadline(all));
        let ended = self.queue().shut_down(save_at, until, done);
        self.end_or_wake(ended);
    }

    /// Ends a wait for which there is nothing to wait, or has the worker see to it.
    fn end_or_wake(self: &Arc<Self>, ended: Option<Done>) {
        match ended {
            Some(done) => self.end_waits(vec![(done, true)]),
            None => self.wake(),
        }
    }

    pub(crate) fn shut_down_blocking(self: &Arc<Self>, timeout: Duration) {
        wait(timeout, |done| self.shut_down(timeout, done));
    }
}

/// Blocks until `begin`'s callback is called; false if it never is.
fn wait(timeout: Duration, begin: impl FnOnce(Done)) -> bool {
    let (done, ended) = sync_channel(1);
    begin(Box::new(move |in_time| _ = done.send(in_time)));
    ended
        .recv_timeout(timeout.saturating_add(GRACE))
        .unwrap_or(false)
}

/// The end of a span that begins now; far away for one that the clock cannot hold.
fn deadline(timeout: Duration) -> Instant {
    let now = clock::now();
    now.checked_add(timeout).unwrap_or_else(|| now + FAR)
}

/// The name of an event's type; of its Rust type, if it does not say.
fn event_type<E: Event>(event: &E) -> &'static str {
    catch_unwind(AssertUnwindSafe(|| event.event_type().name)).unwrap_or_else(|_| type_name::<E>())
}

//! What the handles and the worker share: the way of an event into the queue, and the waits for its end.

use std::any::type_name;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use logeater_schema::Event;
use tokio::sync::Notify;
use tracing::warn;

use crate::encode::{Encoder, unix_millis};
use crate::queue::{Done, Queue};
use crate::segment::Waiter;
use crate::stats::{LossReason, is_worth_a_line};

/// As good as never, and within what every clock can hold.
pub(crate) const FAR: Duration = Duration::from_hours(365 * 24);

/// What a blocking wait allows the worker beyond its deadline before it no longer believes in it.
const GRACE: Duration = Duration::from_millis(500);

/// What the handles and the worker share.
pub(crate) struct Shared {
    encoder: Encoder,
    queue: Mutex<Queue>,
    pub(crate) wake: Notify,
}

impl Shared {
    pub(crate) fn new(encoder: Encoder, queue: Queue) -> Self {
        Self {
            encoder,
            queue: Mutex::new(queue),
            wake: Notify::new(),
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code of the application's runs under the lock, and the queue's own leaves it whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn accept<E: Event>(
        &self,
        event: &E,
        waiter: Option<Waiter>,
    ) -> Result<(), LossReason> {
        let now = SystemTime::now();
        self.encoder.encode(event, now, |entry| match entry {
            Ok(entry) => self.enqueue(entry, now, waiter),
            Err(why) => Err(self.lose(LossReason::Invalid, Some((type_name::<E>(), &*why)))),
        })
    }

    fn enqueue(
        &self,
        entry: &[u8],
        now: SystemTime,
        waiter: Option<Waiter>,
    ) -> Result<(), LossReason> {
        let taken = self.queue().append(entry, unix_millis(now), waiter);
        match taken {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.wake.notify_one();
                Ok(())
            }
            Err(reason) => Err(self.lose(reason, None)),
        }
    }

    /// Counts the loss of an event, and says it, if it is time to.
    #[cold]
    fn lose(&self, reason: LossReason, invalid: Option<(&str, &str)>) -> LossReason {
        let lost = {
            let mut queue = self.queue();
            queue.lose(reason);
            queue.stats().dropped_for(reason)
        };
        if is_worth_a_line(lost, 1) {
            if let Some((event, why)) = invalid {
                warn!(lost, %reason, event, why, "an event was dropped");
            } else {
                warn!(lost, %reason, "an event was dropped");
            }
        }
        reason
    }

    /// Asks the worker to call `done` when everything emitted so far has an end.
    pub(crate) fn flush(&self, timeout: Duration, done: Done) {
        let ended = self.queue().flush(deadline(timeout), done);
        self.end_or_wake(ended);
    }

    pub(crate) fn flush_blocking(&self, timeout: Duration) -> bool {
        wait(timeout, |done| self.flush(timeout, done))
    }

    /// Asks the worker to call `done` when it has ended every event, and itself.
    pub(crate) fn shut_down(&self, timeout: Duration, done: Done) {
        let ended = self.queue().shut_down(deadline(timeout), done);
        self.end_or_wake(ended);
    }

    /// Ends a wait for which there is nothing to wait, or has the worker see to it.
    fn end_or_wake(&self, ended: Option<Done>) {
        match ended {
            Some(done) => done(true),
            None => self.wake.notify_one(),
        }
    }

    pub(crate) fn shut_down_blocking(&self, timeout: Duration) {
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
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or_else(|| now + FAR)
}

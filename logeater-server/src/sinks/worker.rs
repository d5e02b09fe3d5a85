//! Delivers one batch until each of its events has an end: stored, left out by a rule, or dead.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::config::SinkConfig;
use super::delivery::Delivery;
use super::status::Status;
use crate::StoredEvent;
use crate::rules::{Fate, Rules};
use crate::store::cursors::DeadLetter;

/// The first pause after a failure, before jitter.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause after a failure, before jitter.
pub(super) const PAUSE_MAX: Duration = Duration::from_mins(1);

/// What became of the events of a batch.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) delivered: u64,
    pub(super) left_out: u64,
    pub(super) dead: Vec<DeadLetter>,
}

impl Ended {
    pub(super) fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.left_out += other.left_out;
        self.dead.extend(other.dead);
    }
}

/// Delivers batches to one sink. Clones do the same.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) name: Arc<str>,
    pub(super) config: SinkConfig,
    pub(super) status: Arc<Status>,
    pub(super) rules: watch::Receiver<Arc<Rules>>,
    pub(super) paused: watch::Receiver<bool>,
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// Delivers events, however long that takes; `None` if the collector stops before all have an end.
    ///
    /// Each try is made by the rules of the moment, and none is made while the sink is paused.
    pub(super) async fn deliver(mut self, events: Vec<StoredEvent>) -> Option<Ended> {
        let mut ended = Ended::default();
        let mut parts = VecDeque::from([Arc::new(events)]);
        let mut backoff = backoff();
        while let Some(part) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            self.resumed().await?;
            let (sorted, delivery) = match self.sort(&part, &mut ended).await? {
                Ok(sorted) if sorted.left.is_empty() => {
                    // What a sink failed at may be what the rules leave out now.
                    self.status.succeed(&self.name);
                    continue;
                }
                Ok(sorted) => {
                    let delivery = self.attempt(&sorted.left).await;
                    (sorted, delivery)
                }
                Err(error) => {
                    let reason = format!("there is no thread for the filters: {error}");
                    (Sorted::all(part), Ok(Delivery::failed(reason)))
                }
            };
            let delivery = match delivery {
                Ok(delivery) => delivery.of(sorted.left.len()),
                // Whichever event it is that the sink panics on, it must not keep the others.
                Err(_) if sorted.left.len() > 1 => {
                    let (first, second) = sorted.places.split_at(sorted.places.len() / 2);
                    parts.push_front(sorted.events_at(second));
                    parts.push_front(sorted.events_at(first));
                    continue;
                }
                Err(panic) => Delivery::stored().refuse(0, format!("the sink panicked: {panic}")),
            };
            let (failure, pause) = (delivery.failure.clone(), delivery.pause);
            parts.push_front(sorted.settle(delivery, &mut ended));
            match failure {
                None => self.status.succeed(&self.name),
                Some(reason) => {
                    self.status.fail(&self.name, &reason);
                    let pause = pause.or_else(|| backoff.next()).unwrap_or(PAUSE_MAX);
                    self.rest(pause).await?;
                }
            }
        }
        Some(ended)
    }

    /// Waits while the sink is paused; `None` if the collector stops meanwhile.
    async fn resumed(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            _ = self.paused.wait_for(|is_paused| !is_paused) => Some(()),
            () = self.stop.cancelled() => None,
        }
    }

    /// Waits until it is worth another try: for a while, or less if there are new rules, or the sink is paused, which
    /// is resumed by somebody who has mended it. `None` if the collector stops meanwhile.
    async fn rest(&mut self, pause: Duration) -> Option<()> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Some(()),
            Ok(()) = self.rules.changed() => Some(()),
            Ok(_) = self.paused.wait_for(|is_paused| *is_paused) => Some(()),
            () = self.stop.cancelled() => None,
        }
    }

    /// What the rules of the moment leave. Filters may take their time, which is not that of the tasks.
    ///
    /// An error if there is no thread for that; `None` if the collector ends.
    async fn sort(
        &mut self,
        events: &Arc<Vec<StoredEvent>>,
        ended: &mut Ended,
    ) -> Option<io::Result<Sorted>> {
        let (rules, events) = (
            Arc::clone(&self.rules.borrow_and_update()),
            Arc::clone(events),
        );
        if rules.is_empty() {
            return Some(Ok(Sorted::all(events)));
        }
        let (name, given) = (Arc::clone(&self.name), Arc::clone(&events));
        let applied = spawn_blocking(move || rules.apply_to_all(&name, &given));
        let fates = applied.await.ok()?;
        Some(fates.map(|fates| Sorted::new(events, fates, ended)))
    }

    /// One delivery, in a task of its own, so that a panic stays there.
    async fn attempt(&self, part: &Arc<Vec<StoredEvent>>) -> Result<Delivery, JoinError> {
        let (sink, part) = (Arc::clone(&self.config.sink), Arc::clone(part));
        let patience = self.config.timeout;
        let mut task = JoinSet::new();
        task.spawn(async move {
            timeout(patience, sink.deliver(&part))
                .await
                .unwrap_or_else(|_| Delivery::failed(format!("no answer within {patience:?}")))
        });
        match task.join_next().await {
            Some(delivery) => delivery,
            None => Ok(Delivery::failed("nothing was delivered")),
        }
    }
}

/// Events as the store has them, and what the rules leave of them.
struct Sorted {
    events: Arc<Vec<StoredEvent>>,
    /// The places of those that are left.
    places: Vec<usize>,
    /// The same as they are delivered.
    left: Arc<Vec<StoredEvent>>,
}

impl Sorted {
    /// All are left as they are.
    fn all(events: Arc<Vec<StoredEvent>>) -> Self {
        Self {
            places: (0..events.len()).collect(),
            left: Arc::clone(&events),
            events,
        }
    }

    /// Counts those that have their end.
    fn new(events: Arc<Vec<StoredEvent>>, fates: Vec<Fate>, ended: &mut Ended) -> Self {
        let (mut places, mut left) = (Vec::new(), Vec::new());
        for (place, fate) in fates.into_iter().enumerate() {
            match fate {
                Fate::Deliver(event) => {
                    places.push(place);
                    left.push(event);
                }
                Fate::LeaveOut => ended.left_out += 1,
                Fate::Refuse(event, reason) => ended.dead.push(DeadLetter { event, reason }),
            }
        }
        Self {
            events,
            places,
            left: Arc::new(left),
        }
    }

    /// Those at these places, as the store has them.
    fn events_at(&self, places: &[usize]) -> Arc<Vec<StoredEvent>> {
        let at = |place: &usize| self.events.get(*place).cloned();
        Arc::new(places.iter().filter_map(at).collect())
    }

    /// Counts what has ended of a delivery, and returns what is to be tried again, as the store has it.
    fn settle(&self, mut delivery: Delivery, ended: &mut Ended) -> Arc<Vec<StoredEvent>> {
        let mut again = Vec::new();
        for (index, (place, event)) in self.places.iter().zip(&*self.left).enumerate() {
            if let Some(reason) = delivery.is_refused(index) {
                let event = event.clone();
                ended.dead.push(DeadLetter { event, reason });
            } else if delivery.is_again(index) {
                again.push(*place);
            } else {
                ended.delivered += 1;
            }
        }
        self.events_at(&again)
    }
}

pub(super) fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;

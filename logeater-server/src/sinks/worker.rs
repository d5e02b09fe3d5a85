//! Delivers one batch until each of its events has an end: stored, left out by a rule, or dead.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
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
const PAUSE_MAX: Duration = Duration::from_mins(1);

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
    pub(super) stop: CancellationToken,
}

impl Worker {
    /// Delivers events, however long that takes; `None` if the collector stops before all have an end.
    pub(super) async fn deliver(
        self,
        events: Vec<StoredEvent>,
        rules: Arc<Rules>,
    ) -> Option<Ended> {
        let (events, mut ended) = self.sort(events, rules).await?;
        let mut parts = VecDeque::from([Arc::new(events)]);
        let mut backoff = backoff();
        while let Some(part) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            let delivery = match self.attempt(&part).await {
                Ok(delivery) => delivery.of(part.len()),
                // Whichever event it is that the sink panics on, it must not keep the others.
                Err(_) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push_front(Arc::new(second.to_vec()));
                    parts.push_front(Arc::new(first.to_vec()));
                    continue;
                }
                Err(panic) => Delivery::stored().refuse(0, format!("the sink panicked: {panic}")),
            };
            let (failure, pause) = (delivery.failure.clone(), delivery.pause);
            let again = settle(&part, delivery, &mut ended);
            parts.push_front(Arc::new(again));
            match failure {
                None => self.status.succeed(&self.name),
                Some(reason) => {
                    self.status.fail(&self.name, &reason);
                    let pause = pause.or_else(|| backoff.next()).unwrap_or(PAUSE_MAX);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.stop.cancelled() => return None,
                    }
                }
            }
        }
        Some(ended)
    }

    /// What the rules leave of a batch. Filters may take their time, which is not that of the tasks.
    ///
    /// `None` if that could not be done.
    async fn sort(
        &self,
        events: Vec<StoredEvent>,
        rules: Arc<Rules>,
    ) -> Option<(Vec<StoredEvent>, Ended)> {
        let name = Arc::clone(&self.name);
        let fates = spawn_blocking(move || rules.apply_to_all(&name, events));
        let (mut kept, mut ended) = (Vec::new(), Ended::default());
        for fate in fates.await.ok()? {
            match fate {
                Fate::Deliver(event) => kept.push(event),
                Fate::LeaveOut => ended.left_out += 1,
                Fate::Refuse(event, reason) => ended.dead.push(DeadLetter { event, reason }),
            }
        }
        Some((kept, ended))
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

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Counts what has ended of a delivery, and returns what is to be tried again.
fn settle(part: &[StoredEvent], mut delivery: Delivery, ended: &mut Ended) -> Vec<StoredEvent> {
    let mut again = Vec::new();
    for (index, event) in part.iter().enumerate() {
        if let Some(reason) = delivery.is_refused(index) {
            let event = event.clone();
            ended.dead.push(DeadLetter { event, reason });
        } else if delivery.is_again(index) {
            again.push(event.clone());
        } else {
            ended.delivered += 1;
        }
    }
    again
}

//! Keeps the store within its age and its size: removes what every sink has passed, oldest first.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::steady::Steady;
use crate::store::retention::{self, Ballast, Bounds, Removed, TooOld};
use crate::store::{self, Queue, Refusal};

/// How often it is looked whether there is too much.
const EVERY: Duration = Duration::from_secs(10);

/// The pause after it was looked because the disk is full: as long as it is, every push finds it so.
const PAUSE: Duration = Duration::from_secs(1);

/// How long events are kept, and how many: both at most.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retention {
    pub(crate) age: Option<Duration>,
    pub(crate) size: Option<u64>,
    pub(crate) ballast: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: None,
            size: None,
            ballast: 16 << 20,
        }
    }
}

impl Retention {
    /// Events are removed once they were stored so long ago, and dead letters once they were refused so long ago.
    ///
    /// By the system's clock: where that jumps, events stay longer by as much as it was wrong, and are not removed earlier,
    /// but for a clock that is ahead when the collector starts, or for more than an hour.
    ///
    /// Default: never.
    pub fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// The oldest events are removed while the store takes more bytes, with their dead letters, and dead letters whose
    /// events are gone. It is looked at every ten seconds. Default: no limit.
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// So many bytes are held in a file beside the store, to be given back when the disk is full: without free space
    /// nothing can be removed. Default: 16 MiB.
    pub fn ballast(mut self, bytes: u64) -> Self {
        self.ballast = bytes;
        self
    }

    fn is_off(&self) -> bool {
        self.age.is_none() && self.size.is_none()
    }

    /// What is too old now.
    fn too_old(&self, now: Timestamp) -> Option<TooOld> {
        let age = SignedDuration::try_from(self.age?).ok()?;
        // A mark speaks for its whole second.
        let age = age.checked_add(SignedDuration::from_secs(1))?;
        Some(TooOld {
            before: text(now.checked_sub(age).ok()?)?,
            now: text(now)?,
        })
    }
}

fn text(moment: Timestamp) -> Option<String> {
    let text = crate::time::moment_text(moment.as_microsecond())?;
    String::from_utf8(text.to_vec()).ok()
}

/// The task that keeps to it.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) retention: Retention,
    pub(crate) sinks: Vec<String>,
    pub(crate) data: PathBuf,
    pub(crate) queue: Queue,
    pub(crate) stop: CancellationToken,
}

impl Keeper {
    /// Works until the collector stops.
    pub(crate) async fn run(self) {
        if self.retention.is_off() {
            return;
        }
        let mut clock = Steady::new(Timestamp::now(), Instant::now());
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = tick.tick() => self.keep(&mut clock).await,
                () = self.queue.disk_full() => {
                    self.keep(&mut clock).await;
                    self.stop.run_until_cancelled(sleep(PAUSE)).await;
                }
            }
        }
    }

    /// Removes what is too much, one chunk after the other, with pushes in between.
    async fn keep(&self, clock: &mut Steady) {
        let (mut events, mut dead_letters, mut stored) = (0, 0, None);
        while !self.stop.is_cancelled() {
            let now = clock.now(Timestamp::now(), Instant::now());
            match self.remove(now, stored).await {
                Ok(removed) => {
                    events += removed.events;
                    dead_letters += removed.dead_letters;
                    stored = Some(removed.stored);
                    if !removed.is_partial {
                        break;
                    }
                }
                Err(refusal) => {
                    tracing::error!("events cannot be removed: {refusal}");
                    break;
                }
            }
        }
        if events + dead_letters > 0 {
            tracing::info!(
                events,
                dead_letters,
                "events and dead letters were removed that are too old or too many"
            );
        }
        // Not before all is removed: it would take the space that the removal needs.
        let ballast = self.ballast();
        let taken = tokio::task::spawn_blocking(move || ballast.take()).await;
        if let Ok(Err(error)) = taken {
            tracing::debug!("there is no space for the ballast: {error}");
        }
    }

    fn ballast(&self) -> Ballast {
        Ballast::new(&self.data, self.retention.ballast)
    }

    async fn remove(&self, now: Timestamp, stored: Option<i64>) -> Result<Removed, Refusal> {
        let bounds = Bounds {
            sinks: self.sinks.clone(),
            too_old: self.retention.too_old(now),
            size: self.retention.size,
            stored,
        };
        let ballast = self.ballast();
        self.queue
            .upkeep(move |conn| remove(conn, &bounds, &ballast))
            .await
    }
}

fn remove(conn: &Connection, bounds: &Bounds, ballast: &Ballast) -> rusqlite::Result<Removed> {
    match retention::remove(conn, bounds) {
        Err(error) if store::is_full(&error) && ballast.give_back() => {
            tracing::warn!("the disk is full: the ballast is given back to remove events");
            let removed = retention::remove(conn, bounds);
            // What was removed is still in the log.
            conn.query_one("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            removed
        }
        removed => removed,
    }
}

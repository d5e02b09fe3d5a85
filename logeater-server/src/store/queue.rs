//! The bounded way from the requests to the writer, and what is said to a request that it does not take.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::change::{Change, Work};
use crate::batch::Batch;
use crate::stats::Counts;

/// The senders' side of the queue. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    messages: Sender<Message>,
    room: Arc<Semaphore>,
    capacity: usize,
    full: Arc<Notify>,
}

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Store these rows.
    Store(Push),
    /// Do this in the next transaction.
    Change(Box<dyn Work>),
    /// Do this between two transactions.
    Upkeep(Box<dyn Work>),
    /// Commit what came before and end.
    Close,
}

/// One request's rows.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) batch: Batch,
    /// The request's entries that were refused already, to be counted when the others are safe.
    pub(super) refused: u64,
    pub(super) done: oneshot::Sender<Result<Counts, Refusal>>,
    /// Gives the room back when this is dropped.
    pub(super) room: Room,
}

/// Room in the queue, in bytes, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Room(OwnedSemaphorePermit);

impl Room {
    pub(super) fn bytes(&self) -> usize {
        self.0.num_permits()
    }
}

/// Why rows were not stored. Sending them again later helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// More requests are waiting than the queue may hold.
    #[error("more is waiting to be stored than the queue may hold; send it again later")]
    QueueFull,
    /// There is no space left for the store.
    #[error("the disk of the store is full; nothing of this request was stored")]
    DiskFull,
    /// The store failed, and says why.
    #[error("the store failed, and nothing of this request was stored: {0}")]
    Failed(String),
    /// The collector is shutting down.
    #[error("the collector is shutting down; send it again")]
    Closed,
}

impl Queue {
    pub(super) fn new(bytes: usize, requests: usize) -> (Self, Receiver<Message>) {
        let capacity = bytes.min(u32::MAX as usize);
        let (messages, jobs) = channel(requests);
        (
            Self {
                messages,
                room: Arc::new(Semaphore::new(capacity)),
                capacity,
                full: Arc::default(),
            },
            jobs,
        )
    }

    /// Takes room for a request before anything is done for it.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Room, Refusal> {
        // One that is larger than the whole queue may still pass, alone.
        let bytes = u32::try_from(bytes.min(self.capacity)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        permit.map(Room).map_err(|_| Refusal::QueueFull)
    }

    /// How many bytes wait, and how many may.
    #[cfg(feature = "web")]
    pub(crate) fn bytes(&self) -> (usize, usize) {
        let waiting = self.capacity.saturating_sub(self.room.available_permits());
        (waiting, self.capacity)
    }

    /// Hands rows to the writer and waits until they are safe.
    pub(crate) async fn store(
        &self,
        batch: Batch,
        refused: u64,
        mut room: Room,
    ) -> Result<Counts, Refusal> {
        let made = batch
            .made_bytes()
            .min(self.capacity.saturating_sub(room.bytes()));
        room.0.merge(self.reserve(made)?.0);
        let (done, stored) = oneshot::channel();
        let push = Push {
            batch,
            refused,
            done,
            room,
        };
        self.messages
            .try_send(Message::Store(push))
            .map_err(|error| match error {
                TrySendError::Full(_) => Refusal::QueueFull,
                TrySendError::Closed(_) => Refusal::Closed,
            })?;
        let stored = stored.await.unwrap_or(Err(Refusal::Closed));
        if stored == Err(Refusal::DiskFull) {
            self.full.notify_one();
        }
        stored
    }

    /// Waits until rows have found the disk full, since the last call or from now on.
    pub(crate) async fn disk_full(&self) {
        self.full.notified().await;
    }

    /// Changes the store's own tables in the writer's next transaction, and waits until that is safe.
    ///
    /// It waits for its turn where pushes are refused. It may be done once more if the transaction had to be given up.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (change, done) = Change::new(change);
        self.send(Message::Change(Box::new(change)), done).await
    }

    /// Does what needs transactions of its own, or none, on the writer's connection, and waits for its end.
    ///
    /// Nothing is stored meanwhile: it must be short.
    pub(crate) async fn upkeep<T: Send + 'static>(
        &self,
        upkeep: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (upkeep, done) = Change::new(upkeep);
        self.send(Message::Upkeep(Box::new(upkeep)), done).await
    }

    async fn send<T>(
        &self,
        message: Message,
        done: oneshot::Receiver<Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let sent = self.messages.send(message).await;
        sent.map_err(|_| Refusal::Closed)?;
        done.await.unwrap_or(Err(Refusal::Closed))
    }

    /// Tells the writer to end. Blocks while the queue is full, and must not be called by a task.
    pub(super) fn close(&self) {
        // A writer that is gone needs no telling.
        let _ = self.messages.blocking_send(Message::Close);
    }
}

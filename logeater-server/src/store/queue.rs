//! The bounded way from the requests to the writer, and what is said to a request that it does not take.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::batch::Batch;
use crate::stats::Counts;

/// The senders' side of the queue. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    messages: SyncSender<Message>,
    room: Arc<Semaphore>,
    capacity: usize,
}

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Store this.
    Store(Job),
    /// Commit what came before and end.
    Close,
}

/// One request's rows.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) batch: Batch,
    /// The request's entries that were refused already, to be counted when the others are safe.
    pub(super) refused: u64,
    pub(super) done: oneshot::Sender<Result<Counts, Refusal>>,
    /// Gives the room back when the job is dropped.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// More requests are waiting than the queue may hold.
    QueueFull,
    /// There is no space left for the store.
    DiskFull,
    /// The store failed, and says why.
    Failed(String),
    /// The collector is shutting down.
    Closed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str(
                "more is waiting to be stored than the queue may hold; send it again later",
            ),
            Self::DiskFull => {
                f.write_str("the disk of the store is full; nothing of this request was stored")
            }
            Self::Failed(problem) => write!(
                f,
                "the store failed, and nothing of this request was stored: {problem}"
            ),
            Self::Closed => f.write_str("the collector is shutting down; send it again"),
        }
    }
}

impl Queue {
    pub(super) fn new(bytes: usize, requests: usize) -> (Self, Receiver<Message>) {
        let capacity = bytes.min(u32::MAX as usize);
        let (messages, jobs) = sync_channel(requests);
        (
            Self {
                messages,
                room: Arc::new(Semaphore::new(capacity)),
                capacity,
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
        let job = Job {
            batch,
            refused,
            done,
            room,
        };
        self.messages
            .try_send(Message::Store(job))
            .map_err(|error| match error {
                TrySendError::Full(_) => Refusal::QueueFull,
                TrySendError::Disconnected(_) => Refusal::Closed,
            })?;
        stored.await.unwrap_or(Err(Refusal::Closed))
    }

    /// Tells the writer to end. Blocks while the queue is full.
    pub(super) fn close(&self) {
        // A writer that is gone needs no telling.
        let _ = self.messages.send(Message::Close);
    }
}

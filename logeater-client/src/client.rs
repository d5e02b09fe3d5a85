//! The handle that a service holds: emit, push, flush, shut down, count.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use logeater_schema::Event;
use tokio::sync::oneshot;

use crate::blocking::block_on;
use crate::builder::ClientBuilder;
use crate::loss::LossReason;
use crate::recording::{Recorded, Recorder};
use crate::shared::Shared;
use crate::stats::Stats;

/// Sends events, and never makes the application wait for it.
///
/// A handle is cheap to clone, and all clones share one buffer and one thread. [`emit`](Self::emit) works on
/// any thread, with or without a runtime.
///
/// What is in memory is lost with the process, unless it is on disk [as well](ClientBuilder::spool_first), so end with
/// [`shutdown`](Self::shutdown). Without it, the drop
/// of the last handle blocks for at most [`drop_timeout`](ClientBuilder::drop_timeout) to deliver what is
/// left; a handle in a `static` is never dropped.
///
/// # What is tried again
///
/// | answer of the server | to a batch | to an event alone, by `Push` |
/// |---|---|---|
/// | `OK` | delivered or rejected, as it says of each event; tried again if it does not add up | delivered, or rejected if `success` is false |
/// | `CANCELLED` | tried again | tried again |
/// | `UNKNOWN` | tried again | tried again |
/// | `INVALID_ARGUMENT` | halved | rejected |
/// | `DEADLINE_EXCEEDED` | tried again | tried again |
/// | `NOT_FOUND` | tried again | tried again |
/// | `ALREADY_EXISTS` | tried again | tried again |
/// | `PERMISSION_DENIED` | tried again | tried again |
/// | `RESOURCE_EXHAUSTED` | tried again | tried again |
/// | `FAILED_PRECONDITION` | tried again | tried again |
/// | `ABORTED` | tried again | tried again |
/// | `OUT_OF_RANGE` | halved | rejected |
/// | `UNIMPLEMENTED` | sent by `Push` | tried again |
/// | `INTERNAL` | tried again | tried again |
/// | `UNAVAILABLE` | tried again | tried again |
/// | `DATA_LOSS` | tried again | tried again |
/// | `UNAUTHENTICATED` | tried again | tried again |
/// | none in time, none that can be read, no connection | tried again | tried again |
///
/// - *tried again*: sent again after a pause, with the same event ids. What has failed for
///   [`retry_for`](ClientBuilder::retry_for) is dropped, for [`LossReason::RetriesSpent`].
/// - *halved*: sent again at once, down to the event that is meant, which is then *rejected*: it counts in
///   [`Stats::rejected`], is a [`LossReason::Rejected`], and is not sent again.
/// - *sent by `Push`*: one by one and 64 at a time, for a minute or until a request fails with its connection. Then
///   batches are tried anew.
///
/// Pauses grow from at most 100 ms to at most 10 s, each of a random length. While they do, one batch at a time
/// finds out whether the server is back.
///
/// A server that asks for a longer pause, by `grpc-retry-pushback-ms` or a `google.rpc.RetryInfo`, is given it, up to
/// one minute; a negative one counts as that minute. A shutdown ends every pause.
///
/// What waits on disk, in a [spool](ClientBuilder::spool), is tried for ever.
#[derive(Clone)]
pub struct Client(Arc<Handle>);

enum Handle {
    Sending {
        shared: Arc<Shared>,
        drop_timeout: Duration,
    },
    Recording(Recorder),
    Disabled,
}

impl Client {
    /// Begins a client of the server at `endpoint`, such as `http://127.0.0.1:50051`.
    pub fn builder(endpoint: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(endpoint.into())
    }

    /// Makes a client that keeps its events for a unit test to look at, and sends nothing.
    #[must_use]
    pub fn recording() -> (Self, Recorded) {
        let recorder = Recorder::new();
        let events = recorder.recorded();
        (Self(Arc::new(Handle::Recording(recorder))), events)
    }

    /// Makes a client that ignores its events.
    #[must_use]
    pub fn disabled() -> Self {
        Self(Arc::new(Handle::Disabled))
    }

    pub(crate) fn sending(shared: Arc<Shared>, drop_timeout: Duration) -> Self {
        Self(Arc::new(Handle::Sending {
            shared,
            drop_timeout,
        }))
    }

    /// Sends an event, some time soon.
    ///
    /// Never waits, never fails, and needs no runtime. An event that cannot be sent is counted in
    /// [`stats`](Self::stats), with the reason.
    pub fn emit<E: Event>(&self, event: E) {
        match &*self.0 {
            Handle::Sending { shared, .. } => {
                if !shared.leaves_out(&event) {
                    // The loss is counted; emit has nobody to tell.
                    let _ = shared.accept(&event, None);
                }
            }
            Handle::Recording(recorder) => drop(recorder.record(&event)),
            Handle::Disabled => {}
        }
    }

    /// Sends an event, and waits while the buffer is full instead of dropping anything.
    ///
    /// It waits for room alone, not for the server's word, and those who wait have their turns. An event that can
    /// never be sent is counted, as with [`emit`](Self::emit); so is one that still waits when the client is shut
    /// down. When the future is dropped before it is ready, the event is not sent.
    pub async fn emit_wait<E: Event>(&self, event: E) {
        match &*self.0 {
            Handle::Sending { shared, .. } => {
                if !shared.leaves_out(&event)
                    && let Some(taken) = shared.accept_or_wait(&event)
                {
                    // A worker that ends without a word has shut down.
                    let _ = taken.await;
                }
            }
            Handle::Recording(_) | Handle::Disabled => self.emit(event),
        }
    }

    /// [`emit_wait`](Self::emit_wait) for programs without a runtime; it blocks the thread.
    pub fn emit_blocking<E: Event>(&self, event: E) {
        block_on(self.emit_wait(event));
    }

    /// Sends an event, and waits for the server's word that it is safe.
    ///
    /// It shares a request with the other events of the moment, and does not wait for company. It is tried
    /// as long as any other event ([`retry_for`](ClientBuilder::retry_for)).
    ///
    /// # Errors
    ///
    /// When the server refused it, or it was given up; the same is counted in [`stats`](Self::stats). When it waits on
    /// disk, which is no loss.
    pub async fn push<E: Event>(&self, event: E) -> Result<(), PushError> {
        let end = match &*self.0 {
            Handle::Sending { shared, .. } => {
                let (waiter, end) = oneshot::channel();
                shared
                    .accept(&event, Some(waiter))
                    .map_err(PushError::Lost)?;
                end
            }
            Handle::Recording(recorder) => return recorder.record(&event).map_err(PushError::Lost),
            Handle::Disabled => return Ok(()),
        };
        // A worker that ends without a word has shut down.
        end.await
            .unwrap_or(Err(PushError::Lost(LossReason::ShutDown)))
    }

    /// Waits until everything emitted before this call has an end: delivered, rejected, dropped, or left to the
    /// [spool](ClientBuilder::spool).
    ///
    /// # Errors
    ///
    /// When that takes longer than `timeout`. The events stay in the buffer.
    pub async fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let Handle::Sending { shared, .. } = &*self.0 else {
            return Ok(());
        };
        let (done, ended) = oneshot::channel();
        shared.flush(timeout, Box::new(|in_time| _ = done.send(in_time)));
        let in_time = ended.await.unwrap_or(false);
        self.flushed(in_time)
    }

    /// [`flush`](Self::flush) for programs without a runtime; it blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self, timeout: Duration) -> Result<(), FlushError> {
        let Handle::Sending { shared, .. } = &*self.0 else {
            return Ok(());
        };
        let in_time = shared.flush_blocking(timeout);
        self.flushed(in_time)
    }

    /// Takes no more events, delivers what is left for at most `timeout`, drops the rest, and says what
    /// became of all events. Where there is a [spool](ClientBuilder::spool), the rest waits there for the next client,
    /// and at once if no server takes anything.
    ///
    /// It is for all clones of the handle. A second call gives the same report.
    pub async fn shutdown(&self, timeout: Duration) -> Stats {
        if let Handle::Sending { shared, .. } = &*self.0 {
            let (done, ended) = oneshot::channel();
            shared.shut_down(timeout, Box::new(|in_time| _ = done.send(in_time)));
            // A worker that is gone has ended every event.
            let _ = ended.await;
        }
        self.end_recording();
        self.stats()
    }

    /// [`shutdown`](Self::shutdown) for programs without a runtime; it blocks the thread.
    #[expect(
        clippy::must_use_candidate,
        reason = "the report is there for who wants it"
    )]
    pub fn shutdown_blocking(&self, timeout: Duration) -> Stats {
        if let Handle::Sending { shared, .. } = &*self.0 {
            shared.shut_down_blocking(timeout);
        }
        self.end_recording();
        self.stats()
    }

    /// What has become of the events so far. Its sum is exact at any time, from any thread.
    #[must_use]
    pub fn stats(&self) -> Stats {
        match &*self.0 {
            Handle::Sending { shared, .. } => shared.queue().stats(),
            Handle::Recording(recorder) => recorder.stats(),
            Handle::Disabled => Stats::default(),
        }
    }

    /// Counts an event that could not be made.
    #[cfg(feature = "tracing")]
    pub(crate) fn lose_invalid<E: Event>(&self, why: &str) {
        let event_type = E::TYPES[0].name;
        match &*self.0 {
            Handle::Sending { shared, .. } => {
                shared.lose(event_type, LossReason::Invalid, Some(why));
            }
            Handle::Recording(recorder) => recorder.lose(LossReason::Invalid),
            Handle::Disabled => {}
        }
    }

    fn end_recording(&self) {
        if let Handle::Recording(recorder) = &*self.0 {
            recorder.shut_down();
        }
    }

    fn flushed(&self, in_time: bool) -> Result<(), FlushError> {
        if in_time {
            Ok(())
        } else {
            Err(FlushError {
                pending: self.stats().pending,
            })
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Self::Sending {
            shared,
            drop_timeout,
        } = self
        {
            shared.shut_down_blocking(*drop_timeout);
        }
    }
}

/// Events had no end yet when the time was up; they stay in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushError {
    /// The events that wait or are on their way, those emitted since included.
    pub pending: u64,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the time was up with {} events still to be delivered",
            self.pending
        )
    }
}

impl Error for FlushError {}

/// Why a pushed event has no word of the server that it is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// The server refused it, for this reason.
    Rejected(String),
    /// The client gave it up.
    Lost(LossReason),
    /// It is on disk and will be sent from there, perhaps by another process: the server gave no word in time, or there
    /// was no memory to wait for it.
    Spooled,
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reason) => write!(f, "the server rejected the event: {reason}"),
            Self::Lost(reason) => write!(f, "the event was dropped: {reason}"),
            Self::Spooled => f.write_str("the event waits on disk to be sent"),
        }
    }
}

impl Error for PushError {}

//! Why events are lost, and who is told: the application's hook, on a thread of its own.
//!
//! Losses are added up until the hook is free, by event type and reason, so that a slow hook neither holds anybody up
//! nor misses one.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why an event was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// The buffer was full.
    QueueFull,
    /// The entry was over the wire's limit of 1 MiB, or larger than the whole buffer.
    TooLarge,
    /// A value did not fit its column, or writing the event panicked.
    Invalid,
    /// The server could not be reached, or kept failing, for as long as it was to be tried.
    RetriesSpent,
    /// The client was shut down before the event could be delivered.
    ShutDown,
    /// The server refused it.
    Rejected,
    /// The spool had no room for it, or gave its room to a newer one.
    SpoolFull,
    /// It could not be written to the spool, or its file there was damaged or removed.
    SpoolFailed,
    /// The system gave the client no thread to send it with; the next event asks for one again.
    NoThread,
}

impl LossReason {
    pub(crate) const ALL: [Self; 9] = [
        Self::QueueFull,
        Self::TooLarge,
        Self::Invalid,
        Self::RetriesSpent,
        Self::ShutDown,
        Self::Rejected,
        Self::SpoolFull,
        Self::SpoolFailed,
        Self::NoThread,
    ];

    /// The reason as a label, such as `queue_full`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TooLarge => "too_large",
            Self::Invalid => "invalid",
            Self::RetriesSpent => "retries_spent",
            Self::ShutDown => "shut_down",
            Self::Rejected => "rejected",
            Self::SpoolFull => "spool_full",
            Self::SpoolFailed => "spool_failed",
            Self::NoThread => "no_thread",
        }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "the buffer is full",
            Self::TooLarge => "the event is larger than 1 MiB, or than the buffer",
            Self::Invalid => "a value does not fit its column",
            Self::RetriesSpent => "no server took it in time",
            Self::ShutDown => "the client was shut down",
            Self::Rejected => "the server rejected it",
            Self::SpoolFull => "the spool is full",
            Self::SpoolFailed => "the spool's disk failed",
            Self::NoThread => "the system gave no thread to send it with",
        })
    }
}

/// Events of one type that were lost for one reason, as [`ClientBuilder::on_loss`](crate::ClientBuilder::on_loss)
/// tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// The event type, such as `cart.add`; empty if a damaged file no longer tells.
    pub event_type: String,
    /// Why they were lost.
    pub reason: LossReason,
    /// How many they are, at least one.
    pub events: u64,
    /// What is wrong with the last of them, if more is known than the reason: the column, or the server's words.
    pub message: Option<String>,
}

/// The application's hook.
#[derive(Clone)]
pub(crate) struct OnLoss(Arc<dyn Fn(&Loss) + Send + Sync>);

impl OnLoss {
    pub(crate) fn new(hook: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

impl fmt::Debug for OnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnLoss")
    }
}

thread_local! {
    /// Whether this thread runs a hook: what that emits and loses must not call it for ever.
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// The losses that the hook is still to be told, and its thread, which starts with the first and ends with this.
pub(crate) struct LossReports {
    on_loss: OnLoss,
    reports: Arc<Reports>,
}

#[derive(Default)]
struct Reports {
    state: Mutex<State>,
    changed: Condvar,
}

/// How many by type and reason, and the last message.
type Losses = HashMap<(String, LossReason), (u64, Option<String>)>;

#[derive(Default)]
struct State {
    losses: Losses,
    /// The process that has the thread: a fork takes the memory along, but not the threads.
    process: Option<u32>,
    in_hook: bool,
    closed: bool,
}

impl State {
    /// Leaves what a fork has taken along to the process that it comes from.
    fn is_in(&mut self, here: u32) {
        if self.process.is_some_and(|process| process != here) {
            *self = Self::default();
        }
    }
}

impl LossReports {
    pub(crate) fn new(on_loss: OnLoss) -> Self {
        Self {
            on_loss,
            reports: Arc::default(),
        }
    }

    fn start_thread(&self) -> bool {
        let (on_loss, reports) = (self.on_loss.clone(), Arc::clone(&self.reports));
        std::thread::Builder::new()
            .name("logeater-loss".to_owned())
            .spawn(move || reports.tell(&on_loss))
            .is_ok()
    }

    /// Adds losses of one type.
    pub(crate) fn add(
        &self,
        event_type: &str,
        reason: LossReason,
        events: u64,
        message: Option<&str>,
    ) {
        if events == 0 || IN_HOOK.get() {
            return;
        }
        let mut state = self.reports.state();
        let here = process::id();
        state.is_in(here);
        let (count, last_message) = state
            .losses
            .entry((event_type.to_owned(), reason))
            .or_default();
        *count += events;
        if let Some(message) = message {
            *last_message = Some(message.to_owned());
        }
        if state.process.is_none() && self.start_thread() {
            // Where the system gives none, the next loss tries again.
            state.process = Some(here);
        }
        self.reports.changed.notify_all();
    }

    /// Adds losses of any types.
    pub(crate) fn add_each<'a>(
        &self,
        event_types: impl Iterator<Item = &'a str>,
        reason: LossReason,
    ) {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for event_type in event_types {
            *counts.entry(event_type).or_default() += 1;
        }
        for (event_type, events) in counts {
            self.add(event_type, reason, events, None);
        }
    }

    /// Waits until the hook was told everything, but no longer than `patience`.
    pub(crate) fn settle(&self, patience: Duration) {
        let is_busy = |state: &mut State| state.in_hook || !state.losses.is_empty();
        let state = self.reports.state();
        // A hook that is too slow is told the rest all the same, later.
        drop(
            self.reports
                .changed
                .wait_timeout_while(state, patience, is_busy),
        );
    }
}

impl Drop for LossReports {
    fn drop(&mut self) {
        self.reports.state().closed = true;
        self.reports.changed.notify_all();
    }
}

impl Reports {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the hook without the lock, until there is nothing more to tell, and never will be.
    fn tell(&self, on_loss: &OnLoss) {
        IN_HOOK.set(true);
        while let Some(losses) = self.next() {
            for ((event_type, reason), (events, message)) in losses {
                let loss = Loss {
                    event_type,
                    reason,
                    events,
                    message,
                };
                // A hook that panics has harmed itself alone.
                let _ = catch_unwind(AssertUnwindSafe(|| on_loss.0(&loss)));
            }
        }
    }

    fn next(&self) -> Option<Losses> {
        let mut state = self.state();
        state.in_hook = false;
        self.changed.notify_all();
        let has_nothing = |state: &mut State| state.losses.is_empty() && !state.closed;
        let mut state = self
            .changed
            .wait_while(state, has_nothing)
            .unwrap_or_else(PoisonError::into_inner);
        let losses = std::mem::take(&mut state.losses);
        state.in_hook = !losses.is_empty();
        state.in_hook.then_some(losses)
    }
}

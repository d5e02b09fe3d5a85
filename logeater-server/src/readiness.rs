//! Whether events can be taken now, and if not, why.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a store that could not commit counts as failing.
///
/// Then events are let in again, which shows whether it still fails: who is sent none would never find out.
pub(crate) const FAILING_FOR: Duration = Duration::from_secs(10);

/// Whether events can be taken. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(watch::Sender<State>);

/// Whether events can be taken, as it changes.
#[derive(Debug)]
pub(crate) struct Changes {
    states: watch::Receiver<State>,
    /// What was said last.
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// The last commit failed then.
    Failing(Instant),
    Draining,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Ready))
    }

    /// A commit was tried.
    pub(crate) fn committed(&self, is_stored: bool) {
        let next = if is_stored {
            State::Ready
        } else {
            State::Failing(Instant::now())
        };
        self.0.send_if_modified(|state| {
            let changes = *state != State::Draining && *state != next;
            if changes {
                *state = next;
            }
            changes
        });
    }

    /// The shutdown began: there is no way back.
    pub(crate) fn drain(&self) {
        self.0.send_replace(State::Draining);
    }

    /// Why no events are to be sent; `None` if they are.
    #[cfg(any(feature = "web", test))]
    pub(crate) fn problem(&self) -> Option<&'static str> {
        self.0.borrow().problem()
    }

    /// Follows whether events can be taken, which they can at first.
    pub(crate) fn follow(&self) -> Changes {
        Changes {
            states: self.0.subscribe(),
            told: true,
        }
    }
}

impl Changes {
    /// Waits until it is no longer as it was; `None` once the shutdown has begun.
    pub(crate) async fn next(&mut self) -> Option<bool> {
        loop {
            let state = *self.states.borrow_and_update();
            let is_ready = state.problem().is_none();
            if state == State::Draining {
                return None;
            }
            if is_ready != self.told {
                self.told = is_ready;
                return Some(is_ready);
            }
            let changed = self.states.changed();
            match state {
                // A failure becomes ready by itself.
                State::Failing(since) if !is_ready => {
                    _ = tokio::time::timeout_at(since + FAILING_FOR, changed).await;
                }
                _ => _ = changed.await,
            }
        }
    }
}

impl State {
    fn problem(self) -> Option<&'static str> {
        match self {
            Self::Failing(since) if since.elapsed() < FAILING_FOR => {
                Some("the store cannot commit; the log says why")
            }
            Self::Ready | Self::Failing(_) => None,
            Self::Draining => Some("the collector is shutting down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_failed_is_tried_again_after_a_while() {
        let readiness = Readiness::new();
        let mut changes = readiness.follow();
        readiness.committed(false);
        assert_eq!(changes.next().await, Some(false));
        let failed = Instant::now();

        assert_eq!(changes.next().await, Some(true));

        assert_eq!(failed.elapsed(), FAILING_FOR);
        assert_eq!(readiness.problem(), None);
        readiness.committed(true);
        readiness.drain();
        assert_eq!(changes.next().await, None);
        assert_eq!(readiness.problem(), Some("the collector is shutting down"));
    }
}

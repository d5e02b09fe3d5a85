//! What the worker says, and that its transport says nothing.

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::subscriber::NoSubscriber;

/// A thread without a subscriber of its own, but for what is said through this.
///
/// The transport's spans and events must not become events of the application. What is said goes to the
/// subscriber that was in place when the client was built, or else to the global one of the moment.
pub(crate) struct Log {
    subscriber: Option<Dispatch>,
    silence: Option<DefaultGuard>,
}

impl Log {
    /// Silences this thread.
    pub(crate) fn new(subscriber: Dispatch) -> Self {
        let subscriber = (!subscriber.is::<NoSubscriber>()).then_some(subscriber);
        Self {
            subscriber,
            silence: Some(silence()),
        }
    }

    pub(crate) fn say(&mut self, what: impl FnOnce()) {
        if let Some(subscriber) = &self.subscriber {
            return dispatcher::with_default(subscriber, what);
        }
        self.silence = None;
        what();
        self.silence = Some(silence());
    }
}

fn silence() -> DefaultGuard {
    dispatcher::set_default(&Dispatch::none())
}

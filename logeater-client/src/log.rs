//! What the client says, and that the worker's transport says nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::subscriber::NoSubscriber;

/// Says something by `what`, which calls the application's subscriber: one that panics has harmed itself alone.
pub(crate) fn say(what: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(what));
}

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

    /// Says something, which the application hears.
    pub(crate) fn say(&mut self, what: impl FnOnce()) {
        if let Some(subscriber) = &self.subscriber {
            return dispatcher::with_default(subscriber, || say(what));
        }
        self.silence = None;
        say(what);
        self.silence = Some(silence());
    }
}

fn silence() -> DefaultGuard {
    dispatcher::set_default(&Dispatch::none())
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;

    use super::*;

    /// Whether this thread has the application's subscriber.
    fn is_heard() -> bool {
        dispatcher::get_default(Dispatch::is::<Registry>)
    }

    #[test]
    fn a_thread_is_silent_again_after_a_subscriber_has_panicked() {
        let subscriber = Dispatch::new(Registry::default());
        for of_client in [subscriber.clone(), Dispatch::none()] {
            let _of_thread = dispatcher::set_default(&subscriber);
            let mut log = Log::new(of_client);
            let mut was_heard = false;
            log.say(|| {
                was_heard = is_heard();
                panic!("not today");
            });
            assert!(was_heard && !is_heard());
            drop(log);
            assert!(is_heard());
        }
    }
}

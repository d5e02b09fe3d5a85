//! The client of the process, for programs that do not hand one around.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use logeater_schema::Event;
use tracing::warn;

use crate::client::Client;
use crate::log::say;
use crate::stats::is_worth_a_line;

static GLOBAL: OnceLock<Client> = OnceLock::new();

/// Makes `client` the one that [`emit!`](crate::emit!) and [`global`] use, for the rest of the process.
///
/// Keep a handle, or ask [`global`] for one, to [`shutdown`](Client::shutdown) at the end: what is in a `static` is
/// never dropped.
///
/// # Errors
///
/// Gives `client` back when the process has one already.
pub fn set_global(client: Client) -> Result<(), Client> {
    GLOBAL.set(client)
}

/// The client of the process, if [`set_global`] was called.
#[must_use]
pub fn global() -> Option<&'static Client> {
    GLOBAL.get()
}

/// Sends an event with the [`global`] client. Without one the event is ignored, which the log says now and then.
///
/// ```
/// use logeater_client::{Client, Event, emit, set_global};
///
/// /// The program was started.
/// #[derive(Event)]
/// #[event("program.start")]
/// struct Start;
///
/// let (client, recorded) = Client::recording();
/// emit!(Start);
/// assert!(set_global(client).is_ok());
/// emit!(Start);
/// assert_eq!(recorded.events().len(), 1);
///
/// // The first one stays.
/// assert!(set_global(Client::disabled()).is_err());
/// emit!(Start);
/// assert_eq!(recorded.of::<Start>().len(), 2);
/// ```
#[macro_export]
macro_rules! emit {
    ($event:expr $(,)?) => {
        $crate::__emit_global($event)
    };
}

#[doc(hidden)]
pub fn __emit_global<E: Event>(event: E) {
    match global() {
        Some(client) => client.emit(event),
        None => ignored(),
    }
}

#[cold]
fn ignored() {
    static IGNORED: AtomicU64 = AtomicU64::new(0);
    let ignored = IGNORED.fetch_add(1, Ordering::Relaxed) + 1;
    if is_worth_a_line(ignored, 1) {
        say(|| {
            warn!(
                ignored,
                "events were emitted without a client: call `logeater_client::set_global` first"
            );
        });
    }
}

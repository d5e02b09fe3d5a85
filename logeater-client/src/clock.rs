//! The client's clock: the system's, and in its own tests tokio's, so that hours can pass at once.

use std::time::Instant;

/// The moment it is. An application that has stopped its runtime's clock, as its tests may, has not stopped this one.
#[cfg(not(test))]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The moment it is, for what a sleep goes by.
#[cfg(test)]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

//! The client's clock, which is tokio's: what is read is what a sleep goes by, and a test can let hours pass at once.

use std::time::Instant;

/// The moment it is.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

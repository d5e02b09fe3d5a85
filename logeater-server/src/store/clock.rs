//! The moment of a transaction, as the store writes moments.

use crate::time::{self, MomentText};

/// The moment of now, by the system's clock.
pub(super) fn now() -> rusqlite::Result<MomentText> {
    let micros = jiff::Timestamp::now().as_microsecond();
    time::moment_text(micros).ok_or(rusqlite::Error::InvalidQuery)
}

/// The day of a moment.
pub(super) fn day(moment: &MomentText) -> &[u8] {
    &moment[..10]
}

/// The second of a moment.
pub(super) fn second(moment: &MomentText) -> &[u8] {
    &moment[..19]
}

//! The wire's timestamp: a count since the Unix epoch, in a unit that the contract leaves open.

use std::time::{SystemTime, UNIX_EPOCH};

/// The unit of the timestamps that a client sends.
///
/// The collector tells them apart by magnitude, and keeps microseconds. Counts below 10^11 are seconds to
/// it, so moments before March 1973 arrive as they are only in [`Seconds`](Self::Seconds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampUnit {
    /// Seconds; right for every year from -1199 to 5138.
    Seconds,
    /// Milliseconds, the default.
    #[default]
    Millis,
    /// Microseconds, all that a warehouse keeps.
    Micros,
    /// Nanoseconds; they end in the year 2262.
    Nanos,
}

impl TimestampUnit {
    /// The count for `time`, floored, and at most what 64 bits hold.
    pub(crate) fn count(self, time: SystemTime) -> i64 {
        let nanos = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos().cast_signed(),
            Err(before) => -before.duration().as_nanos().cast_signed(),
        };
        let count = nanos.div_euclid(self.nanos());
        i64::try_from(count).unwrap_or(if count < 0 { i64::MIN } else { i64::MAX })
    }

    fn nanos(self) -> i128 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }
}

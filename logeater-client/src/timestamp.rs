//! The wire's timestamp: a count since the Unix epoch, in a unit that the contract leaves open.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (i128::from(after.as_secs()), after.subsec_nanos()),
            Err(before) => floor(before.duration()),
        };
        let (per_second, nanos_each) = match self {
            Self::Seconds => (1, 1_000_000_000),
            Self::Millis => (1_000, 1_000_000),
            Self::Micros => (1_000_000, 1_000),
            Self::Nanos => (1_000_000_000, 1),
        };
        let count = seconds * per_second + i128::from(nanos / nanos_each);
        i64::try_from(count).unwrap_or(if count < 0 { i64::MIN } else { i64::MAX })
    }
}

/// The whole seconds and the nanoseconds after them of a moment that lies so long before the epoch.
fn floor(before: Duration) -> (i128, u32) {
    let seconds = -i128::from(before.as_secs());
    match before.subsec_nanos() {
        0 => (seconds, 0),
        nanos => (seconds - 1, 1_000_000_000 - nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_floored_in_every_unit() {
        let after = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        let before = UNIX_EPOCH - Duration::new(1, 500_000_001);
        let whole = UNIX_EPOCH - Duration::from_secs(2);
        for (unit, expected) in [
            (TimestampUnit::Seconds, [1_700_000_000, -2, -2]),
            (TimestampUnit::Millis, [1_700_000_000_123, -1_501, -2_000]),
            (
                TimestampUnit::Micros,
                [1_700_000_000_123_456, -1_500_001, -2_000_000],
            ),
            (
                TimestampUnit::Nanos,
                [1_700_000_000_123_456_789, -1_500_000_001, -2_000_000_000],
            ),
        ] {
            assert_eq!(
                [after, before, whole].map(|time| unit.count(time)),
                expected,
                "{unit:?}"
            );
        }
    }

    #[test]
    fn a_count_that_64_bits_do_not_hold_is_the_nearest() {
        let late = UNIX_EPOCH + Duration::from_secs(1 << 40);
        let early = UNIX_EPOCH - Duration::from_secs(1 << 40);
        assert_eq!(TimestampUnit::Nanos.count(late), i64::MAX);
        assert_eq!(TimestampUnit::Nanos.count(early), i64::MIN);
    }
}

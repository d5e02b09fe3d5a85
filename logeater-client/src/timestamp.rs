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
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => self.count_after_epoch(after),
            Err(before) => self.count_before_epoch(before.duration()),
        }
    }

    /// [`count`](Self::count) for a moment so long after the epoch.
    pub(crate) fn count_after_epoch(self, after: Duration) -> i64 {
        i64::try_from(self.whole_units(after)).unwrap_or(i64::MAX)
    }

    fn count_before_epoch(self, before: Duration) -> i64 {
        // What is rounded up before the epoch is floored.
        let all_but_one_nano = match self {
            Self::Seconds => 999_999_999,
            Self::Millis => 999_999,
            Self::Micros => 999,
            Self::Nanos => 0,
        };
        let before = before.saturating_add(Duration::from_nanos(all_but_one_nano));
        i64::try_from(self.whole_units(before)).map_or(i64::MIN, |count| -count)
    }

    fn whole_units(self, span: Duration) -> u128 {
        match self {
            Self::Seconds => span.as_secs().into(),
            Self::Millis => span.as_millis(),
            Self::Micros => span.as_micros(),
            Self::Nanos => span.as_nanos(),
        }
    }
}

/// The time since the Unix epoch; zero by a clock that is before it.
pub(crate) fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
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

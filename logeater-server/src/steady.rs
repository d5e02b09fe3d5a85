//! The time of day, as far as a clock that jumps ahead can be believed. It reads no clock itself.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// How far the clock of the system may be ahead of the time that has passed.
const AHEAD_MAX: Duration = Duration::from_mins(1);

/// How long it has to stay ahead to be believed.
const SETTLED: Duration = Duration::from_hours(1);

/// The time of day by the system's clock, but for jumps ahead, which have to last an hour.
///
/// What is removed for its age is not removed because a clock was wrong for a moment. A jump back counts at once: it
/// only keeps things longer.
#[derive(Debug)]
pub(crate) struct Steady {
    /// A moment that was believed, and when that was.
    believed: (Timestamp, Instant),
    ahead_since: Option<Instant>,
}

impl Steady {
    /// Believes the first moment.
    pub(crate) fn new(wall: Timestamp, at: Instant) -> Self {
        Self {
            believed: (wall, at),
            ahead_since: None,
        }
    }

    /// The time of day when the system's clock says `wall`.
    pub(crate) fn now(&mut self, wall: Timestamp, at: Instant) -> Timestamp {
        let (believed, since) = self.believed;
        let expected = believed
            .checked_add(at.saturating_duration_since(since))
            .unwrap_or(Timestamp::MAX);
        let is_ahead = wall > expected.checked_add(AHEAD_MAX).unwrap_or(Timestamp::MAX);
        if is_ahead {
            let ahead_since = *self.ahead_since.get_or_insert(at);
            if at.saturating_duration_since(ahead_since) < SETTLED {
                return expected;
            }
        }
        self.believed = (wall, at);
        self.ahead_since = None;
        wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const YEAR: i64 = 365 * 24 * HOUR;

    /// What is believed, in seconds, of a clock that says each second when so many have passed.
    fn believed(says: &[(i64, i64)]) -> Vec<i64> {
        let start = Instant::now();
        let mut clock = Steady::new(Timestamp::UNIX_EPOCH, start);
        let now = |&(passed, wall): &(i64, i64)| {
            let wall = Timestamp::from_second(wall).unwrap();
            clock
                .now(wall, start + Duration::from_secs(passed.cast_unsigned()))
                .as_second()
        };
        says.iter().map(now).collect()
    }

    #[test]
    fn a_clock_that_jumps_ahead_for_a_moment_is_not_believed() {
        let says = [(10, 10), (20, YEAR), (30, YEAR + 10), (40, 40), (50, 50)];
        assert_eq!(believed(&says), [10, 20, 30, 40, 50]);
    }

    #[test]
    fn a_clock_that_stays_ahead_for_an_hour_is_believed() {
        let says = [
            (0, YEAR),
            (HOUR - 1, YEAR + HOUR - 1),
            (HOUR, YEAR + HOUR),
            (HOUR + 1, YEAR + HOUR + 1),
        ];
        assert_eq!(believed(&says), [0, HOUR - 1, YEAR + HOUR, YEAR + HOUR + 1]);
    }

    #[test]
    fn jumps_ahead_that_end_do_not_add_up() {
        let says = [
            (0, YEAR),
            (HOUR / 2, HOUR / 2),
            (HOUR, YEAR),
            (HOUR + 10, YEAR + 10),
        ];
        assert_eq!(believed(&says), [0, HOUR / 2, HOUR, HOUR + 10]);
    }

    #[test]
    fn a_clock_that_is_set_back_or_a_little_ahead_is_believed_at_once() {
        let says = [(HOUR, 10), (HOUR + 10, 20), (HOUR + 20, 30 + MINUTE)];
        assert_eq!(believed(&says), [10, 20, 30 + MINUTE]);
    }
}

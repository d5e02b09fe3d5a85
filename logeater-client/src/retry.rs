//! When to try again: exponential backoff with full jitter, and how long a server's limits are believed. No clock and
//! no randomness of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest first pause; each failure doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause of all.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The pauses of one server, or disk, between failures.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Begins a pause, at least as long as it is asked for; false if this is part of a failure that has begun one
    /// already: what was on its way together fails together. `random` is uniform in 0..1.
    ///
    /// Full jitter spreads many clients best:
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
    pub(crate) fn fail(&mut self, now: Instant, asked: Duration, random: f64) -> bool {
        let asked = now + asked;
        if let Some(pause_end) = self.pause_end(now) {
            self.not_before = Some(pause_end.max(asked));
            return false;
        }
        let ceiling = PAUSE_MIN
            .saturating_mul(1 << self.failures.min(16))
            .min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(asked.max(now + ceiling.mul_f64(random)));
        true
    }

    /// Ends what failures have begun.
    pub(crate) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// Whether the last try failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When the pause ends that lasts, if one does.
    pub(crate) fn pause_end(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|not_before| now < *not_before)
    }
}

/// How long it is believed that a server cannot do something, before it is asked again.
const BELIEVED_FOR: Duration = Duration::from_mins(1);

/// That a server cannot do something, as long as it is believed.
#[derive(Debug, Default)]
pub(crate) struct Belief(Mutex<Option<Instant>>);

impl Belief {
    /// Believes it from now on.
    pub(crate) fn begin(&self, now: Instant) {
        *self.until() = Some(now + BELIEVED_FOR);
    }

    pub(crate) fn end(&self) {
        *self.until() = None;
    }

    pub(crate) fn holds(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_belief_holds_for_a_minute_or_until_it_is_ended() {
        let (belief, now) = (Belief::default(), Instant::now());
        assert!(!belief.holds(now));
        belief.begin(now);
        assert!(belief.holds(now + Duration::from_secs(59)));
        assert!(!belief.holds(now + Duration::from_mins(1)));
        belief.end();
        assert!(!belief.holds(now));
    }

    /// The milliseconds of the pause after one more failure, which comes when the last pause is over.
    fn pause(backoff: &mut Backoff, now: &mut Instant, random: f64) -> u128 {
        assert!(backoff.fail(*now, Duration::ZERO, random));
        let end = backoff.pause_end(*now).unwrap();
        (end - std::mem::replace(now, end)).as_millis()
    }

    #[test]
    fn the_pause_doubles_up_to_its_maximum_and_begins_anew_after_a_success() {
        let (mut backoff, mut now) = (Backoff::default(), Instant::now());
        let pauses: Vec<_> = (0..9).map(|_| pause(&mut backoff, &mut now, 1.0)).collect();
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]
        );
        backoff.succeed();
        assert!(!backoff.is_failing());
        assert_eq!(pause(&mut backoff, &mut now, 0.5), 50);
    }

    #[test]
    fn a_pause_after_any_number_of_failures_has_a_bound() {
        let mut backoff = Backoff {
            failures: u32::MAX,
            not_before: None,
        };
        assert_eq!(pause(&mut backoff, &mut Instant::now(), 1.0), 10_000);
    }

    #[test]
    fn what_fails_together_is_one_failure_with_the_longest_pause_that_was_asked_for() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        assert!(backoff.fail(now, Duration::ZERO, 1.0));
        assert!(!backoff.fail(now, Duration::from_millis(300), 1.0));
        assert!(!backoff.fail(now, Duration::ZERO, 1.0));
        let end = now + Duration::from_millis(300);
        assert_eq!(backoff.pause_end(now), Some(end));
        assert!(backoff.fail(end, Duration::ZERO, 1.0));
        let second_pause = Duration::from_millis(200);
        assert_eq!(backoff.pause_end(end), Some(end + second_pause));
    }
}

//! When to try again: exponential backoff with full jitter, and how long a server's limits are believed. No clock and
//! no randomness of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest first pause; each failure doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause of all.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The pauses of one server between failures.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure, where `random` is uniform in 0..1.
    ///
    /// Full jitter spreads many clients best:
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
    pub(crate) fn fail(&mut self, random: f64) -> Duration {
        let ceiling = PAUSE_MIN
            .saturating_mul(1 << self.failures.min(16))
            .min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(random)
    }

    /// Forgets the failures.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Whether the last try failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
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

    #[test]
    fn the_pause_doubles_up_to_its_maximum_and_begins_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..9).map(|_| backoff.fail(1.0).as_millis()).collect();
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]
        );
        backoff.succeed();
        assert!(!backoff.is_failing());
        assert_eq!(backoff.fail(0.5).as_millis(), 50);
    }

    #[test]
    fn a_pause_after_any_number_of_failures_has_a_bound() {
        let mut backoff = Backoff { failures: u32::MAX };
        assert_eq!(backoff.fail(1.0), PAUSE_MAX);
    }
}

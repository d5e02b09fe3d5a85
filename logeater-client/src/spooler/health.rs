//! Whether the disk does what it should. No clock, no randomness, no I/O.

use std::time::{Duration, Instant};

use crate::retry::Backoff;

/// How long a job may take before batches are sent as if there were no spool.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of one client's disk.
#[derive(Debug, Default)]
pub(super) struct Health {
    backoff: Backoff,
    /// When the job began that is being done.
    job_began: Option<Instant>,
    is_full: bool,
}

impl Health {
    pub(super) fn begin_job(&mut self, now: Instant) {
        self.job_began = Some(now);
    }

    pub(super) fn end_job(&mut self) {
        self.job_began = None;
    }

    /// Begins a pause, and says whether that is news. `random` is uniform in 0..1.
    pub(super) fn fail(&mut self, now: Instant, random: f64) -> bool {
        let is_news = !self.is_failing();
        self.backoff.fail(now, Duration::ZERO, random);
        is_news
    }

    /// Ends what failures have begun, and says whether there were any.
    pub(super) fn succeed(&mut self) -> bool {
        let is_news = self.is_failing();
        self.backoff.succeed();
        is_news
    }

    /// Notes that the spool has no room for more, and says whether that is news.
    pub(super) fn fill(&mut self) -> bool {
        !std::mem::replace(&mut self.is_full, true)
    }

    /// Notes that there may be room.
    pub(super) fn make_room(&mut self) {
        self.is_full = false;
    }

    /// Whether the last job failed.
    pub(super) fn is_failing(&self) -> bool {
        self.backoff.is_failing()
    }

    /// Whether it was just not in order.
    pub(super) fn is_pausing(&self, now: Instant) -> bool {
        self.backoff.pause_end(now).is_some()
    }

    /// Whether it does not answer.
    pub(super) fn hangs(&self, now: Instant) -> bool {
        self.patience_end().is_some_and(|end| end <= now)
    }

    /// Whether it is in order, and answers.
    pub(super) fn is_usable(&self, now: Instant) -> bool {
        !self.hangs(now) && !self.is_pausing(now)
    }

    /// Whether batches can be written, as far as is known.
    pub(super) fn takes_more(&self, now: Instant) -> bool {
        !self.is_full && self.is_usable(now)
    }

    /// When that may be otherwise, if nothing happens.
    pub(super) fn changes_at(&self, now: Instant) -> Option<Instant> {
        let patience_end = self.patience_end().filter(|end| now < *end);
        let moments = [self.backoff.pause_end(now), patience_end];
        moments.into_iter().flatten().min()
    }

    fn patience_end(&self) -> Option<Instant> {
        self.job_began.map(|began| began + PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_is_left_alone_for_longer_and_longer_until_it_works() {
        let (mut health, now) = (Health::default(), Instant::now());
        assert!(health.fail(now, 1.0));
        let first = now + Duration::from_millis(100);
        assert_eq!(health.changes_at(now), Some(first));
        assert!(!health.is_usable(now) && health.is_usable(first));
        assert!(!health.fail(first, 1.0));
        assert_eq!(
            health.changes_at(first),
            Some(first + Duration::from_millis(200))
        );
        assert!(health.succeed() && !health.succeed());
        assert!(health.is_usable(first) && health.changes_at(first).is_none());
    }

    #[test]
    fn a_disk_that_does_not_answer_is_not_waited_for() {
        let (mut health, now) = (Health::default(), Instant::now());
        health.begin_job(now);
        let end = now + Duration::from_secs(5);
        assert_eq!(health.changes_at(now), Some(end));
        assert!(health.is_usable(now) && !health.hangs(now));
        assert!(health.hangs(end) && !health.is_usable(end));
        assert_eq!(health.changes_at(end), None);
        health.end_job();
        assert!(health.is_usable(end));
    }

    #[test]
    fn a_full_spool_takes_no_more_until_there_is_room() {
        let (mut health, now) = (Health::default(), Instant::now());
        assert!(health.takes_more(now));
        assert!(health.fill() && !health.fill());
        assert!(!health.takes_more(now) && health.is_usable(now));
        health.make_room();
        assert!(health.takes_more(now));
    }
}

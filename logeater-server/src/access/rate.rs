//! How many events are taken in a second. No clock.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How many services have a rate of their own; what is beyond shares one. Names come from clients, with bounded lengths.
const SERVICES_MAX: usize = 1_024;

/// Events that may come at once after a pause: those of a second.
const BURST: Duration = Duration::from_secs(1);

/// A rate, and how far it is used up.
///
/// A whole batch passes while any of the second is left, and the next one waits for what it overdrew: a batch of any
/// size is taken in the end, and the average is exact.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    /// When all that was taken has been paid for.
    paid: Option<Instant>,
}

impl Rate {
    pub(super) fn new(events_per_second: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / events_per_second.get(),
            paid: None,
        }
    }

    /// How long from `now` until events are taken again; zero if they are.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let debt = self
            .paid
            .map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now));
        // With the whole second used up, the next one waits until there is room for one event.
        (debt + self.interval).saturating_sub(BURST.max(self.interval))
    }

    pub(super) fn take(&mut self, events: u32, now: Instant) {
        let paid = self.paid.map_or(now, |paid| paid.max(now));
        self.paid = Some(paid + self.interval * events);
    }

    /// Takes back what was taken and is not used.
    pub(super) fn give_back(&mut self, events: u32) {
        let paid = self.paid;
        self.paid = paid.and_then(|paid| paid.checked_sub(self.interval * events));
    }

    fn is_unused(&self, now: Instant) -> bool {
        self.paid.is_none_or(|paid| paid <= now)
    }
}

/// A rate for each of the services.
#[derive(Debug)]
pub(crate) struct Rates {
    each: NonZeroU32,
    services: HashMap<String, Rate>,
    others: Rate,
}

impl Rates {
    pub(crate) fn new(each: NonZeroU32) -> Self {
        Self {
            each,
            services: HashMap::new(),
            others: Rate::new(each),
        }
    }

    /// Takes the events of each service, all or none.
    ///
    /// # Errors
    ///
    /// How long it is until they would be taken.
    pub(crate) fn take(
        &mut self,
        services: &HashMap<impl AsRef<str>, u32>,
        now: Instant,
    ) -> Result<(), Duration> {
        let wait = services
            .keys()
            .map(|service| self.wait(service.as_ref(), now))
            .max();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        for (service, &events) in services {
            self.of(service.as_ref(), now).take(events, now);
        }
        Ok(())
    }

    /// Takes back what was taken of each service. The rate that the others share keeps it: who of them took is not known.
    pub(crate) fn give_back(&mut self, services: &HashMap<impl AsRef<str>, u32>, now: Instant) {
        for (service, &events) in services {
            let service = service.as_ref();
            if let Some(rate) = self.services.get_mut(service) {
                rate.give_back(events);
                if rate.is_unused(now) {
                    self.services.remove(service);
                }
            }
        }
    }

    /// It remembers no name: whether something is taken is not known yet.
    fn wait(&mut self, service: &str, now: Instant) -> Duration {
        if let Some(rate) = self.services.get(service) {
            return rate.wait(now);
        }
        if self.has_place(now) {
            return Duration::ZERO;
        }
        self.others.wait(now)
    }

    fn of(&mut self, service: &str, now: Instant) -> &mut Rate {
        if !self.services.contains_key(service) && !self.has_place(now) {
            return &mut self.others;
        }
        self.services
            .entry(service.to_owned())
            .or_insert_with(|| Rate::new(self.each))
    }

    /// Whether one more service may have a rate of its own.
    fn has_place(&mut self, now: Instant) -> bool {
        if self.services.len() >= SERVICES_MAX {
            self.services.retain(|_, rate| !rate.is_unused(now));
        }
        self.services.len() < SERVICES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rates(each: u32) -> Rates {
        Rates::new(NonZeroU32::new(each).unwrap())
    }

    #[test]
    fn a_batch_larger_than_a_second_is_taken_and_paid_for_afterwards() {
        let (mut rates, start) = (rates(10), Instant::now());
        assert_eq!(rates.take(&[("shop", 25)].into(), start), Ok(()));
        // 25 events of a tenth of a second each; the burst is the last second of it, of which one event is free.
        let wait = Duration::from_millis(1_600);
        assert_eq!(rates.take(&[("shop", 1)].into(), start), Err(wait));
        assert_eq!(rates.take(&[("shop", 1)].into(), start + wait), Ok(()));
        let tenth = Duration::from_millis(100);
        assert_eq!(rates.take(&[("shop", 1)].into(), start + wait), Err(tenth));
    }

    #[test]
    fn the_average_is_the_rate_whatever_the_batches() {
        let (mut rates, start) = (rates(100), Instant::now());
        let mut taken = 0;
        for step in 0..10_000_u32 {
            let events = step % 7 + 1;
            let now = start + Duration::from_millis(1) * step;
            if rates.take(&[("shop", events)].into(), now).is_ok() {
                taken += events;
            }
        }
        // Ten seconds of a hundred, the burst of another, and at most one batch that overdraws.
        assert!((1_090..=1_107).contains(&taken), "{taken}");
    }

    #[test]
    fn a_batch_of_two_services_is_taken_whole_or_not_at_all() {
        let (mut rates, start) = (rates(1), Instant::now());
        rates.take(&[("busy", 1)].into(), start).unwrap();
        let both = [("busy", 1), ("quiet", 1)].into();
        assert_eq!(rates.take(&both, start), Err(SECOND));
        assert_eq!(rates.take(&[("quiet", 1)].into(), start), Ok(()));
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let (mut rates, start) = (rates(1), Instant::now());
        let shop = [("shop", 600)].into();
        rates.take(&shop, start).unwrap();
        rates.give_back(&shop, start);
        assert!(rates.services.is_empty(), "{rates:?}");
        assert_eq!(rates.take(&shop, start), Ok(()));
        let both = [("shop", 1), ("other", 1)].into();
        rates.take(&both, start).unwrap_err();
        assert_eq!(rates.services.len(), 1, "what was refused has no name here");
    }

    #[test]
    fn services_without_end_share_what_is_left_and_those_that_rest_are_forgotten() {
        let (mut rates, start) = (rates(1), Instant::now());
        for number in 0..SERVICES_MAX {
            rates
                .take(&[(&*number.to_string(), 1)].into(), start)
                .unwrap();
        }
        assert_eq!(rates.take(&[("one more", 1)].into(), start), Ok(()));
        assert_eq!(rates.take(&[("and another", 1)].into(), start), Err(SECOND));
        let later = start + SECOND;
        assert_eq!(rates.take(&[("and another", 1)].into(), later), Ok(()));
        assert_eq!(rates.services.len(), 1);
    }
}

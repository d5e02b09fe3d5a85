//! Which server gets the next batch, and when one that failed is asked again. No clock, no randomness, no I/O.

use std::ops::{Index, IndexMut};
use std::time::Instant;

use crate::retry::Backoff;

/// How many batches may be on their way to one server at once.
const IN_FLIGHT_MAX: usize = 4;

/// One server's part of the work.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    in_flight: usize,
    pub(crate) backoff: Backoff,
}

impl Lane {
    /// A batch is answered, or will never be.
    pub(crate) fn end(&mut self) {
        self.in_flight -= 1;
    }

    fn is_free(&self, now: Instant) -> bool {
        // After a failure one batch finds out for all.
        let window = if self.backoff.is_failing() {
            1
        } else {
            IN_FLIGHT_MAX
        };
        self.backoff.pause_end(now).is_none() && self.in_flight < window
    }
}

/// The lanes of all servers, by their place.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// Who is asked first whether it is free.
    turn: usize,
}

impl Lanes {
    pub(crate) fn new(servers: usize) -> Self {
        Self {
            lanes: (0..servers).map(|_| Lane::default()).collect(),
            turn: 0,
        }
    }

    /// The server for the next batch: of those that may be sent one, the one with the fewest on their way, and of
    /// several such each in turn.
    pub(crate) fn free(&self, now: Instant) -> Option<usize> {
        let places = self.turn..self.turn + self.lanes.len();
        places
            .map(|place| place % self.lanes.len())
            .filter(|place| self.lanes[*place].is_free(now))
            .min_by_key(|place| self.lanes[*place].in_flight)
    }

    /// A batch is sent to this server.
    pub(crate) fn begin(&mut self, place: usize) {
        self.lanes[place].in_flight += 1;
        self.turn = place + 1;
    }

    /// Whether some server is not known to fail.
    pub(crate) fn is_healthy(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.backoff.is_failing())
    }

    /// When the first pause of any server ends.
    pub(crate) fn pause_end(&self, now: Instant) -> Option<Instant> {
        let ends = self
            .lanes
            .iter()
            .filter_map(|lane| lane.backoff.pause_end(now));
        ends.min()
    }

    /// Ends all pauses.
    pub(crate) fn hurry(&mut self) {
        for lane in &mut self.lanes {
            lane.backoff.succeed();
        }
    }
}

impl Index<usize> for Lanes {
    type Output = Lane;

    fn index(&self, place: usize) -> &Lane {
        &self.lanes[place]
    }
}

impl IndexMut<usize> for Lanes {
    fn index_mut(&mut self, place: usize) -> &mut Lane {
        &mut self.lanes[place]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sends batches until nobody may be sent another.
    fn fill(lanes: &mut Lanes, now: Instant) -> Vec<usize> {
        let next = |lanes: &mut Lanes| {
            let place = lanes.free(now)?;
            lanes.begin(place);
            Some(place)
        };
        std::iter::from_fn(|| next(lanes)).collect()
    }

    #[test]
    fn servers_take_turns_up_to_their_windows() {
        let (mut lanes, now) = (Lanes::new(3), Instant::now());
        assert_eq!(fill(&mut lanes, now), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn servers_without_anything_on_its_way_take_turns() {
        let (mut lanes, now) = (Lanes::new(3), Instant::now());
        let mut places = Vec::new();
        for _ in 0..6 {
            let place = lanes.free(now).unwrap();
            lanes.begin(place);
            lanes[place].end();
            places.push(place);
        }
        assert_eq!(places, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn the_server_with_the_fewest_on_their_way_is_next() {
        let (mut lanes, now) = (Lanes::new(3), Instant::now());
        fill(&mut lanes, now);
        for place in [2, 1, 1] {
            lanes[place].end();
        }
        assert_eq!(fill(&mut lanes, now), [1, 2, 1]);
    }

    #[test]
    fn a_server_that_failed_is_left_alone_and_then_sent_one_until_that_succeeds() {
        let (mut lanes, now) = (Lanes::new(2), Instant::now());
        assert!(lanes[0].backoff.fail(now, Duration::from_secs(2), 1.0));
        assert_eq!(fill(&mut lanes, now), [1, 1, 1, 1]);
        let end = now + Duration::from_secs(2);
        assert_eq!(lanes.pause_end(now), Some(end));
        assert_eq!(fill(&mut lanes, end), [0]);
        lanes[0].backoff.succeed();
        assert_eq!(fill(&mut lanes, end), [0, 0, 0]);
    }
}

//! Batches on their way, in the order of their events: the cursor moves over those that have ended, up to the first
//! that has not. No clock, no I/O.

use std::collections::VecDeque;

use super::worker::Ended;

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The number of the first batch.
    first: u64,
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    last: i64,
    read: u64,
    ended: Option<Ended>,
}

/// Batches that have ended, one after the other.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// The sequence of the last event.
    pub(super) cursor: i64,
    /// How many events there were.
    pub(super) read: u64,
    pub(super) ended: Ended,
}

impl Window {
    /// How many batches are on their way, or wait for one that is.
    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    /// A batch of so many events is on its way, whose last has this sequence; returns its number.
    pub(super) fn begin(&mut self, last: i64, events: usize) -> u64 {
        self.batches.push_back(Batch {
            last,
            read: events as u64,
            ended: None,
        });
        self.first + self.batches.len() as u64 - 1
    }

    /// A batch has ended.
    pub(super) fn end(&mut self, number: u64, ended: Ended) {
        let place = number
            .checked_sub(self.first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(batch) = place.and_then(|place| self.batches.get_mut(place)) {
            batch.ended = Some(ended);
        }
    }

    /// The batches before the first that has not ended.
    pub(super) fn take_ended(&mut self) -> Option<Passed> {
        let mut all: Option<Passed> = None;
        while let Some(batch) = self.batches.front_mut()
            && let Some(ended) = batch.ended.take()
        {
            let passed = all.get_or_insert_default();
            passed.cursor = batch.last;
            passed.read += batch.read;
            passed.ended.add(ended);
            self.batches.pop_front();
            self.first += 1;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(delivered: u64) -> Ended {
        Ended {
            delivered,
            ..Ended::default()
        }
    }

    fn cursor(window: &mut Window) -> Option<(i64, u64)> {
        let passed = window.take_ended()?;
        assert_eq!(passed.read, passed.ended.delivered);
        Some((passed.cursor, passed.read))
    }

    #[test]
    fn the_cursor_moves_up_to_the_first_batch_that_has_not_ended() {
        let mut window = Window::default();
        let numbers = [(10, 9), (20, 10), (30, 2)].map(|(last, events)| window.begin(last, events));
        window.end(numbers[1], delivered(10));
        assert_eq!(cursor(&mut window), None);
        window.end(numbers[0], delivered(9));
        assert_eq!(cursor(&mut window), Some((20, 19)));
        let next = window.begin(40, 1);
        window.end(next, delivered(1));
        assert_eq!(cursor(&mut window), None);
        window.end(numbers[2], delivered(2));
        assert_eq!(cursor(&mut window), Some((40, 3)));
    }
}

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
    ended: Option<Ended>,
}

impl Window {
    /// A batch whose last event has this sequence is on its way; returns its number.
    pub(super) fn begin(&mut self, last: i64) -> u64 {
        self.batches.push_back(Batch { last, ended: None });
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

    /// The batches before the first that has not ended: the last sequence, and what became of their events.
    pub(super) fn take_ended(&mut self) -> Option<(i64, Ended)> {
        let mut all: Option<(i64, Ended)> = None;
        while let Some(batch) = self.batches.front_mut()
            && let Some(ended) = batch.ended.take()
        {
            let (last, sum) = all.get_or_insert_default();
            *last = batch.last;
            sum.add(ended);
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
        let (last, ended) = window.take_ended()?;
        Some((last, ended.delivered))
    }

    #[test]
    fn the_cursor_moves_up_to_the_first_batch_that_has_not_ended() {
        let mut window = Window::default();
        let numbers = [10, 20, 30].map(|last| window.begin(last));
        window.end(numbers[1], delivered(10));
        assert_eq!(cursor(&mut window), None);
        window.end(numbers[0], delivered(9));
        assert_eq!(cursor(&mut window), Some((20, 19)));
        let next = window.begin(40);
        window.end(next, delivered(1));
        assert_eq!(cursor(&mut window), None);
        window.end(numbers[2], delivered(2));
        assert_eq!(cursor(&mut window), Some((40, 3)));
    }
}

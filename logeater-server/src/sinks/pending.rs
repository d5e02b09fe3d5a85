//! The next batch of a sink, while it fills. No clock, no I/O.

use std::time::{Duration, Instant};

use crate::StoredEvent;

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) wait: Duration,
}

/// Events that were read and are not yet on their way.
#[derive(Debug)]
pub(super) struct Pending {
    thresholds: Thresholds,
    events: Vec<StoredEvent>,
    bytes: usize,
    since: Option<Instant>,
}

impl Pending {
    pub(super) fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            events: Vec::new(),
            bytes: 0,
            since: None,
        }
    }

    /// How many rows and bytes may still be added.
    pub(super) fn room(&self) -> (usize, usize) {
        let Thresholds { rows, bytes, .. } = self.thresholds;
        (
            rows.saturating_sub(self.events.len()),
            bytes.saturating_sub(self.bytes),
        )
    }

    pub(super) fn is_full(&self) -> bool {
        let (rows, bytes) = self.room();
        rows == 0 || bytes == 0
    }

    pub(super) fn add(&mut self, events: Vec<StoredEvent>, now: Instant) {
        if !events.is_empty() {
            self.since.get_or_insert(now);
        }
        self.bytes += events.iter().map(StoredEvent::bytes).sum::<usize>();
        self.events.extend(events);
    }

    /// When the batch is to go, full or not; `None` while it is empty.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.since?;
        Some(if self.is_full() {
            since
        } else {
            since + self.thresholds.wait
        })
    }

    pub(super) fn take(&mut self) -> Vec<StoredEvent> {
        (self.bytes, self.since) = (0, None);
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(details: usize) -> StoredEvent {
        StoredEvent {
            sequence: 1,
            event_id: String::new(),
            cluster_key: String::new(),
            timestamp: String::new(),
            service: String::new(),
            event_type: String::new(),
            user_id: None,
            details: Some(" ".repeat(details)),
        }
    }

    fn pending() -> Pending {
        Pending::new(Thresholds {
            rows: 3,
            bytes: 10_000,
            wait: Duration::from_secs(2),
        })
    }

    #[test]
    fn a_batch_that_is_not_full_waits_from_its_first_event() {
        let (mut pending, now) = (pending(), Instant::now());
        assert_eq!(pending.due(), None);
        pending.add(vec![event(1)], now);
        pending.add(vec![event(1)], now + Duration::from_secs(1));
        assert_eq!(pending.due(), Some(now + Duration::from_secs(2)));
        assert_eq!(pending.take().len(), 2);
        assert_eq!(pending.due(), None);
    }

    #[test]
    fn a_batch_that_is_full_by_rows_or_by_bytes_goes_at_once() {
        let (mut pending, now) = (pending(), Instant::now());
        pending.add(vec![event(1), event(1), event(1)], now);
        assert_eq!(pending.due(), Some(now));
        pending.take();
        pending.add(vec![event(10_000)], now);
        assert_eq!(pending.due(), Some(now));
        assert_eq!(pending.room(), (2, 0));
    }
}

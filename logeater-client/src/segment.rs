//! Events on their way: the segment that is being written, and the batches that segments become.
//!
//! A segment is a request at any moment: its entries stand one after the other as the messages of a
//! `PushBatch`. Sealed, it is a batch, whose bytes are sent, sent again and at last reused without a copy.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use logeater_proto::{entries, frame_entry, framed_len};
use tokio::sync::oneshot;

use crate::client::PushError;

/// Where the end of one event is awaited.
pub(crate) type Waiter = oneshot::Sender<Result<(), PushError>>;

/// The entries that no request has yet.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) bytes: BytesMut,
    pub(crate) events: u32,
    /// When the first event came.
    pub(crate) since: Option<Instant>,
    /// Whether somebody waits for its events, so that it should not linger.
    pub(crate) urgent: bool,
    waiters: Vec<(u32, Waiter)>,
}

impl Segment {
    pub(crate) fn append(&mut self, entry: &[u8], event_id: &[u8; 16], waiter: Option<Waiter>) {
        frame_entry(&mut self.bytes, entry, event_id);
        self.urgent |= waiter.is_some();
        self.waiters
            .extend(waiter.map(|waiter| (self.events, waiter)));
        self.events += 1;
    }

    pub(crate) fn seal(self, number: u64) -> Batch {
        Batch {
            number,
            bytes: self.bytes.freeze(),
            events: self.events,
            waiters: self.waiters,
            first_try: None,
            tries: 0,
        }
    }
}

/// The entries of one request.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Its place in the order of sealing; the parts of a divided batch share one.
    pub(crate) number: u64,
    pub(crate) bytes: Bytes,
    pub(crate) events: u32,
    /// When it was sent for the first time.
    pub(crate) first_try: Option<Instant>,
    /// How often it was sent.
    pub(crate) tries: u32,
    waiters: Vec<(u32, Waiter)>,
}

impl Batch {
    /// Each entry's bytes, as a message of its own.
    pub(crate) fn messages(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
        // The batch is this program's own work, so it is whole.
        entries(bytes)
            .map_while(Result::ok)
            .map(|entry| bytes.slice_ref(entry))
    }

    /// Two batches: one of the first events, at most `first_events`, and one of the others.
    pub(crate) fn split(self, first_events: u32) -> (Self, Self) {
        let first_events = first_events.min(self.events);
        let cut: usize = entries(&self.bytes)
            .map_while(Result::ok)
            .take(first_events as usize)
            .map(|entry| framed_len(entry.len()))
            .sum();
        let part = |bytes, events| Self {
            bytes,
            events,
            waiters: Vec::new(),
            ..self
        };
        let mut first = part(self.bytes.slice(..cut), first_events);
        let mut second = part(self.bytes.slice(cut..), self.events - first_events);
        for (event, waiter) in self.waiters {
            match event.checked_sub(first_events) {
                None => first.waiters.push((event, waiter)),
                Some(event) => second.waiters.push((event, waiter)),
            }
        }
        (first, second)
    }

    /// A batch of these events alone, in ascending order; the others have ended.
    pub(crate) fn keep(&mut self, events: &[u32]) -> Self {
        let mut rest = Self {
            bytes: Bytes::new(),
            events: 0,
            waiters: Vec::new(),
            ..*self
        };
        let mut bytes = BytesMut::new();
        let mut frame_start = 0;
        let mut waiting = std::mem::take(&mut self.waiters).into_iter().peekable();
        for (event, entry) in (0..).zip(entries(&self.bytes).map_while(Result::ok)) {
            let frame_end = frame_start + framed_len(entry.len());
            let waiter = waiting.next_if(|(awaited, _)| *awaited == event);
            if events.binary_search(&event).is_ok() {
                bytes.extend_from_slice(&self.bytes[frame_start..frame_end]);
                rest.waiters
                    .extend(waiter.map(|(_, waiter)| (rest.events, waiter)));
                rest.events += 1;
            } else {
                self.waiters.extend(waiter);
            }
            frame_start = frame_end;
        }
        rest.bytes = bytes.freeze();
        rest
    }

    /// Tells everybody who waits for an event in it.
    pub(crate) fn tell(&mut self, end: impl Fn(u32) -> Result<(), PushError>) {
        for (event, waiter) in self.waiters.drain(..) {
            // Who no longer waits does not care.
            let _ = waiter.send(end(event));
        }
    }

    /// The memory, for the next segment; `None` while the transport still holds on to it.
    pub(crate) fn recycle(self) -> Option<BytesMut> {
        let mut bytes = self.bytes.try_into_mut().ok()?;
        bytes.clear();
        Some(bytes)
    }
}

//! Events on their way: the segment that is being written, and the batches that segments become.
//!
//! A segment is a request at any moment: its entries stand one after the other as the messages of a
//! `PushBatch`. Sealed, it becomes a batch, whose bytes are sent, sent again and at last reused without a copy.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use logeater_proto::{EntryRef, entries, frame_entry, framed_len};
use tokio::sync::oneshot;

use crate::client::PushError;
use crate::spool::{Taken, Ticket};
use crate::stats::Gauge;

/// Where the end of one event is awaited.
pub(crate) type Waiter = oneshot::Sender<Result<(), PushError>>;

/// The entries that no request has yet.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: u32,
    /// When the first event came.
    pub(crate) since: Option<Instant>,
    /// Whether somebody waits for its events, so that it should not linger.
    pub(crate) urgent: bool,
    waiters: Vec<(u32, Waiter)>,
}

impl Segment {
    #[inline]
    pub(crate) fn append(&mut self, entry: &[u8], event_id: &[u8; 16], waiter: Option<Waiter>) {
        frame_entry(&mut self.bytes, entry, event_id);
        if let Some(waiter) = waiter {
            self.urgent = true;
            self.waiters.push((self.events, waiter));
        }
        self.events += 1;
    }

    pub(crate) fn into_batch(self, number: i64) -> Batch {
        Batch {
            number,
            memory: Arc::new(self.bytes.capacity()),
            bytes: self.bytes.into(),
            events: self.events,
            waiters: self.waiters,
            first_try: None,
            tries: 0,
            gauge: Gauge::Pending,
            file: None,
            is_overdue: false,
        }
    }
}

/// The entries of one request.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Its place in the order of sealing; the parts of a divided batch share one. What was read back from disk comes
    /// before, below zero.
    pub(crate) number: i64,
    pub(crate) bytes: Bytes,
    pub(crate) events: u32,
    /// The bytes that were allocated for it; the parts of a divided batch share them.
    memory: Arc<usize>,
    /// When it was sent for the first time.
    pub(crate) first_try: Option<Instant>,
    /// How often it was sent.
    pub(crate) tries: u32,
    /// Where its events are counted until they end.
    pub(crate) gauge: Gauge,
    /// The right to its file, if it is on disk; the parts of a divided batch share it.
    pub(crate) file: Option<Arc<Ticket>>,
    /// Whether its time to be sent is over, so that it can only go to disk.
    pub(crate) is_overdue: bool,
    waiters: Vec<(u32, Waiter)>,
}

impl Batch {
    /// A batch that was read back from disk.
    pub(crate) fn read_back(number: i64, Taken { ticket, batch }: Taken) -> Self {
        Self {
            number,
            memory: Arc::new(batch.capacity()),
            events: ticket.events(),
            bytes: batch.into(),
            waiters: Vec::new(),
            first_try: None,
            tries: 0,
            gauge: Gauge::Spooled,
            file: Some(Arc::new(ticket)),
            is_overdue: false,
        }
    }

    /// Whether its file has its events and no others, so that it can leave memory.
    pub(crate) fn is_whole_file(&self) -> bool {
        let file = self.file.as_ref();
        file.is_some_and(|file| file.events() == self.events)
    }

    /// The id of its first event.
    pub(crate) fn first_id(&self) -> [u8; 16] {
        let id = entries(&self.bytes)
            .find_map(Result::ok)
            .and_then(|entry| EntryRef::decode(entry).ok()?.event_id?.try_into().ok());
        // The batch is this program's own work, so each of its events has an id.
        id.unwrap_or_default()
    }

    /// Each entry's bytes, as a message of its own.
    pub(crate) fn messages(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
        // The batch is this program's own work, so it is whole.
        entries(bytes)
            .map_while(Result::ok)
            .map(|entry| bytes.slice_ref(entry))
    }

    /// The event type of each event.
    pub(crate) fn event_types(&self) -> impl Iterator<Item = &str> {
        event_types(&self.bytes)
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
            memory: Arc::clone(&self.memory),
            file: self.file.clone(),
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

    /// A batch of these events alone, in ascending order, in memory of its own; the others have ended.
    pub(crate) fn keep(&mut self, events: &[u32]) -> Self {
        let (mut bytes, mut kept, mut waiters) = (Vec::new(), 0, Vec::new());
        let mut frame_start = 0;
        let mut waiting = std::mem::take(&mut self.waiters).into_iter().peekable();
        for (event, entry) in (0..).zip(entries(&self.bytes).map_while(Result::ok)) {
            let frame_end = frame_start + framed_len(entry.len());
            let waiter = waiting.next_if(|(awaited, _)| *awaited == event);
            if events.binary_search(&event).is_ok() {
                bytes.extend_from_slice(&self.bytes[frame_start..frame_end]);
                waiters.extend(waiter.map(|(_, waiter)| (kept, waiter)));
                kept += 1;
            } else {
                self.waiters.extend(waiter);
            }
            frame_start = frame_end;
        }
        Self {
            memory: Arc::new(bytes.capacity()),
            bytes: bytes.into(),
            events: kept,
            waiters,
            file: self.file.clone(),
            ..*self
        }
    }

    /// The bytes that are allocated for it and its other parts.
    pub(crate) fn memory(&self) -> usize {
        *self.memory
    }

    /// Tells everybody who waits for an event in it.
    pub(crate) fn tell(&mut self, end: impl Fn(u32) -> Result<(), PushError>) {
        for (event, waiter) in self.waiters.drain(..) {
            // Who no longer waits does not care.
            let _ = waiter.send(end(event));
        }
    }

    /// The same for batches that share their memory.
    #[cfg(test)]
    pub(crate) fn memory_address(&self) -> usize {
        Arc::as_ptr(&self.memory).addr()
    }

    /// How many bytes of memory nobody uses any more, unless another part does, and those bytes for the next segment,
    /// unless the transport still holds on to them.
    pub(crate) fn recycle(self) -> Option<(usize, Option<Vec<u8>>)> {
        let memory = Arc::into_inner(self.memory)?;
        let bytes = self.bytes.try_into_mut().ok().map(|mut bytes| {
            bytes.clear();
            Vec::from(bytes)
        });
        Some((memory, bytes))
    }
}

/// The event type of each event of a batch, as far as it is whole.
pub(crate) fn event_types(batch: &[u8]) -> impl Iterator<Item = &str> {
    entries(batch)
        .map_while(Result::ok)
        .map_while(|entry| EntryRef::decode(entry).ok())
        .map(|entry| entry.event_type)
}

//! The rows of one request, as the writer takes them: fixed-size places in the request's own bytes.
//!
//! Text stays where the network put it. Only what had to be made (text with escapes, a normalised time,
//! decoded bytes) lies in a buffer of the batch.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::convert::Cell;
use crate::plan::Plan;
use crate::time::MomentText;

/// What is to be stored of one request.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) plan: Arc<Plan>,
    pub(crate) rows: Vec<Row>,
    request: Bytes,
    made: Vec<u8>,
    cells: Vec<KeptCell>,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) event_id: EventId,
    pub(crate) timestamp: MomentText,
    pub(crate) service: Span,
    pub(crate) event_type: Span,
    pub(crate) user_id: Option<Span>,
    pub(crate) details: Option<Span>,
    pub(crate) extended: Extended,
}

/// The text of a UUID: lowercase, with hyphens.
pub(crate) type EventId = [u8; 36];

/// What becomes of an event's details, besides being kept in the events table.
#[derive(Debug)]
pub(crate) enum Extended {
    /// The catalog does not know the type, or it has no columns.
    None,
    /// They fit: a row of the type's table.
    Row { place: usize, cells: Range<usize> },
    /// They do not: a dead letter.
    DeadLetter { place: usize, reason: Box<str> },
}

/// Where bytes lie: in the request, or behind its end in what was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: usize,
    len: usize,
}

/// A cell whose text lies in the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeptCell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Span),
    Blob(Span),
}

impl Batch {
    pub(crate) fn new(request: Bytes, plan: Arc<Plan>) -> Self {
        Self {
            plan,
            rows: Vec::new(),
            request,
            made: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The bytes at a place that [`keep`](Self::keep) gave.
    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        let (within, start) = match span.start.checked_sub(self.request.len()) {
            None => (&self.request[..], span.start),
            Some(start) => (&self.made[..], start),
        };
        within.get(start..start + span.len).unwrap_or_default()
    }

    pub(crate) fn cells(&self, range: &Range<usize>) -> &[KeptCell] {
        self.cells.get(range.clone()).unwrap_or_default()
    }

    /// The memory that the batch takes besides the request.
    pub(crate) fn made_bytes(&self) -> usize {
        self.made.len() + size_of_val(&self.rows[..]) + size_of_val(&self.cells[..])
    }

    /// Remembers where a text lies that is part of the request, and copies any other.
    pub(crate) fn keep(&mut self, text: &[u8]) -> Span {
        let start = offset_within(&self.request, text).unwrap_or_else(|| {
            self.made.extend_from_slice(text);
            self.request.len() + self.made.len() - text.len()
        });
        Span {
            start,
            len: text.len(),
        }
    }

    /// Keeps the cells of one row.
    pub(crate) fn keep_cells<'a>(
        &mut self,
        cells: impl IntoIterator<Item = Cell<'a>>,
    ) -> Range<usize> {
        let start = self.cells.len();
        for cell in cells {
            let kept = match cell {
                Cell::Null => KeptCell::Null,
                Cell::Integer(value) => KeptCell::Integer(value),
                Cell::Real(value) => KeptCell::Real(value),
                Cell::Text(text) => KeptCell::Text(self.keep(text.as_bytes())),
                Cell::Blob(bytes) => KeptCell::Blob(self.keep(&bytes)),
            };
            self.cells.push(kept);
        }
        start..self.cells.len()
    }
}

/// Where `part` lies in `whole`; `None` if it lies elsewhere.
fn offset_within(whole: &[u8], part: &[u8]) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (start + part.len() <= whole.len()).then_some(start)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn text_of_the_request_is_not_copied_and_other_text_is() {
        let request = Bytes::from_static(b"0123456789");
        let mut batch = Batch::new(request.clone(), Arc::default());
        let (within, end, other) = (
            batch.keep(&request[2..5]),
            batch.keep(&request[8..]),
            batch.keep(b"other"),
        );
        assert_eq!(batch.bytes(within), b"234");
        assert_eq!(batch.bytes(end), b"89");
        assert_eq!(batch.bytes(other), b"other");
        assert_eq!(batch.made, b"other");
    }

    #[test]
    fn cells_come_back_as_they_were_kept() {
        let mut batch = Batch::new(Bytes::new(), Arc::default());
        let first = batch.keep_cells([Cell::Integer(7)]);
        let second = batch.keep_cells([
            Cell::Null,
            Cell::Text(Cow::Borrowed("ä")),
            Cell::Blob(vec![0, 255]),
        ]);
        assert!(matches!(batch.cells(&first), [KeptCell::Integer(7)]));
        match batch.cells(&second) {
            &[KeptCell::Null, KeptCell::Text(text), KeptCell::Blob(blob)] => {
                assert_eq!(batch.bytes(text), "ä".as_bytes());
                assert_eq!(batch.bytes(blob), [0, 255]);
            }
            other => panic!("{other:?}"),
        }
    }
}

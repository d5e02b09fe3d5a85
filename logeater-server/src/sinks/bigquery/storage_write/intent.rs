//! Where rows are to be in a stream, as the store notes it before they are appended. No clock, no I/O.

use serde::{Deserialize, Serialize};

use crate::Note;

/// Rows that are to be in a stream, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) table: String,
    pub(super) stream: String,
    /// How many rows are before them.
    pub(super) offset: i64,
    /// The sequences of their events, each range with its first and last.
    ranges: Vec<(i64, i64)>,
    /// Whether BigQuery has told that they are in.
    pub(super) is_in: bool,
}

impl Intent {
    pub(super) fn new(
        table: &str,
        stream: &str,
        offset: i64,
        sequences: impl Iterator<Item = i64>,
    ) -> Self {
        let mut sequences: Vec<_> = sequences.collect();
        sequences.sort_unstable();
        let mut ranges = Vec::<(i64, i64)>::new();
        for sequence in sequences {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == sequence => *last = sequence,
                _ => ranges.push((sequence, sequence)),
            }
        }
        Self {
            table: table.to_owned(),
            stream: stream.to_owned(),
            offset,
            ranges,
            is_in: false,
        }
    }

    /// How many rows the stream has once they are in.
    pub(super) fn end(&self) -> i64 {
        let rows = self.ranges.iter().map(|(first, last)| last - first + 1);
        self.offset + rows.sum::<i64>()
    }

    /// The sequences of their events.
    pub(super) fn sequences(&self) -> impl Iterator<Item = i64> {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// What its note is called. What is to be in the same place instead is called the same.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.stream, self.offset)
    }

    pub(super) fn to_note(&self) -> Note {
        let first = self.ranges.first().map_or(0, |(first, _)| *first);
        let last = self.ranges.last().map_or(0, |(_, last)| *last);
        Note {
            key: self.key(),
            first,
            last,
            // Neither text nor numbers can fail.
            text: serde_json::to_string(self).unwrap_or_default(),
        }
    }

    /// `None` of a note that is about something else.
    pub(super) fn of_note(note: &Note) -> Option<Self> {
        serde_json::from_str(&note.text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_tells_all_of_it_and_which_events_it_is_about() {
        let intent = Intent::new("cart", "streams/one", 40, [9, 5, 7, 6, 12].into_iter());
        assert_eq!(intent.end(), 45);
        assert!(intent.sequences().eq([5, 6, 7, 9, 12]));
        let note = intent.to_note();
        let named = (&*note.key, note.first, note.last);
        assert_eq!(named, ("streams/one 40", 5, 12));
        let ranges = r#"{"table":"cart","stream":"streams/one","offset":40,"ranges":[[5,7],[9,9],[12,12]],"is_in":false}"#;
        assert_eq!(note.text, ranges);
        assert_eq!(Intent::of_note(&note), Some(intent));
    }

    #[test]
    fn another_note_is_left_alone() {
        let note = Note {
            key: String::new(),
            first: 1,
            last: 1,
            text: "something else".to_owned(),
        };
        assert_eq!(Intent::of_note(&note), None);
    }
}

//! The names on disk: who made it, how old it is, and how much is in it. No I/O.

use std::ffi::OsStr;
use std::fmt;

/// A lock in a folder is a file of this name.
pub(crate) const LOCK: &str = "lock";

/// The folder, in the parent, of files that are no whole batches.
pub(crate) const SET_ASIDE: &str = "set-aside";

const BATCH: &str = ".batch";
const ASIDE: &str = ".tmp";

/// 48 bits, until the year 10889.
const MILLIS: u64 = (1 << 48) - 1;

/// The name of the folder of a client that began at this time, with these random bits.
pub(crate) fn folder_name(began_millis: u64, instance: [u8; 6]) -> String {
    let instance = instance
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("{:012x}-{instance:012x}", began_millis & MILLIS)
}

/// Whether a folder is a client's.
pub(crate) fn is_folder_name(name: &OsStr) -> bool {
    let is_hex = |text: &str| {
        text.len() == 12
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let parts = name.to_str().and_then(|name| name.split_once('-'));
    parts.is_some_and(|(began, instance)| is_hex(began) && is_hex(instance))
}

/// Names one batch, and sorts by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchName {
    /// The id of its first event.
    pub(crate) id: [u8; 16],
    /// How many it has: of a batch that has shrunk the id may stay.
    pub(crate) events: u32,
}

impl BatchName {
    /// The name of its file.
    pub(crate) fn file(&self) -> String {
        format!("{self}{BATCH}")
    }

    /// The name of its file while that is written.
    pub(crate) fn aside(&self) -> String {
        format!("{self}{ASIDE}")
    }

    fn parse(text: &str) -> Option<Self> {
        let (id, events) = text.split_once('-')?;
        let name = Self {
            id: u128::from_str_radix(id, 16).ok()?.to_be_bytes(),
            events: events.parse().ok()?,
        };
        // There is one way to write it.
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}", u128::from_be_bytes(self.id), self.events)
    }
}

/// What a name in a client's folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lock,
    Batch(BatchName),
    /// A batch that was never written to its end.
    Unfinished,
    Foreign,
}

impl Kind {
    pub(crate) fn of(name: &OsStr) -> Self {
        let Some(text) = name.to_str() else {
            return Self::Foreign;
        };
        if text == LOCK {
            return Self::Lock;
        }
        let named = |ending| BatchName::parse(text.strip_suffix(ending)?);
        match (named(BATCH), named(ASIDE)) {
            (Some(name), _) => Self::Batch(name),
            (None, Some(_)) => Self::Unfinished,
            (None, None) => Self::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_by_its_clients_start_and_instance() {
        let name = folder_name(0x0102_0304_0506, [7, 8, 9, 10, 11, 12]);
        assert_eq!(name, "010203040506-0708090a0b0c");
        assert!(is_folder_name(OsStr::new(&name)));
        for other in [
            "set-aside",
            "010203040506",
            "010203040506-0708090a0b0",
            "010203040506-0708090a0b0C",
            "010203040506-0708090a0b0c-",
        ] {
            assert!(!is_folder_name(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn a_batch_is_named_by_its_first_event_and_their_number() {
        let name = BatchName {
            id: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            events: 250,
        };
        assert_eq!(name.file(), "0102030405060708090a0b0c0d0e0f10-250.batch");
        assert_eq!(name.aside(), "0102030405060708090a0b0c0d0e0f10-250.tmp");
        assert_eq!(Kind::of(OsStr::new(&name.file())), Kind::Batch(name));
        assert_eq!(Kind::of(OsStr::new(&name.aside())), Kind::Unfinished);
        assert_eq!(Kind::of(OsStr::new("lock")), Kind::Lock);
    }

    #[test]
    fn other_names_are_foreign() {
        for other in [
            "",
            "notes.txt",
            ".batch",
            "core.tmp",
            "0102030405060708090a0b0c0d0e0f10-250",
            "0102030405060708090a0b0c0d0e0f10-+250.batch",
            "0102030405060708090a0b0c0d0e0f10-0250.batch",
            "0102030405060708090A0B0C0D0E0F10-250.batch",
            "02030405060708090a0b0c0d0e0f10-250.batch",
            "0102030405060708090a0b0c0d0e0f10-4294967296.batch",
        ] {
            assert_eq!(Kind::of(OsStr::new(other)), Kind::Foreign, "{other}");
        }
    }
}

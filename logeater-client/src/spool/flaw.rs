//! Why a file is not a whole batch.

use std::fmt;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing that a client writes.
    Foreign,
    /// Written by a program of another version.
    Version(u64),
    /// Shorter or longer than it says.
    Length,
    /// Other events than its name says.
    Events,
    /// Other bytes than were written.
    Checksum,
    /// A copy of a batch that is there already.
    Copy,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is no batch of events"),
            Self::Version(version) => {
                write!(f, "it has the format {version}, which is not known here")
            }
            Self::Length => f.write_str("it is shorter or longer than was written"),
            Self::Events => f.write_str("it has other events than its name says"),
            Self::Checksum => f.write_str("its bytes are not those that were written"),
            Self::Copy => f.write_str("it is a copy of a batch that is there already"),
        }
    }
}

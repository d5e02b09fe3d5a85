//! What the file system refuses, and what a person can do about it.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Something on disk could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskError {
    /// What it was to be done with.
    pub(crate) path: PathBuf,
    pub(crate) trouble: Trouble,
}

/// What is wrong with the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It has no room, or this user may have no more of it.
    Full,
    ReadOnly,
    Denied,
    /// The file or folder was removed.
    Gone,
    /// There is a file where a folder should be.
    NoFolder,
    /// The file system has no locks.
    NoLocks,
    /// What the system says.
    Other(String),
}

impl DiskError {
    pub(crate) fn new(path: &Path, error: &io::Error) -> Self {
        Self {
            path: path.to_owned(),
            trouble: Trouble::of(error),
        }
    }
}

/// Names the path that an error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    |error| DiskError::new(path, &error)
}

impl Trouble {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::NotFound => Self::Gone,
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Self::NoFolder,
            ErrorKind::Unsupported => Self::NoLocks,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.trouble)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk is full; make room on it",
            Self::ReadOnly => "the file system is read-only; name a folder on another",
            Self::Denied => {
                "this user may not; give it the right to read and write there, or name another folder"
            }
            Self::Gone => "it was removed; nothing else may tidy up there while the program runs",
            Self::NoFolder => "it is no folder; remove it, or name another",
            Self::NoLocks => "the file system has no locks; name a folder on a local disk",
            Self::Other(reason) => reason,
        })
    }
}

impl Error for DiskError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_becomes_what_to_do() {
        for (kind, trouble) in [
            (ErrorKind::StorageFull, Trouble::Full),
            (ErrorKind::QuotaExceeded, Trouble::Full),
            (ErrorKind::ReadOnlyFilesystem, Trouble::ReadOnly),
            (ErrorKind::PermissionDenied, Trouble::Denied),
            (ErrorKind::NotFound, Trouble::Gone),
            (ErrorKind::NotADirectory, Trouble::NoFolder),
            (ErrorKind::Unsupported, Trouble::NoLocks),
            (ErrorKind::TimedOut, Trouble::Other("timed out".to_owned())),
        ] {
            let error = DiskError::new(Path::new("/spool/a"), &kind.into());
            assert_eq!(error.trouble, trouble);
            assert!(error.to_string().starts_with("/spool/a: "), "{error}");
        }
    }
}

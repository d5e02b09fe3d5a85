//! What SQLite's errors mean: whom they concern, whether the disk is full, and what a person can do.

use std::path::Path;

use rusqlite::{Error as Sqlite, ErrorCode, ffi};

use crate::Error;

/// Whether there was no space.
///
/// The log's index cannot grow then either, which SQLite tells otherwise: of all that can go wrong there only space
/// comes and goes.
pub(crate) fn is_full(error: &Sqlite) -> bool {
    match error {
        Sqlite::SqliteFailure(failure, _) => {
            failure.code == ErrorCode::DiskFull
                || failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE
        }
        _ => false,
    }
}

/// Whether an error comes from what was to be done, and not from the file or the disk.
pub(super) fn is_of_one_job(error: &Sqlite) -> bool {
    match error {
        // SQLite's plain error, such as a table that someone has dropped, is rusqlite's `Unknown`.
        Sqlite::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TooBig
        ),
        // A statement that does not parse any more, or a value of another type than was expected.
        _ => true,
    }
}

/// The error of a store that cannot be used.
pub(super) fn of_store(path: &Path, error: Sqlite) -> Error {
    let path = path.to_owned();
    if is_full(&error) {
        return Error::FullDisk { path };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::BusyStore { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::DamagedStore {
            path,
            source: error.into(),
        },
        _ => Error::store(&path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_whose_index_cannot_grow_is_on_a_full_disk() {
        let is_full = |code| is_full(&Sqlite::SqliteFailure(ffi::Error::new(code), None));
        assert!(is_full(ffi::SQLITE_FULL) && is_full(ffi::SQLITE_IOERR_SHMSIZE));
        assert!(!is_full(ffi::SQLITE_IOERR_WRITE) && !is_full(ffi::SQLITE_BUSY));
    }
}

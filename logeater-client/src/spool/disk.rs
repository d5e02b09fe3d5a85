//! The changes that are made on disk, each with the path in what goes wrong.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::disk_error::{DiskError, at};

/// Makes a folder that only this user may look into: events can be about people.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), DiskError> {
    step();
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(at(path))
}

/// Writes a file, and returns when it is on disk.
pub(crate) fn write(path: &Path, parts: [&[u8]; 2]) -> Result<(), DiskError> {
    step();
    let write = || {
        let mut file = File::create(path)?;
        for part in parts {
            step();
            file.write_all(part)?;
        }
        step();
        file.sync_all()
    };
    write().map_err(at(path))
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    step();
    fs::rename(from, to).map_err(at(from))
}

/// Removes a file, unless it is gone already.
pub(crate) fn remove_file(path: &Path) -> Result<(), DiskError> {
    step();
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(at(path)),
    }
}

pub(crate) fn remove_folder(path: &Path) -> Result<(), DiskError> {
    step();
    fs::remove_dir(path).map_err(at(path))
}

/// Makes sure that power loss undoes no change of names in a folder.
pub(crate) fn sync_folder(path: &Path) -> Result<(), DiskError> {
    step();
    // Elsewhere a folder cannot be opened, and the file system sees to it.
    if cfg!(unix) {
        File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(at(path))?;
    }
    Ok(())
}

/// Where a test has its process die.
fn step() {
    #[cfg(test)]
    super::crash_tests::step();
}

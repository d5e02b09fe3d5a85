//! One batch as a file: written whole or not at all, and read only if it is whole.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::disk;
use super::disk_error::DiskError;
use super::flaw::Flaw;
use super::header::{self, HEADER_BYTES};
use super::name::BatchName;

/// How long the file of a batch is.
pub(crate) fn file_bytes(batch: &[u8]) -> u64 {
    (HEADER_BYTES + batch.len()) as u64
}

/// Writes a batch; when this returns it is on disk, and when it fails it is not.
pub(crate) fn write(folder: &Path, name: BatchName, batch: &[u8]) -> Result<(), DiskError> {
    let (path, aside) = (folder.join(name.file()), folder.join(name.aside()));
    let header = header::header(name.events, batch);
    // What cannot be removed is found at the next start: half a batch is no batch, and a whole one is sent.
    disk::write(&aside, [&header, batch])
        .and_then(|()| disk::rename(&aside, &path))
        .inspect_err(|_| _ = disk::remove_file(&aside))?;
    disk::sync_folder(folder).inspect_err(|_| _ = disk::remove_file(&path))
}

/// Why there is no batch in a file.
#[derive(Debug)]
pub(crate) enum ReadError {
    Flaw(Flaw),
    Disk(DiskError),
}

/// Reads the batch of so many events that a file should have, and checks every byte.
pub(crate) fn read(path: &Path, events: u32) -> Result<Vec<u8>, ReadError> {
    let disk = |error| ReadError::Disk(DiskError::new(path, &error));
    let mut file = File::open(path).map_err(disk)?;
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ReadError::Flaw(Flaw::Length),
            _ => disk(error),
        })?;
    let length = header::length(&header, events).map_err(ReadError::Flaw)?;
    // One byte more than there should be tells a file that is too long.
    let mut batch = Vec::with_capacity(length + 1);
    let end = batch.capacity() as u64;
    file.take(end).read_to_end(&mut batch).map_err(disk)?;
    if batch.len() != length {
        return Err(ReadError::Flaw(Flaw::Length));
    }
    header::check(&header, &batch).map_err(ReadError::Flaw)?;
    Ok(batch)
}

//! The spool of one client: writes batches, hands out the oldest, and keeps to its limit.

use std::path::{Path, PathBuf};

use super::adoption::SetAside;
use super::disk;
use super::disk_error::{DiskError, Trouble};
use super::file::{self, ReadError};
use super::folder::Folder;
use super::index::{Index, Ticket};
use super::limit::Limit;
use super::name::{BatchName, folder_name};

/// One client's batches on disk.
///
/// Dropped, it leaves everything where it is, for the next start.
#[derive(Debug)]
pub(crate) struct Spool {
    pub(super) folder: Folder,
    pub(super) index: Index,
    limit: Limit,
}

/// Why a batch is not on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WriteError {
    /// The limit is reached.
    Full,
    Disk(DiskError),
}

/// A batch to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) ticket: Ticket,
    pub(crate) batch: Vec<u8>,
}

/// Why a batch cannot be sent. The one after it is next, whatever it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TakeError {
    /// It is not whole, and so set aside: its events have no other end.
    SetAside { events: u32, file: SetAside },
    /// Somebody removed it.
    Gone { events: u32, path: PathBuf },
    /// It could not be read, or not be set aside; it waits for its next turn, which should not come at once.
    Postponed(DiskError),
}

impl Spool {
    /// Makes a folder for a client that began at this time, with these random bits.
    ///
    /// What others have left is not looked at before [`adopt`](Self::adopt).
    pub(crate) fn open(
        parent: &Path,
        began_millis: u64,
        instance: [u8; 6],
        limit: Limit,
    ) -> Result<Self, DiskError> {
        Ok(Self {
            folder: Folder::make(parent, folder_name(began_millis, instance).as_ref())?,
            index: Index::default(),
            limit,
        })
    }

    /// Writes a batch, whose first event has this id, and keeps it for the caller, who wants to send it.
    ///
    /// It must not be there already: a batch that has shrunk is another, and the one from before is to be removed.
    /// `dropped` is told of each older one that was removed for it: how many events it had, and its bytes, if they
    /// [are read](Limit::reads_dropped), and could be.
    pub(crate) fn write(
        &mut self,
        id: [u8; 16],
        events: u32,
        batch: &[u8],
        dropped: impl FnMut(u32, &[u8]),
    ) -> Result<Ticket, WriteError> {
        let bytes = file::file_bytes(batch);
        let name = BatchName { id, events };
        self.make_room(bytes, dropped)?;
        self.write_file(name, batch).map_err(WriteError::Disk)?;
        Ok(self.index.add(name, bytes))
    }

    /// Writes a file, if need be in a folder that is made anew: there are programs that tidy up.
    fn write_file(&mut self, name: BatchName, batch: &[u8]) -> Result<(), DiskError> {
        match file::write(self.folder.path(), name, batch) {
            Err(error) if error.trouble == Trouble::Gone => {
                self.folder.make_anew()?;
                file::write(self.folder.path(), name, batch)
            }
            written => written,
        }
    }

    fn make_room(
        &mut self,
        bytes: u64,
        mut dropped: impl FnMut(u32, &[u8]),
    ) -> Result<(), WriteError> {
        if !self.index.can_hold(bytes, self.limit) {
            return Err(WriteError::Full);
        }
        while self.index.bytes() + bytes > self.limit.bytes
            && let Some(oldest) = self.index.take_oldest()
        {
            let (path, events) = (self.path(&oldest), oldest.events());
            let read = self.limit.reads_dropped.then(|| file::read(&path, events));
            if let Err(error) = disk::remove_file(&path) {
                self.index.put_back(oldest);
                return Err(WriteError::Disk(error));
            }
            self.index.forget(oldest);
            dropped(events, &read.and_then(Result::ok).unwrap_or_default());
        }
        Ok(())
    }

    /// Takes and reads the oldest batch that waits.
    pub(crate) fn take(&mut self) -> Result<Option<Taken>, TakeError> {
        let Some(ticket) = self.index.take() else {
            return Ok(None);
        };
        match file::read(&self.path(&ticket), ticket.events()) {
            Ok(batch) => Ok(Some(Taken { ticket, batch })),
            Err(error) => Err(self.give_up(ticket, error)),
        }
    }

    fn give_up(&mut self, ticket: Ticket, error: ReadError) -> TakeError {
        let events = ticket.events();
        let set_aside = match error {
            ReadError::Flaw(flaw) => self
                .folder
                .set_aside(ticket.name.file().as_ref())
                .map(|path| SetAside { path, flaw }),
            ReadError::Disk(error) => Err(error),
        };
        match set_aside {
            Ok(file) => {
                self.index.forget(ticket);
                TakeError::SetAside { events, file }
            }
            Err(error) if error.trouble == Trouble::Gone => {
                self.index.forget(ticket);
                TakeError::Gone {
                    events,
                    path: error.path,
                }
            }
            Err(error) => {
                self.index.postpone(ticket);
                TakeError::Postponed(error)
            }
        }
    }

    /// Puts a batch back, for its next turn.
    pub(crate) fn put_back(&mut self, ticket: Ticket) {
        self.index.put_back(ticket);
    }

    /// Removes a batch whose events have come to their end.
    ///
    /// If that fails the file stays and takes room, and is found at the next start.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> Result<(), DiskError> {
        disk::remove_file(&self.path(&ticket))?;
        self.index.forget(ticket);
        Ok(())
    }

    fn path(&self, ticket: &Ticket) -> PathBuf {
        self.folder.path().join(ticket.name.file())
    }

    /// The length of the file of the batch that is taken next, if one waits.
    pub(crate) fn next_bytes(&self) -> Option<u64> {
        self.index.next_bytes()
    }

    /// The bytes of all files, those that are taken included.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// The events of the batches that nobody has taken.
    #[cfg(test)]
    pub(crate) fn waiting_events(&self) -> u64 {
        self.index.waiting_events()
    }

    /// Ends the client, and removes its folder if that is empty.
    pub(crate) fn close(self) -> Result<(), DiskError> {
        self.folder.remove()
    }
}

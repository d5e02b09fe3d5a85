//! What can be set for the spool, and its folder.

use std::path::PathBuf;

use super::{BuildError, ClientBuilder};
use crate::spool::{Limit, Spool};
use crate::spooler::OpenSpool;
use crate::timestamp::since_epoch;

/// Where batches go that cannot be sent.
#[derive(Clone, Debug)]
pub(super) struct SpoolSettings {
    /// The builder's method that said so.
    setting: &'static str,
    folder: PathBuf,
    is_first: bool,
}

impl ClientBuilder {
    /// Keeps on disk what cannot be delivered, in a folder under `folder`, which is made if it is not there, and which
    /// any number of clients and processes may share. It must be on a file system with locks, such as any local one.
    ///
    /// Batches go there, the oldest first, while more than half of the buffer is taken; when they were
    /// tried for [long enough](Self::retry_for); and at a shutdown, for which a part of its time is kept, and 250 ms at
    /// least. They are sent, the oldest first, before all that is in memory, once the server is back. What a process
    /// leaves behind, however it has ended, is taken over by the next client that is built with `folder`.
    ///
    /// An event may reach a server twice, with the same id, when a process is killed between the server's answer and
    /// the removal of the file, or shut down while it is on its way. A file that is damaged is set aside, in
    /// `folder/set-aside`, with a word in the log, and its events count as dropped. While the disk fails or hangs,
    /// events are kept in memory as without a spool.
    ///
    /// The client's thread starts when it is built, so a process must be forked before.
    pub fn spool(self, folder: impl Into<PathBuf>) -> Self {
        self.spool_in("spool", folder.into(), false)
    }

    /// Keeps all events on disk until the server has them, so that they survive `kill -9`; otherwise it is
    /// [`spool`](Self::spool), which it replaces.
    ///
    /// A batch is written and synced when it is complete or has [lingered](Self::linger), and sent only then. That costs
    /// a few milliseconds for each batch; an event that is still in the open batch is in memory alone. While the disk
    /// fails or hangs, batches are sent without it.
    pub fn spool_first(self, folder: impl Into<PathBuf>) -> Self {
        self.spool_in("spool_first", folder.into(), true)
    }

    fn spool_in(mut self, setting: &'static str, folder: PathBuf, is_first: bool) -> Self {
        self.spool = Some(SpoolSettings {
            setting,
            folder,
            is_first,
        });
        self
    }

    /// Sets how many bytes this client may keep on disk; 1 GiB by default. When that is reached,
    /// [`when_full`](Self::when_full) says what is done: by default new batches are not written and stay in memory, as
    /// long as they can, or the oldest on disk are dropped.
    pub fn spool_bytes(mut self, bytes: u64) -> Self {
        self.spool_bytes = bytes;
        self
    }

    /// Makes a place on disk for this client.
    pub(super) fn open_spool(&self, instance: [u8; 6]) -> Result<Option<OpenSpool>, BuildError> {
        let Some(settings) = &self.spool else {
            return Ok(None);
        };
        let limit = Limit {
            bytes: self.spool_bytes,
            when_full: self.when_full,
            reads_dropped: self.on_loss.is_some(),
        };
        let began_millis = u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX);
        let spool = Spool::open(&settings.folder, began_millis, instance, limit);
        let spool = spool.map_err(|error| BuildError::Setting {
            setting: settings.setting,
            reason: error.to_string(),
        })?;
        Ok(Some(OpenSpool {
            spool,
            is_first: settings.is_first,
        }))
    }
}

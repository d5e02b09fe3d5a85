//! A sink's own notes in the store, beside its cursor.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use crate::Error;
use crate::store::{Note, Queue, notes};

/// What a sink notes in the store about events that are on their way, to find it there after a crash.
///
/// A note is safe once it is written, like an event. It ends with the transaction that moves the cursor past its events,
/// unless one of them is to be sent once more, and with the one that moves the cursor back before the first of them.
#[derive(Clone, Debug)]
pub struct Journal {
    sink: Arc<str>,
    store: PathBuf,
    queue: Queue,
}

impl Journal {
    pub(super) fn new(sink: Arc<str>, store: PathBuf, queue: Queue) -> Self {
        Self { sink, store, queue }
    }

    /// Writes a note, and waits until it is safe. One with the same key is replaced.
    ///
    /// # Errors
    ///
    /// When the disk is full, the store fails, or the collector ends. The note may be there nevertheless.
    pub async fn write(&self, note: Note) -> Result<(), Error> {
        self.change(move |conn, sink| notes::write(conn, sink, &note))
            .await
    }

    /// The notes that are there, in the order of their keys.
    ///
    /// # Errors
    ///
    /// When the store fails, or the collector ends.
    pub async fn read(&self) -> Result<Vec<Note>, Error> {
        self.change(notes::read).await
    }

    /// Removes the notes with these keys, as far as they are there.
    ///
    /// # Errors
    ///
    /// When the store fails, or the collector ends.
    pub async fn remove(&self, keys: Vec<String>) -> Result<(), Error> {
        self.change(move |conn, sink| notes::remove(conn, sink, &keys))
            .await
    }

    async fn change<T: Send + 'static>(
        &self,
        mut change: impl FnMut(&Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let sink = Arc::clone(&self.sink);
        let changed = self.queue.change(move |conn| change(conn, &sink)).await;
        changed.map_err(|refusal| Error::store(&self.store, refusal))
    }
}

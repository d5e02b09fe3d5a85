//! The sink `jsonl`: files of lines, each synced before it counts and named when it is complete.

mod folder;
mod part;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::delivery::Delivery;
use super::line;
use super::sink::Sink;
use crate::StoredEvent;
use folder::Folder;

/// Writes each event as one line of JSON to files in a folder, which no other sink may have.
///
/// `events-00000000000000000042.jsonl` begins with the event of that sequence, and never changes. The file that is
/// being written has `.part` behind its name. Lines are synced before the cursor moves on; after a crash some come
/// again, in the next file. After a failure, and when somebody took the file away, the next lines go to a new one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Jsonl {
    path: PathBuf,
    file_bytes: u64,
    file_age: Duration,
    /// `None` until there is something to write, and after a failure.
    folder: Arc<Mutex<Option<Folder>>>,
}

impl Jsonl {
    /// Writes to this folder, which is made if it is missing.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            path: folder.into(),
            file_bytes: 64 << 20,
            file_age: Duration::from_hours(1),
            folder: Arc::default(),
        }
    }

    /// A file is complete with so many bytes. Default: 64 MiB.
    pub fn file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self
    }

    /// A file is complete after so long. Default: 1 hour.
    pub fn file_age(mut self, age: Duration) -> Self {
        self.file_age = age;
        self
    }

    /// Does what waits for the disk on a thread for that, one thing after the other.
    ///
    /// A disk that hangs keeps one thread: what waits for its end has none yet, and is not done if it is given up.
    async fn work(
        &self,
        work: impl FnOnce(&mut Option<Folder>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let mut folder = Arc::clone(&self.folder).lock_owned().await;
        spawn_blocking(move || work(&mut folder))
            .await
            .map_err(io::Error::other)?
    }
}

#[tonic::async_trait]
impl Sink for Jsonl {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let first = events.first().map_or(0, |event| event.sequence);
        let mut lines = Vec::new();
        for event in events {
            line::write(event, &mut lines);
        }
        let (path, file_bytes) = (self.path.clone(), self.file_bytes);
        let appended = self.work(move |folder| {
            let mut open = take_or_open(folder, &path)?;
            open.append(first, &lines)?;
            open.end_if(|part| part.bytes() >= file_bytes);
            *folder = Some(open);
            Ok(())
        });
        match appended.await {
            Ok(()) => Delivery::stored(),
            Err(error) => Delivery::failed(format!("{}: {error}", self.path.display())),
        }
    }

    async fn tick(&self) {
        let age = self.file_age;
        let ended = self.work(move |folder| {
            if let Some(folder) = folder {
                folder.end_if(|part| part.age() >= age);
            }
            Ok(())
        });
        // What fails is said there.
        _ = ended.await;
    }

    async fn close(&self) {
        let ended = self.work(|folder| {
            if let Some(mut folder) = folder.take() {
                folder.end_if(|_| true);
            }
            Ok(())
        });
        _ = ended.await;
    }
}

/// After a failure the next try begins anew, since `folder` keeps nothing.
fn take_or_open(folder: &mut Option<Folder>, path: &Path) -> io::Result<Folder> {
    match folder.take() {
        Some(folder) => Ok(folder),
        None => Folder::open(path),
    }
}

#[cfg(test)]
mod tests;

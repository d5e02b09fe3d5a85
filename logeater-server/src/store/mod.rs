//! The embedded store: who may open it, and how rows get to the one thread that writes it.

mod change;
mod clock;
pub(crate) mod cursors;
mod failure;
mod insert;
mod maintenance;
mod migrations;
pub(crate) mod notes;
mod queue;
mod reader;
mod reconcile;
mod replay;
pub(crate) mod retention;
mod schema;
pub(crate) mod sql;
mod text;
#[cfg(any(test, fuzzing))]
mod trial;
mod writer;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use logeater_schema::Catalog;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

pub(crate) use failure::is_full;
pub use maintenance::{Maintenance, Replayed};
pub use notes::Note;
pub(crate) use queue::{Queue, Refusal, Room};
pub(crate) use reader::Reader;
pub use reader::StoredEvent;
pub use reconcile::{Entries, Reconciliation, SinkCount, TableCount, reconcile};
#[cfg(any(test, fuzzing))]
pub(crate) use trial::Trial;

use self::retention::Ballast;
use crate::plan::{KeptTypes, Plan};
use crate::stats::Stats;
use crate::{Config, Error};

/// An open store with its writer thread.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    queue: Queue,
    stored: watch::Receiver<i64>,
    writer: JoinHandle<rusqlite::Result<()>>,
    ended: oneshot::Receiver<()>,
}

impl Store {
    /// Opens the store for this process alone and starts its writer.
    pub(crate) fn open(config: &Config, stats: Arc<Stats>) -> Result<(Self, Plan), Error> {
        let lock = lock(config)?;
        let path = config.store();
        let (conn, kept) = open(&path, config)?;
        let sequence =
            schema::last_sequence(&conn).map_err(|error| failure::of_store(&path, error))?;
        let plan = Plan::new(config.catalog.tables(), &kept);
        let (queue, jobs) = Queue::new(config.queue_bytes, config.queue_requests);
        let (end, ended) = oneshot::channel();
        let (store, stored) = watch::channel(sequence);
        let writer = writer::Writer::new(conn, store, stats);
        let writer = thread::Builder::new()
            .name("logeater-writer".to_owned())
            .spawn(move || {
                // Both go when the thread ends, whatever ends it: others learn of it, and may open the store.
                let _held = (end, lock);
                writer.run(jobs)
            })
            .map_err(|error| Error::store(&path, error))?;
        Ok((
            Self {
                path,
                queue,
                stored,
                writer,
                ended,
            },
            plan,
        ))
    }

    /// The way for rows.
    pub(crate) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// The sequence of the last event that is safe, as it goes on.
    pub(crate) fn stored(&self) -> watch::Receiver<i64> {
        self.stored.clone()
    }

    /// Waits until the writer has ended, which it does by itself only if it fails.
    pub(crate) async fn ended(&mut self) {
        // The other side sends nothing: it is dropped.
        let _ = (&mut self.ended).await;
    }

    /// Commits what has queued, moves the log into the database and closes it. Blocks.
    pub(crate) fn close(self) -> Result<(), Error> {
        self.queue.close();
        match self.writer.join() {
            Ok(closed) => closed.map_err(|error| failure::of_store(&self.path, error)),
            Err(_) => Err(Error::store(&self.path, "the writer panicked")),
        }
    }
}

/// Opens the store's file. On a full disk the ballast is given back for that: then retention can make room.
fn open(path: &Path, config: &Config) -> Result<(Connection, KeptTypes), Error> {
    match schema::open(path, &config.catalog) {
        Err(Error::FullDisk { .. }) if Ballast::new(config.data(), 0).give_back() => {
            tracing::warn!("the disk is full: the ballast is given back to open the store");
            schema::open(path, &config.catalog)
        }
        opened => opened,
    }
}

/// Grows the extended tables to those of a catalog, beside pushes; those of an older one stay as they are.
///
/// # Errors
///
/// When SQLite cannot hold a table, or the store fails.
pub(crate) async fn grow(queue: &Queue, path: &Path, catalog: Arc<Catalog>) -> Result<Plan, Error> {
    schema::check(&catalog)?;
    let tables = Arc::clone(&catalog);
    let kept = queue.change(move |conn| schema::grow(conn, &tables)).await;
    let kept = kept.map_err(|refusal| Error::store(path, refusal))?;
    Ok(Plan::new(catalog.tables(), &kept))
}

/// Makes the folder and takes its lock, which the system releases even after a crash.
fn lock(config: &Config) -> Result<File, Error> {
    let path = config.lock();
    fs::create_dir_all(config.data()).map_err(|error| Error::folder(config.data(), error))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Error::folder(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            folder: config.data().to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::folder(&path, error)),
    }
}

//! Why a collector does not start or does not go on, by what can be done about it.

use std::path::{Path, PathBuf};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a collector does not start or does not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of the store cannot be made or written to.
    #[error("cannot use the folder {}: check that this user may write there", path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system says.
        source: Source,
    },
    /// Another collector works on the same folder.
    #[error("another collector has the store in {}: stop it, or give this one a folder of its own", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer logeater wrote the store.
    #[error("the store {} has format {found}, and this logeater knows {known}: use a newer logeater", path.display())]
    NewerStore {
        /// The file.
        path: PathBuf,
        /// The store's format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// An older logeater wrote the store, and only a collector brings it forward.
    #[error("the store {} has format {found}, and this logeater wants {known}: start a collector on it once", path.display())]
    OlderStore {
        /// The file.
        path: PathBuf,
        /// The store's format.
        found: i64,
        /// The format that this version wants.
        known: i64,
    },
    /// Another program holds the store's lock, longer than it was waited for.
    #[error("another program keeps the store {} locked: end its transaction, or stop it; `fuser {}` says which it is", path.display(), path.display())]
    BusyStore {
        /// The file.
        path: PathBuf,
    },
    /// The disk has no space for what the store needs to be opened or read.
    #[error("the disk of the store {} is full: make some room on it", path.display())]
    FullDisk {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged, or is no database.
    #[error("the store {} is damaged, or no database: put a backup in its place, or move it away with its -wal and -shm files; `sqlite3 {} .recover` saves what can be read", path.display(), path.display())]
    DamagedStore {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: Source,
    },
    /// The file is a database of something else.
    #[error("{} is a database, but not a logeater store: choose another folder", path.display())]
    ForeignStore {
        /// The file.
        path: PathBuf,
    },
    /// The catalog cannot become tables of the store.
    #[error("the store cannot hold table `{table}` of the catalog: {reason}")]
    Catalog {
        /// The table.
        table: String,
        /// What is wrong with it, and the fix.
        reason: String,
    },
    /// Two sinks have one name, or a rule names a sink that there is not.
    #[error("sink `{name}` {problem}")]
    Sink {
        /// The name.
        name: String,
        /// What is wrong with it, and the fix.
        problem: String,
    },
    /// The store cannot be read or written: a failing disk, a folder that is gone.
    #[error("the store {} failed", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: Source,
    },
    /// The connections cannot be served.
    #[error("cannot serve connections")]
    Serve {
        /// What the transport says.
        source: Source,
    },
}

impl Error {
    pub(crate) fn folder(path: &Path, source: impl Into<Source>) -> Self {
        Self::Folder {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    pub(crate) fn store(path: &Path, source: impl Into<Source>) -> Self {
        Self::Store {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    pub(crate) fn serve(source: impl Into<Source>) -> Self {
        Self::Serve {
            source: source.into(),
        }
    }
}

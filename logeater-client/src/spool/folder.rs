//! The folder of one client: made, known to be alive by its lock, claimed when its process is dead.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, make_private_folder, sync_folder};
use super::disk_error::{DiskError, Trouble, at};
use super::name::{LOCK, SET_ASIDE, is_folder_name};

/// A client's folder, which is nobody else's for as long as this is held.
#[derive(Debug)]
pub(crate) struct Folder {
    parent: PathBuf,
    path: PathBuf,
    set_aside: PathBuf,
    /// Closed, and so released, by the system at the latest. It is never unlocked by hand: in a process that was
    /// forked from this one that would release it for both.
    _lock: File,
}

impl Folder {
    /// Makes a folder of this name, and the parent.
    pub(crate) fn make(parent: &Path, name: &Path) -> Result<Self, DiskError> {
        make_parent(parent)?;
        // Until it has its lock nobody may take it for the folder of a dead client.
        let _all = lock_parent(parent)?;
        let path = parent.join(name);
        make_private_folder(&path)?;
        let folder = Self::claim(parent, name.as_os_str())?;
        sync_folder(parent)?;
        folder.ok_or(DiskError {
            path,
            trouble: Trouble::Gone,
        })
    }

    /// Makes a folder of the same name where this one was removed.
    pub(crate) fn make_anew(&mut self) -> Result<(), DiskError> {
        let name = self.path.strip_prefix(&self.parent).unwrap_or(&self.path);
        *self = Self::make(&self.parent, name)?;
        Ok(())
    }

    /// The folders beside this one whose clients are dead, oldest first.
    ///
    /// What cannot be claimed is no reason to leave the others.
    pub(crate) fn claim_dead(&self) -> Result<Vec<Result<Self, DiskError>>, DiskError> {
        let _all = lock_parent(&self.parent)?;
        let mut names: Vec<_> = entries(&self.parent)?
            .into_iter()
            .map(|entry| entry.file_name())
            .filter(|name| is_folder_name(name))
            .collect();
        names.sort();
        let claims = names.iter().map(|name| Self::claim(&self.parent, name));
        Ok(claims.filter_map(Result::transpose).collect())
    }

    /// Takes the lock of a folder; `None` if its client lives. Whoever calls this has the parent's lock.
    fn claim(parent: &Path, name: &OsStr) -> Result<Option<Self>, DiskError> {
        let path = parent.join(name);
        let lock_path = path.join(LOCK);
        let lock = open_lock(&lock_path).map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                parent: parent.to_owned(),
                path,
                set_aside: parent.join(SET_ASIDE).join(name),
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(DiskError::new(&lock_path, &error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn entries(&self) -> Result<Vec<DirEntry>, DiskError> {
        entries(&self.path)
    }

    /// Moves a file to where nobody reads it, and says where that is.
    pub(crate) fn set_aside(&self, file: &OsStr) -> Result<PathBuf, DiskError> {
        let (from, to) = (self.path.join(file), self.set_aside.join(file));
        for folder in [self.parent.join(SET_ASIDE), self.set_aside.clone()] {
            if !folder.is_dir() {
                // Somebody else may be faster.
                make_private_folder(&folder)
                    .or_else(|error| folder.is_dir().then_some(()).ok_or(error))?;
            }
        }
        disk::rename(&from, &to)?;
        Ok(to)
    }

    /// Removes the folder, unless there is something in it still.
    pub(crate) fn remove(self) -> Result<(), DiskError> {
        // Who looks for the dead finds it whole, or not at all.
        let _all = lock_parent(&self.parent)?;
        let is_empty = |entries: &[DirEntry]| entries.iter().all(|entry| entry.file_name() == LOCK);
        if is_empty(&self.entries()?) {
            disk::remove_file(&self.path.join(LOCK))?;
            disk::remove_folder(&self.path)?;
        }
        Ok(())
    }
}

/// Makes the folder that the user named, and those above it, so that they survive power loss.
fn make_parent(path: &Path) -> Result<(), DiskError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_parent(above)?;
    }
    match fs::create_dir(path) {
        // Somebody else was faster.
        Err(_) if path.is_dir() => Ok(()),
        made => made.map_err(at(path)),
    }?;
    sync_folder(above.unwrap_or(Path::new(".")))
}

/// Waits for the lock of the parent; who has it needs no more than moments.
fn lock_parent(parent: &Path) -> Result<File, DiskError> {
    let path = parent.join(LOCK);
    let lock = open_lock(&path).map_err(at(&path))?;
    lock.lock().map_err(at(&path))?;
    Ok(lock)
}

fn open_lock(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

fn entries(path: &Path) -> Result<Vec<DirEntry>, DiskError> {
    fs::read_dir(path)
        .and_then(Iterator::collect)
        .map_err(at(path))
}

//! The folder of a sink's files: it is that sink's alone, and files get their names when they are complete.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::part::{self, Part};

/// The name of the file that is locked while a sink writes to the folder.
const LOCK: &str = "events.lock";

/// A folder that is written to.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) part: Option<Part>,
    /// Whether all files that are complete have their names.
    is_tidy: bool,
    /// Why some have not, as it was said last.
    problem: Option<String>,
    /// The system releases it, even after a crash.
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, takes it, and names the files that an earlier process could not.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let mut folder = Self {
            path: path.to_owned(),
            part: None,
            is_tidy: false,
            problem: None,
            _lock: lock(&path.join(LOCK))?,
        };
        folder.tidy();
        Ok(folder)
    }

    /// Writes and syncs lines, whose first event has this sequence. After a failure the folder is to be opened anew.
    pub(super) fn append(&mut self, first: i64, lines: &[u8]) -> io::Result<()> {
        self.part.take_if(|part| part.is_gone());
        let part = match &mut self.part {
            Some(part) => part,
            None => self.part.insert(Part::begin(&self.path, first)?),
        };
        part.append(lines)
    }

    /// Ends the file that is being written if it is complete. Those that could not be named are tried again.
    pub(super) fn end_if(&mut self, is_complete: impl FnOnce(&Part) -> bool) {
        if self.part.take_if(|part| is_complete(part)).is_some() {
            self.is_tidy = false;
        }
        self.tidy();
    }

    /// Names the files that are complete, and says why some cannot be.
    fn tidy(&mut self) {
        if self.is_tidy {
            return;
        }
        let problem = self.name_parts().err().map(|error| error.to_string());
        self.is_tidy = problem.is_none();
        if problem != self.problem
            && let Some(problem) = &problem
        {
            let folder = self.path.display();
            tracing::warn!("{folder}: a file cannot be named yet; trying again: {problem}");
        }
        self.problem = problem;
    }

    /// One that cannot be named keeps no other.
    fn name_parts(&self) -> io::Result<()> {
        let current = self.part.as_ref().map(Part::path);
        let mut named = Ok(());
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if part::is_part(&path) && current != Some(&path) {
                named = named.and(part::name(&path));
            }
        }
        named.and(part::sync_folder(&self.path))
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::other("another sink writes to this folder"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

//! What a folder of schemas becomes when code, or the catalogs of services, grow it: decided first, then written.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use similar::TextDiff;

use crate::folder::{Files, render, strays, write};
use crate::{ApprovalError, Approvals, Catalog, CatalogError, Change, Conflict};

/// What a folder of schemas is to become.
#[derive(Debug)]
pub struct Update {
    folder: PathBuf,
    files: Files,
    changes: Vec<Change>,
    differences: Vec<Difference>,
}

/// A file that is not as wanted; the text is empty where there is no file.
#[derive(Debug)]
struct Difference {
    path: PathBuf,
    old: String,
    new: String,
}

/// A catalog that cannot grow a folder.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpdateError {
    /// The catalog has no event type, which nobody means.
    NoEvents,
    /// Its declarations exclude each other.
    Conflicts(Vec<Conflict>),
    /// The folder cannot be read.
    Catalog(CatalogError),
    /// It would break tables, or approvals are not in order.
    Approval(ApprovalError),
}

impl Update {
    /// The folder, grown by a catalog, where its `allow.toml` approves what would break tables.
    ///
    /// # Errors
    ///
    /// When the catalog has no event type or conflicts; when the folder cannot be read; when a change would break a
    /// table without an approval, or an approval is for nothing.
    pub fn of(folder: impl Into<PathBuf>, code: &Catalog) -> Result<Self, UpdateError> {
        let folder = folder.into();
        if code.events().next().is_none() {
            return Err(UpdateError::NoEvents);
        }
        if !code.conflicts().is_empty() {
            return Err(UpdateError::Conflicts(code.conflicts().to_vec()));
        }
        if folder.is_file() {
            let reason = "it is a file: name a folder, which may be missing";
            return Err(UpdateError::Catalog(CatalogError::Io {
                path: folder,
                source: io::Error::new(io::ErrorKind::NotADirectory, reason),
            }));
        }
        let old = match Catalog::read(folder.join("catalog")) {
            Err(CatalogError::Missing(_)) => Catalog::new(),
            old => old.map_err(UpdateError::Catalog)?,
        };
        let approvals = Approvals::of_folder(&folder).map_err(UpdateError::Approval)?;
        let mut grown = old.grown_whatever_breaks(code);
        approvals.remove_columns(&mut grown);
        approvals
            .apply(&old.changes_to(&grown), &mut grown)
            .map_err(UpdateError::Approval)?;
        let changes = old.changes_to(&grown);
        let files = render(&grown, &folder);
        let differences = differences(&folder, &files).map_err(UpdateError::Catalog)?;
        Ok(Self {
            folder,
            files,
            changes,
            differences,
        })
    }

    /// The changes of tables, safe ones too.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether every file is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// Writes the folder, and removes the files of tables that are not in it.
    ///
    /// # Errors
    ///
    /// When a file cannot be written or removed.
    pub fn write(&self) -> Result<(), CatalogError> {
        write(&self.folder, &self.files)
    }
}

/// The changes of tables, then those of files as a unified diff.
impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "  {}: {change}", change.class().name())?;
        }
        for Difference { path, old, new } in &self.differences {
            let path = path.display().to_string();
            let diff = TextDiff::from_lines(old, new);
            write!(f, "\n{}", diff.unified_diff().header(&path, &path))?;
        }
        Ok(())
    }
}

fn differences(folder: &Path, files: &Files) -> Result<Vec<Difference>, CatalogError> {
    let mut differences = Vec::new();
    for (path, new) in files {
        let old = read_if_there(&folder.join(path))?;
        if old != *new {
            let (path, new) = (path.clone(), new.clone());
            differences.push(Difference { path, old, new });
        }
    }
    for path in strays(folder, files)? {
        let old = read_if_there(&folder.join(&path))?;
        let new = String::new();
        differences.push(Difference { path, old, new });
    }
    Ok(differences)
}

/// The text, whatever it is: what is no text is shown as such, and written anew.
fn read_if_there(path: &Path) -> Result<String, CatalogError> {
    match fs::read(path) {
        // A checkout may have turned line ends into the platform's own.
        Ok(text) => Ok(String::from_utf8_lossy(&text).replace("\r\n", "\n")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(CatalogError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEvents => f.write_str(
                "this program declares no event: if they stand in another crate, name it in this file with \
                 `use my_events as _;`, and if they are generic, add them by hand: \
                 `Catalog::registered().with::<Put<String>>()`",
            ),
            Self::Conflicts(conflicts) => {
                f.write_str("these declarations exclude each other:")?;
                conflicts
                    .iter()
                    .try_for_each(|conflict| write!(f, "\n  - {conflict}"))
            }
            Self::Catalog(error) => error.fmt(f),
            Self::Approval(error) => error.fmt(f),
        }
    }
}

impl Error for UpdateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoEvents | Self::Conflicts(_) => None,
            Self::Catalog(error) => error.source(),
            Self::Approval(error) => error.source(),
        }
    }
}

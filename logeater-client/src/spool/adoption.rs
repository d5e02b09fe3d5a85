//! Takes over what dead clients have left.

use std::fs::DirEntry;
use std::path::PathBuf;

use super::disk;
use super::disk_error::{DiskError, at};
use super::flaw::Flaw;
use super::folder::Folder;
use super::handle::Spool;
use super::name::Kind;

/// What was found in the folders of dead clients.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    pub(crate) batches: u64,
    pub(crate) events: u64,
    pub(crate) set_aside: Vec<SetAside>,
    /// What stayed where it is; the next start tries again.
    pub(crate) errors: Vec<DiskError>,
}

/// A file that is no whole batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetAside {
    /// Where it is now.
    pub(crate) path: PathBuf,
    pub(crate) flaw: Flaw,
}

impl Spool {
    /// Takes over the batches of all clients of this parent folder that are dead, whatever their number.
    ///
    /// The files are not read before they are sent.
    pub(crate) fn adopt(&mut self) -> Adopted {
        let mut adopted = Adopted::default();
        match self.folder.claim_dead() {
            Ok(claims) => {
                for claim in claims {
                    let emptied = claim.and_then(|dead| self.empty(dead, &mut adopted));
                    adopted.errors.extend(emptied.err());
                }
            }
            Err(error) => adopted.errors.push(error),
        }
        adopted
    }

    fn empty(&mut self, dead: Folder, adopted: &mut Adopted) -> Result<(), DiskError> {
        for entry in dead.entries()? {
            let moved = self.move_here(&dead, &entry, adopted);
            adopted.errors.extend(moved.err());
        }
        disk::sync_folder(self.folder.path())?;
        dead.remove()
    }

    fn move_here(
        &mut self,
        dead: &Folder,
        entry: &DirEntry,
        adopted: &mut Adopted,
    ) -> Result<(), DiskError> {
        let path = entry.path();
        let metadata = entry.metadata().map_err(at(&path))?;
        let flaw = match Kind::of(&entry.file_name()) {
            Kind::Lock => return Ok(()),
            Kind::Unfinished if metadata.is_file() => {
                return disk::remove_file(&path);
            }
            Kind::Batch(name) if metadata.is_file() => {
                let here = self.folder.path().join(name.file());
                if !here.exists() {
                    disk::rename(&path, &here)?;
                    let ticket = self.index.add(name, metadata.len());
                    adopted.batches += 1;
                    adopted.events += u64::from(ticket.events());
                    self.index.put_back(ticket);
                    return Ok(());
                }
                Flaw::Copy
            }
            _ => Flaw::Foreign,
        };
        let path = dead.set_aside(&entry.file_name())?;
        adopted.set_aside.push(SetAside { path, flaw });
        Ok(())
    }
}

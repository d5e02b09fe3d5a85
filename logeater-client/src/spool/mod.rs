//! Batches on disk: one client's place for what could not be sent yet. No task, and no clock; it blocks.
//!
//! ```text
//! <parent>/                      what the user names; any number of processes and clients share it
//!   lock                         held for moments, to make a folder, to remove one, and to look for those of the dead
//!   <millis>-<instance>/         the folder of one client, by its start and its random bits, both in hexadecimal
//!     lock                       held for as long as the client lives; the system releases it with the process
//!     <event id>-<events>.batch  one batch: the id of its first event, and how many it has
//!     <event id>-<events>.tmp    a batch that is being written
//!   set-aside/<folder>/          files of that folder that are no whole batches; never read, never deleted
//! ```
//!
//! Ids of events ascend and are nobody else's, so batches sort by age, those of one client by their order of
//! sealing, and a file can move between folders without a new name.
//!
//! What survives: a written batch survives `kill -9`, and, as far as the disk keeps what it has synced, power loss.
//! It is written aside, synced, renamed, and its folder is synced: under its name it is never half there. A removed
//! one may come back after power loss; its events have the ids that the server knows.
//!
//! A process that ends, however it ends, leaves its folder behind with its lock free. The next client renames the
//! batches into its own folder; wherever that is cut short, each is in one of the two, and the rest is found by the
//! client after it.

mod adoption;
mod disk;
mod disk_error;
mod file;
mod flaw;
mod folder;
mod handle;
mod header;
mod index;
mod limit;
mod name;

pub(crate) use adoption::{Adopted, SetAside};
pub(crate) use disk_error::DiskError;
pub(crate) use handle::{Spool, TakeError, Taken, WriteError};
pub(crate) use index::Ticket;
pub(crate) use limit::Limit;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

//! The events of the quickstart: what happens to a git repository.
//!
//! This is all that a service writes by hand. The event types, the table `commit` and its columns with their
//! descriptions come from these types.

use std::time::SystemTime;

use logeater_client::{Column, Event};

/// A commit in the history of a git repository.
#[derive(Clone, Debug, PartialEq, Event)]
#[event("commit")]
pub enum Commit {
    /// A commit was made on top of another one, or as the first.
    Made {
        /// The commit's id.
        hash: String,
        /// The first paragraph of its message, on one line.
        subject: String,
        /// Who wrote it.
        author: Author,
        /// How many files it changed.
        files: u32,
        /// The files that it changed; of thousands only the first.
        changes: Vec<Change>,
        /// The author's email, if there is one: the user of the event.
        #[event(user_id)]
        user: Option<String>,
        /// When it was written, which is the time of the event.
        #[event(timestamp)]
        written_at: SystemTime,
    },
    /// Two or more lines of history were merged.
    Merged {
        /// The commit's id.
        hash: String,
        /// The first paragraph of its message, on one line.
        subject: String,
        /// Who wrote it.
        author: Author,
        /// The ids of the commits that it merges.
        parents: Vec<String>,
        /// The author's email, if there is one: the user of the event.
        #[event(user_id)]
        user: Option<String>,
        /// When it was written, which is the time of the event.
        #[event(timestamp)]
        written_at: SystemTime,
    },
}

/// Name and email, as the commit has them.
#[derive(Clone, Debug, PartialEq, Eq, Column)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The email.
    pub email: String,
}

/// A path, with the lines added and removed.
#[derive(Clone, Debug, PartialEq, Eq, Column)]
pub struct Change {
    /// The file, by its new name if it was renamed.
    pub path: String,
    /// Lines added; none for binary files.
    pub added: Option<u32>,
    /// Lines removed; none for binary files.
    pub removed: Option<u32>,
}

//! How much may lie on disk, and what gives way when that is reached.

use crate::when_full::WhenFull;

/// How much one client may keep on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Of all files in its folder, those that it has adopted included.
    pub(crate) bytes: u64,
    /// The new batch, which is then not written, or the oldest ones, but for those that are being sent.
    pub(crate) when_full: WhenFull,
    /// Whether what gives way on disk is read before, for who wants to know what was in it.
    pub(crate) reads_dropped: bool,
}

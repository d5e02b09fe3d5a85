//! How much may lie on disk, and what is done when that is reached.

/// How much one client may keep on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Of all files in its folder, those that it has adopted included.
    pub(crate) bytes: u64,
    pub(crate) when_full: WhenFull,
}

/// What is done with a batch for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// It is not written.
    RefuseNew,
    /// The oldest batches make room for it, but for those that are being sent.
    DropOldest,
}

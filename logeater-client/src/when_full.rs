//! What gives way when the buffer is full.

/// Which events are dropped when there is no room for another, set by
/// [`ClientBuilder::when_full`](crate::ClientBuilder::when_full).
///
/// It is for [`emit`](crate::Client::emit) and [`push`](crate::Client::push).
/// [`emit_wait`](crate::Client::emit_wait) and [`emit_blocking`](crate::Client::emit_blocking) wait for room instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// The new event.
    #[default]
    DropNewest,
    /// The oldest batch that is not on its way. Where all are, the new event.
    DropOldest,
}

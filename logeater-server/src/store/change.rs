//! What others than pushes have to do in the store: a closure that the writer runs.

use std::fmt;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::queue::Refusal;

/// A change, whatever it results in.
pub(super) trait Work: fmt::Debug + Send {
    /// Does it. Within a transaction, which may still be given up, it is perhaps done more than once.
    fn apply(&mut self, conn: &Connection) -> rusqlite::Result<()>;

    /// Tells whoever waits that it is safe, or why not.
    fn end(self: Box<Self>, result: Result<(), Refusal>);
}

/// A closure, and who waits for its result.
pub(super) struct Change<F, T> {
    closure: F,
    result: Option<T>,
    done: oneshot::Sender<Result<T, Refusal>>,
}

impl<F, T> Change<F, T> {
    pub(super) fn new(closure: F) -> (Self, oneshot::Receiver<Result<T, Refusal>>) {
        let (done, result) = oneshot::channel();
        let change = Self {
            closure,
            result: None,
            done,
        };
        (change, result)
    }
}

impl<F, T> Work for Change<F, T>
where
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn apply(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        self.result = Some((self.closure)(conn)?);
        Ok(())
    }

    fn end(self: Box<Self>, result: Result<(), Refusal>) {
        let Self {
            result: value,
            done,
            ..
        } = *self;
        // Who has gone away is not answered.
        let _ = done.send(result.and_then(|()| value.ok_or(Refusal::Closed)));
    }
}

impl<F, T> fmt::Debug for Change<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change")
    }
}

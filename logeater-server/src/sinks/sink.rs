//! What a sink is: one way in for events, and the word about each.

use std::fmt::Debug;
use std::sync::Arc;

use logeater_schema::Catalog;

use super::delivery::Delivery;
use super::journal::Journal;
use crate::StoredEvent;

/// Where the collector delivers events to.
///
/// Events come in the order of their insertion, as far as one worker delivers them, and at least once: after a crash
/// some come again, with the same `event_id`.
///
/// Its methods may be called at the same time. They must not block: what waits for a disk belongs on a thread for that,
/// such as `tokio::task::spawn_blocking` has. One that panics harms nobody else.
#[tonic::async_trait]
pub trait Sink: Debug + Send + Sync + 'static {
    /// Delivers events, at least one, and says what became of them.
    ///
    /// What it says to be stored must be safe there. It may be given up in the middle: when it takes too long, when the
    /// cursor is moved, and when the collector ends.
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery;

    /// Called with the catalog that the collector goes by, before the first delivery and whenever there is a new one.
    fn set_catalog(&self, _catalog: &Arc<Catalog>) {}

    /// Called with the sink's own notes in the store, before the first delivery, and when events come again of which
    /// nobody has said what became of them: then only what is noted counts.
    fn set_journal(&self, _journal: &Journal) {}

    /// Called about once a second, whether there are events or not, once it has returned.
    async fn tick(&self) {}

    /// Called after the last delivery.
    async fn close(&self) {}
}

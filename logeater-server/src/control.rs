//! Changes a collector while it serves.

use std::path::PathBuf;
use std::sync::Arc;

use logeater_schema::Catalog;
use tokio::sync::watch;

use crate::Error;
use crate::plan::Plan;
use crate::store::{self, Queue};

/// A handle of a running collector. Clones are the same.
#[derive(Clone, Debug)]
pub struct Control {
    store: PathBuf,
    queue: Queue,
    plan: Arc<watch::Sender<Arc<Plan>>>,
}

impl Control {
    pub(crate) fn new(store: PathBuf, queue: Queue, plan: Plan) -> Self {
        Self {
            store,
            queue,
            plan: Arc::new(watch::Sender::new(Arc::new(plan))),
        }
    }

    /// What the catalog of the moment knows.
    pub(crate) fn plan(&self) -> watch::Receiver<Arc<Plan>> {
        self.plan.subscribe()
    }

    /// Grows the store's tables to those of this catalog, and fills them from the next request on.
    ///
    /// Tables and columns that it no longer has stay, and are no longer filled.
    ///
    /// # Errors
    ///
    /// When the store cannot hold a table of it, or fails. The catalog from before stays then.
    pub async fn set_catalog(&self, catalog: Catalog) -> Result<(), Error> {
        let plan = store::grow(&self.queue, &self.store, Arc::new(catalog)).await?;
        tracing::info!("{} event types of the catalog have a table", plan.len());
        self.plan.send_replace(Arc::new(plan));
        Ok(())
    }
}

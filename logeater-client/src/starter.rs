//! The start of the worker: when there is something for it to do, so that a process may fork before.

use std::process;
use std::sync::{Arc, Once, OnceLock};

use tracing::error;

use crate::shared::Shared;

/// Starts the worker of what is shared.
pub(crate) type Start = Box<dyn Fn(Arc<Shared>) -> std::io::Result<()> + Send + Sync>;

/// What starts the worker, once.
pub(crate) struct Starter {
    start: Start,
    /// The process that has the worker's thread: a fork takes the memory along, but not the threads.
    process: OnceLock<u32>,
    forked: Once,
}

impl Starter {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            start,
            process: OnceLock::new(),
            forked: Once::new(),
        }
    }

    /// Starts the worker, if nobody did, and says whether there is one in this process.
    pub(crate) fn start(&self, shared: &Arc<Shared>) -> bool {
        let here = process::id();
        let mut started = Ok(());
        let process = self.process.get_or_init(|| {
            started = (self.start)(Arc::clone(shared));
            here
        });
        if let Err(error) = started {
            error!(%error, "the client got no thread to send events with, and is shut down");
            return false;
        }
        if *process != here {
            self.forked.call_once(|| {
                error!(
                    "this process was forked after the client's thread had started, and the client is shut down here; \
                     build one after the fork"
                );
            });
        }
        *process == here
    }
}

//! The start of the worker: when there is something for it to do, so that a process may fork before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::{io, process};

use tracing::error;

use crate::log::say;
use crate::shared::Shared;
use crate::stats::is_worth_a_line;

/// Starts the worker of what is shared.
pub(crate) type Start = Box<dyn Fn(Arc<Shared>) -> io::Result<()> + Send + Sync>;

/// Why there is no worker in this process.
#[derive(Debug)]
pub(crate) enum NoWorker {
    /// The system gave no thread, this time.
    System(io::Error),
    /// The process was forked from the one that has it.
    Forked,
}

/// What starts the worker, once.
pub(crate) struct Starter {
    start: Start,
    starting: Mutex<()>,
    /// The process that has the worker's thread: a fork takes the memory along, but not the threads.
    process: OnceLock<u32>,
    failures: AtomicU64,
    forked: Once,
}

impl Starter {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            start,
            starting: Mutex::new(()),
            process: OnceLock::new(),
            failures: AtomicU64::new(0),
            forked: Once::new(),
        }
    }

    /// Starts the worker, if nobody did.
    pub(crate) fn start(&self, shared: &Arc<Shared>) -> Result<(), NoWorker> {
        let process = match self.process.get() {
            Some(process) => *process,
            None => self.start_first(shared).map_err(NoWorker::System)?,
        };
        if process == process::id() {
            return Ok(());
        }
        self.forked.call_once(|| {
            say(|| {
                error!(
                    "this process was forked after the client's thread had started, and the client is shut down here; \
                     build one after the fork"
                );
            });
        });
        Err(NoWorker::Forked)
    }

    /// Starts the worker, unless another thread was faster, and says in which process it is.
    fn start_first(&self, shared: &Arc<Shared>) -> io::Result<u32> {
        let starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = self.process.get() {
            return Ok(*process);
        }
        match (self.start)(Arc::clone(shared)) {
            Ok(()) => Ok(*self.process.get_or_init(process::id)),
            Err(error) => {
                drop(starting);
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if is_worth_a_line(failures, 1) {
                    say(
                        || error!(failures, %error, "the client gets no thread to send events with"),
                    );
                }
                Err(error)
            }
        }
    }
}

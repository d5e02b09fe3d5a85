//! How a sink is doing, for whoever asks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How a sink is doing since the start.
#[derive(Debug, Default)]
pub(crate) struct Status {
    failures: AtomicU64,
    is_failing: AtomicBool,
}

impl Status {
    /// How many deliveries failed, or failed in part.
    #[cfg(feature = "web")]
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whether the last delivery failed.
    #[cfg(feature = "web")]
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    pub(super) fn succeed(&self, sink: &str) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!(sink, "events are delivered again");
        }
    }

    /// Says so at the first failure, and then at each power of two.
    pub(super) fn fail(&self, sink: &str, reason: &str) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let was_failing = self.is_failing.swap(true, Ordering::Relaxed);
        if !was_failing || failures.is_power_of_two() {
            tracing::warn!(
                sink,
                failures,
                reason,
                "events cannot be delivered; trying again"
            );
        }
    }
}

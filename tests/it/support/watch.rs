//! Looks at a client's sum the whole time, and does not wait for what blocks.

use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::{Client, Stats};

/// Far above what the work of a test takes, however busy the machine is.
const WATCHDOG: Duration = Duration::from_mins(3);

/// The time between two looks.
const BLINK: Duration = Duration::from_millis(1);

/// Does `work` on another thread, and meanwhile looks whether every event has one place.
///
/// # Panics
///
/// When at one look the sum is not exact, when `work` does not end, and when it panics.
pub(crate) fn watch<T: Send + 'static>(
    client: &Client,
    work: impl FnOnce(&Client) -> T + Send + 'static,
) -> T {
    let (worked_on, started) = (client.clone(), Instant::now());
    let worker = thread::spawn(move || work(&worked_on));
    while !worker.is_finished() {
        check_sum(&client.stats());
        assert!(started.elapsed() < WATCHDOG, "it blocks: {client:?}");
        thread::park_timeout(BLINK);
    }
    check_sum(&client.stats());
    worker.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Every event has one place.
pub(crate) fn check_sum(stats: &Stats) {
    let ends = stats.delivered + stats.rejected + stats.dropped + stats.spooled;
    assert_eq!(stats.emitted, ends + stats.pending, "{stats:?}");
}

//! A collector killed under load loses nothing that it acknowledged, and keeps nothing twice.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::Catalog;

use crate::support::{Order, Program, Store, client};

const PATIENCE: Duration = Duration::from_mins(1);

const PENDING_MAX: u64 = 20_000;

/// Each round kills it at another moment of the same load.
const ROUNDS: u32 = 5;

#[test]
fn after_kills_under_load_every_acknowledged_event_is_there_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let (data, schemas) = (folder.path().join("data"), folder.path().join("schemas"));
    write_catalog(&schemas);
    let mut program = Program::serve(&data, "127.0.0.1:0", Some(&schemas));
    let address = program.address.clone();
    // Small batches, so that a kill finds some stored, some on their way, some waiting.
    let client = client(&program.url())
        .batch_events(50)
        .retry_for(PATIENCE)
        .build()
        .unwrap();
    let (number, stop) = (AtomicU32::new(0), AtomicBool::new(false));

    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // As many as fit the buffer while nobody takes them.
                if client.stats().pending < PENDING_MAX {
                    client.emit(Order {
                        number: number.fetch_add(1, Ordering::Relaxed),
                    });
                }
                thread::yield_now();
            }
        });
        // However the rounds end, the load does.
        let _stop = SetOnDrop(&stop);
        for round in 1..=ROUNDS {
            let enough = client.stats().delivered + u64::from(round) * 300;
            let started = Instant::now();
            while client.stats().delivered < enough {
                assert!(
                    started.elapsed() < PATIENCE,
                    "nothing is delivered: {client:?}"
                );
                thread::yield_now();
            }
            program.kill();
            program = Program::serve(&data, &address, Some(&schemas));
        }
    });
    let report = client.shutdown_blocking(PATIENCE);
    program.kill();

    let emitted = number.load(Ordering::Relaxed);
    assert!(report.retries > 0, "no kill was noticed: {report:?}");
    assert_eq!(
        (report.emitted, report.delivered),
        (emitted.into(), emitted.into()),
        "{report:?}"
    );
    let store = Store::open(&data);
    let stored: Vec<u32> = store.all("SELECT details ->> 'number' FROM events");
    let distinct: HashSet<u32> = stored.iter().copied().collect();
    assert_eq!(stored.len(), distinct.len(), "an event is there twice");
    assert_eq!(
        store.one::<i64>("SELECT count(*) FROM \"order\" JOIN events USING (event_id)"),
        i64::from(emitted)
    );
    assert_eq!(store.one::<i64>("SELECT count(*) FROM dead_letters"), 0);
    assert_eq!(distinct, (0..emitted).collect::<HashSet<_>>());
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The catalog of this program's events, as CI would have written it.
fn write_catalog(schemas: &std::path::Path) {
    let catalog = Catalog::registered();
    assert_eq!(catalog.conflicts(), []);
    catalog.write(schemas).unwrap();
}

//! A collector killed a hundred times under load loses nothing that it acknowledged, keeps nothing twice, and brings
//! every event to its sink.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::{Catalog, Client};
use logeater_server::reconcile;

use crate::support::{Order, Program, Store, client};

const PATIENCE: Duration = Duration::from_mins(1);

const PENDING_MAX: u64 = 20_000;

const ROUNDS: u32 = 100;

/// Where a collector has its files.
struct Place<'a>(&'a Path);

impl Place<'_> {
    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn archive(&self) -> PathBuf {
        self.0.join("archive")
    }

    /// Writes the configuration, and the catalog of this program's events, as CI would have written it.
    fn prepare(&self) {
        let catalog = Catalog::registered();
        assert_eq!(catalog.conflicts(), []);
        catalog.write(self.0.join("schemas")).unwrap();
        let config = r#"
            data = "data"
            catalog = "schemas"
            [sinks.archive]
            type = "jsonl"
            path = "archive"
            file_bytes = "100KiB"
            batch_rows = 200
            batch_wait = "1ms"
        "#;
        fs::write(self.0.join("logeater.toml"), config).unwrap();
    }

    fn serve(&self, listen: &str) -> Program {
        let mut command = Program::command();
        command.args(["--listen", listen, "--config"]);
        Program::start(command.arg(self.0.join("logeater.toml")))
    }

    /// The numbers of the events in the archive, each as often as it is there.
    fn archived(&self) -> Vec<u32> {
        let files = fs::read_dir(self.archive()).unwrap();
        let files = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let lines: Vec<String> = files
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let number = |line: &String| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            u32::try_from(event["details"]["number"].as_u64().unwrap()).unwrap()
        };
        lines.iter().map(number).collect()
    }
}

/// Waits until something is so.
fn wait_until(is_so: impl Fn() -> bool, what: impl Fn() -> String) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{}", what());
        thread::yield_now();
    }
}

/// Kills the program at another moment of the same load each time, and starts it again.
fn kill_and_start(program: &mut Program, place: &Place<'_>, client: &Client) {
    let address = program.address.clone();
    for round in 0..ROUNDS {
        let more = u64::from(round.wrapping_mul(2_654_435_761) >> 21);
        let enough = client.stats().delivered + more;
        wait_until(
            || client.stats().delivered >= enough,
            || format!("nothing is delivered: {client:?}"),
        );
        program.kill();
        *program = place.serve(&address);
    }
}

#[test]
fn after_kills_under_load_every_acknowledged_event_is_there_exactly_once_and_in_its_sink() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place(folder.path());
    place.prepare();
    let mut program = place.serve("127.0.0.1:0");
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
        kill_and_start(&mut program, &place, &client);
    });
    let report = client.shutdown_blocking(PATIENCE);
    let emitted = number.load(Ordering::Relaxed);
    let store = Store::open(&place.data());
    wait_until(
        || store.one("SELECT cursor = (SELECT max(rowid) FROM events) FROM _logeater_sinks"),
        || {
            format!(
                "the sink does not get on: {:?}",
                reconcile(place.data().join("logeater.db"))
            )
        },
    );
    program.kill();

    assert!(report.retries > 0, "no kill was noticed: {report:?}");
    assert_eq!(
        (report.emitted, report.delivered),
        (emitted.into(), emitted.into()),
        "{report:?}"
    );
    let stored: Vec<u32> = store.all("SELECT details ->> 'number' FROM events");
    let distinct: HashSet<u32> = stored.iter().copied().collect();
    assert_eq!(stored.len(), distinct.len(), "an event is there twice");
    assert_eq!(distinct, (0..emitted).collect::<HashSet<_>>());
    assert_eq!(
        store.one::<i64>("SELECT count(*) FROM \"order\" JOIN events USING (event_id)"),
        i64::from(emitted)
    );
    assert_eq!(store.one::<i64>("SELECT count(*) FROM dead_letters"), 0);
    let counts = reconcile(place.data().join("logeater.db")).unwrap();
    assert_eq!(counts.differences, [] as [String; 0]);
    let archived: HashSet<u32> = place.archived().into_iter().collect();
    assert_eq!(archived, distinct);
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

//! A client that writes first, killed a hundred times: what was on disk arrives, once, and nothing is missing before it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;
use std::{env, fs};

use logeater_client::Client;

use crate::support::{Collector, Order, another_process, client, nowhere, role};

const PATIENCE: Duration = Duration::from_mins(1);

const ROUNDS: u32 = 100;

/// The numbers of one process begin here, and those of the next one so much later.
const NUMBERS_PER_PROCESS: u32 = 1_000_000;

const SELF: &str = "killed_client::what_a_killed_process_had_on_disk_arrives_once";
const FOLDER: &str = "LOGEATER_TEST_SPOOL_FIRST";
const URL: &str = "LOGEATER_TEST_URL";
const ROUND: &str = "LOGEATER_TEST_ROUND";

/// Batches of 20 events, and a memory of few of them: who emits has to wait for the disk.
fn keeping(url: &str, folder: &Path) -> Client {
    client(url)
        .batch_events(20)
        .buffer_bytes(20_000)
        .spool_first(folder)
        .build()
        .unwrap()
}

/// The process that is killed: it emits until then, and says how far it is.
#[expect(clippy::print_stdout, reason = "the process that kills it listens")]
fn emit_until_killed() {
    let folder = env::var_os(FOLDER).unwrap();
    let client = keeping(&env::var(URL).unwrap(), Path::new(&folder));
    let first = env::var(ROUND).unwrap().parse::<u32>().unwrap() * NUMBERS_PER_PROCESS;
    for number in first..first + NUMBERS_PER_PROCESS {
        client.emit_blocking(Order { number });
        if number % 20 == 0 {
            println!("emitted");
        }
    }
}

/// A process that emits.
struct Emitting {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Emitting {
    fn start(folder: &Path, url: &str, round: u32) -> Self {
        let mut process = another_process(SELF, "killed")
            .env(FOLDER, folder)
            .env(URL, url)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    /// Waits until it has emitted for a while.
    fn wait(&mut self, lines: usize) {
        let said = self.said.by_ref().map(Result::unwrap);
        let emitted = said.filter(|line| line == "emitted").take(lines);
        assert_eq!(emitted.count(), lines);
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The ids of the first events of all batches on disk.
fn on_disk(parent: &Path) -> BTreeSet<String> {
    let folders = fs::read_dir(parent)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|ending| ending == "batch")
        })
        .map(|name| name.split('-').next().unwrap().to_owned())
        .collect()
}

#[test]
fn what_a_killed_process_had_on_disk_arrives_once() {
    if role().is_some() {
        return emit_until_killed();
    }
    let (folder, collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let (down, mut seen) = (nowhere(), BTreeSet::new());
    let mut before: Option<Emitting> = None;
    for round in 0..ROUNDS {
        let url = if round % 3 == 0 {
            &collector.url
        } else {
            &down
        };
        // Two share the folder for a while. Each is killed at another moment: those that are long in coming are those in
        // which it waits for the disk.
        let mut process = Emitting::start(folder.path(), url, round);
        process.wait(1 + (round.wrapping_mul(2_654_435_761) >> 28) as usize);
        if let Some(before) = before.replace(process) {
            before.kill();
        }
        seen.extend(on_disk(folder.path()));
    }
    before.unwrap().kill();
    seen.extend(on_disk(folder.path()));
    let last = keeping(&collector.url, folder.path());
    let report = last.shutdown_blocking(PATIENCE);
    assert_eq!(
        (report.delivered, report.spooled),
        (report.recovered, 0),
        "{report:?}"
    );
    assert!(on_disk(folder.path()).is_empty());
    assert!(!folder.path().join("set-aside").exists());

    let store = collector.store();
    let stored: Vec<u32> = store.all("SELECT details ->> 'number' FROM events");
    let numbers: BTreeSet<_> = stored.iter().copied().collect();
    assert_eq!(stored.len(), numbers.len(), "an event is there twice");
    // Batches are written in their order, so of each process all events are there up to the last.
    for number in &numbers {
        let is_first = number % NUMBERS_PER_PROCESS == 0;
        assert!(
            is_first || numbers.contains(&(number - 1)),
            "{number} has nothing before it"
        );
    }
    // What was on disk when a process was killed is there, by its ids.
    let ids: BTreeSet<String> = store
        .all("SELECT replace(event_id, '-', '') FROM events")
        .into_iter()
        .collect();
    let missing: Vec<_> = seen.difference(&ids).collect();
    assert_eq!(missing, [] as [&String; 0]);
    let batches = seen.len();
    assert!(batches > 200, "{batches}");
}

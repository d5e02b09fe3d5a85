//! A disk that is full: a small file system in memory, mounted where nobody else sees it, by a process of its own.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use logeater_proto::event::event_client::EventClient;
use logeater_server::{
    Collector, Config, Delivery, Error, Jsonl, Retention, Sink, SinkConfig, StoredEvent,
};
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::Channel;

use crate::support::{Folder, Running, event};

/// Says that this process has a file system of its own to mount to.
const ROLE: &str = "LOGEATER_TEST_MOUNTS";

/// Runs the rest of the test `name` in a process that may mount; says whether this is that process.
fn may_mount(name: &str) -> bool {
    if env::var_os(ROLE).is_some() {
        return true;
    }
    let may_mount = unshare().arg("true").status();
    if !may_mount.is_ok_and(|status| status.success()) {
        let is_needed = env::var_os("LOGEATER_TESTS_ALL").is_some();
        let why =
            "unshare of util-linux is needed, and that it may make namespaces of users and mounts";
        assert!(!is_needed, "{why}");
        eprintln!("left out: {why}");
        return false;
    }
    let ended = unshare()
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ROLE, "1")
        .status();
    assert!(ended.unwrap().success());
    false
}

/// What runs a command with mounts of its own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]);
    command
}

/// A folder for a store, on a file system of so many bytes.
fn small_disk(bytes: usize) -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.data()).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
        .arg(folder.data())
        .status();
    assert!(mounted.unwrap().success());
    folder
}

/// Fills what is left of the disk, but for so many bytes.
fn fill(filler: &Path, but_for: usize) {
    let mut file = File::create(filler).unwrap();
    while file.write(&[0x5a; 4_096]).is_ok_and(|written| written > 0) {}
    let len = file.metadata().unwrap().len();
    file.set_len(len.saturating_sub(but_for as u64)).unwrap();
}

/// Pushes an event of 10 kB; says whether it was taken.
async fn push(client: &mut EventClient<Channel>) -> bool {
    let details = format!(r#"{{"text":"{}"}}"#, "a".repeat(10_000));
    match client.push(event("cart.add", &details)).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            assert_eq!(
                status.message(),
                "the disk of the store is full; nothing of this request was stored"
            );
            false
        }
    }
}

/// Pushes until the disk is full, and some more; returns how many were taken.
async fn push_until_full(client: &mut EventClient<Channel>) -> i64 {
    let mut taken = 0;
    while push(client).await {
        taken += 1;
    }
    for _ in 0..20 {
        taken += i64::from(push(client).await);
    }
    taken
}

#[tokio::test]
async fn a_full_disk_refuses_loses_nothing_and_needs_no_restart() {
    if !may_mount("full_disk::a_full_disk_refuses_loses_nothing_and_needs_no_restart") {
        return;
    }
    let folder = small_disk(16 << 20);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    let filler = folder.data().join("filler");
    fill(&filler, 2 << 20);
    let mut taken = push_until_full(&mut client).await;
    assert!(taken > 20, "{taken}");

    fs::remove_file(&filler).unwrap();
    for _ in 0..50 {
        assert!(push(&mut client).await, "there is space again");
        taken += 1;
    }
    running.stop().await.unwrap();
    assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), taken);
}

#[tokio::test]
async fn retention_makes_room_on_a_full_disk_at_once() {
    if !may_mount("full_disk::retention_makes_room_on_a_full_disk_at_once") {
        return;
    }
    let folder = small_disk(24 << 20);
    let retention = Retention::default().size(1 << 20).ballast(4 << 20);
    let running = Running::start(folder.config().retention(retention)).await;
    let ballast = folder.data().join("logeater.ballast");
    while fs::metadata(&ballast).map_or(0, |ballast| ballast.len()) < 4 << 20 {
        tokio::task::yield_now().await;
    }
    let mut client = running.client().await;
    let mut taken = 0;
    while push(&mut client).await {
        taken += 1;
    }
    let room = async {
        while !push(&mut client).await {
            tokio::task::yield_now().await;
        }
    };
    // It looks every ten seconds in any case.
    timeout(Duration::from_secs(7), room).await.unwrap();
    running.stop().await.unwrap();
    let sequence = "SELECT value FROM _logeater WHERE key = 'sequence'";
    assert_eq!(folder.one::<i64>(sequence, []), taken + 1);
    assert!(folder.one::<i64>("SELECT count(*) FROM events", []) < taken);
}

fn with_ballast(folder: &Folder, bytes: u64) -> Config {
    folder
        .config()
        .retention(Retention::default().size(0).ballast(bytes))
}

#[tokio::test]
async fn a_collector_starts_on_a_full_disk_by_its_ballast_and_without_one_says_what_to_do() {
    if !may_mount(
        "full_disk::a_collector_starts_on_a_full_disk_by_its_ballast_and_without_one_says_what_to_do",
    ) {
        return;
    }
    let folder = small_disk(16 << 20);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for _ in 0..100 {
        assert!(push(&mut client).await);
    }
    running.stop().await.unwrap();
    let ballast = folder.data().join("logeater.ballast");
    fs::write(&ballast, vec![0x5a; 4 << 20]).unwrap();
    fill(&folder.data().join("filler"), 0);

    let running = Running::start(with_ballast(&folder, 4 << 20)).await;
    let mut client = running.client().await;
    assert!(push(&mut client).await, "the ballast has made room");
    running.stop().await.unwrap();

    drop(fs::remove_file(&ballast));
    fill(&folder.data().join("filler"), 0);
    fill(&folder.data().join("another"), 0);
    let path = folder.data().join("logeater.db");
    match Collector::open(&folder.config()) {
        Err(error @ Error::FullDisk { .. }) => assert_eq!(
            error.to_string(),
            format!(
                "the disk of the store {} is full: make some room on it",
                path.display()
            )
        ),
        other => panic!("{other:?}"),
    }
}

/// A sink that makes room on its disk when it fails.
#[derive(Debug)]
struct MakesRoom {
    sink: Jsonl,
    filler: PathBuf,
}

#[tonic::async_trait]
impl Sink for MakesRoom {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let delivery = self.sink.deliver(events).await;
        if format!("{delivery:?}").contains("os error 28") {
            fs::remove_file(&self.filler).unwrap();
        }
        delivery
    }

    async fn close(&self) {
        self.sink.close().await;
    }
}

#[tokio::test]
async fn lines_that_a_full_disk_did_not_take_whole_are_taken_back() {
    if !may_mount("full_disk::lines_that_a_full_disk_did_not_take_whole_are_taken_back") {
        return;
    }
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for _ in 0..3 {
        assert!(push(&mut client).await);
    }
    running.stop().await.unwrap();

    let disk = small_disk(1 << 20);
    let (filler, archive) = (disk.data().join("filler"), disk.data().join("archive"));
    // One line and a half.
    fill(&filler, 16 << 10);
    let sink = Jsonl::new(&archive);
    let sink = MakesRoom {
        sink,
        filler: filler.clone(),
    };
    let running = Running::start(folder.config().sink("archive", SinkConfig::new(sink))).await;
    let cursor = "SELECT coalesce(max(cursor), 0) FROM _logeater_sinks";
    let delivered = async {
        while folder.one::<i64>(cursor, []) < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), delivered).await.unwrap();
    running.stop().await.unwrap();
    assert!(!filler.exists(), "it was full");
    let names = fs::read_dir(&archive).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    let file = "events-00000000000000000001.jsonl";
    assert_eq!(names, [file, "events.lock"]);
    let lines = fs::read_to_string(archive.join(file)).unwrap();
    assert_eq!(lines.lines().count(), 3);
}

//! The memory of a whole process with a client in it: the size of its buffer is its ceiling, whatever else it does.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, thread};

use logeater_client::{ClientBuilder, Compression, EventExt, LossReason, WhenFull};
use tempfile::tempdir;

use crate::support::{Order, SilentPeer, Told, another_process, check_sum, client, nowhere, role};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

const FOLDER: &str = "LOGEATER_TEST_SPOOL";

const BUFFER_MEGABYTES: u64 = 64;

/// Megabytes of memory that this process had at most.
fn peak_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes >> 10
}

/// Runs the test `name` in a process of its own, which measures itself.
fn measure(name: &str, role: &str, folder: &Path) {
    let measured = another_process(name, role)
        .env(FOLDER, folder)
        // What glibc keeps for each thread is not the client's.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    assert!(measured.status.success(), "{role}: {measured:?}");
}

fn folder() -> PathBuf {
    env::var_os(FOLDER).unwrap().into()
}

const FILLING: &str = "memory::the_ceiling_is_true_of_the_whole_process";

/// The process that is measured: it has one client, of a server that does not answer.
fn fill(setting: impl FnOnce(ClientBuilder) -> ClientBuilder) {
    let peer = SilentPeer::start();
    let builder = client(&peer.url)
        .buffer_bytes(usize::try_from(BUFFER_MEGABYTES << 20).unwrap())
        .spool_bytes(BUFFER_MEGABYTES << 20)
        .timeout(LONG);
    let client = setting(builder).build().unwrap();
    client.emit(Order { number: 0 });
    let before = peak_megabytes();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..50_000 {
                    client.emit(Order { number }.by("u".repeat(2_000)));
                }
            });
        }
    });
    let (stats, grown) = (client.stats(), peak_megabytes() - before);
    check_sum(&stats);
    assert!(
        stats.dropped_for(LossReason::QueueFull) > 50_000,
        "{stats:?}"
    );
    // What is on its way is copied once for its connection, and the allocator has its own ways.
    assert!(
        (BUFFER_MEGABYTES * 3 / 4..BUFFER_MEGABYTES * 5 / 4).contains(&grown),
        "{grown} MB for {stats:?}"
    );
}

#[test]
fn the_ceiling_is_true_of_the_whole_process() {
    match role().as_deref() {
        Some("newest") => return fill(|builder| builder.when_full(WhenFull::DropNewest)),
        Some("oldest") => return fill(|builder| builder.when_full(WhenFull::DropOldest)),
        Some("gzip") => return fill(|builder| builder.compression(Compression::Gzip)),
        Some("zstd") => return fill(|builder| builder.compression(Compression::Zstd)),
        Some("spool") => return fill(|builder| builder.spool(folder())),
        Some("spool_first") => return fill(|builder| builder.spool_first(folder())),
        _ => {}
    }
    for role in ["newest", "oldest", "gzip", "zstd", "spool", "spool_first"] {
        measure(FILLING, role, tempdir().unwrap().path());
    }
}

const ADOPTING: &str = "memory::what_gives_way_on_disk_takes_no_memory";
/// So many events, of 64 KiB each, wait on disk at first.
const LEFT: u64 = 1_000;

fn large(number: u32) -> impl logeater_client::Event {
    Order { number }.by("u".repeat(64 << 10))
}

/// The process that is measured: it takes over far more than its spool may have.
fn adopt(folder: &Path) {
    let told = Told::default();
    let client = client(&nowhere())
        .linger(LONG)
        .spool(folder)
        .spool_bytes(4 << 20)
        .when_full(WhenFull::DropOldest)
        .on_loss(told.hook())
        .build()
        .unwrap();
    while client.stats().recovered < LEFT {
        thread::yield_now();
    }
    let before = peak_megabytes();
    client.emit(large(0));
    let report = client.shutdown_blocking(PATIENCE);
    let grown = peak_megabytes() - before;
    check_sum(&report);
    let lost = report.dropped_for(LossReason::SpoolFull);
    assert!((LEFT * 9 / 10..LEFT).contains(&lost), "{report:?}");
    assert_eq!(report.spooled, LEFT + 1 - lost, "{report:?}");
    assert_eq!(told.of("order.placed", LossReason::SpoolFull).0, lost);
    assert_eq!(told.total(), lost);
    assert!(grown < 16, "{grown} MB for {report:?}");
}

#[test]
fn what_gives_way_on_disk_takes_no_memory() {
    if role().is_some() {
        return adopt(&folder());
    }
    let folder = tempdir().unwrap();
    let dead = client(&nowhere())
        .linger(LONG)
        .spool(folder.path())
        .build()
        .unwrap();
    for number in 0..u32::try_from(LEFT).unwrap() {
        dead.emit_blocking(large(number));
    }
    assert_eq!(dead.shutdown_blocking(PATIENCE).spooled, LEFT);
    measure(ADOPTING, "adopts", folder.path());
}

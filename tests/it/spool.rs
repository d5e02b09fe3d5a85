//! Events on disk: what is kept there, that it arrives once, and that a disk in trouble harms nobody else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use logeater_client::{Client, ClientBuilder, LossReason, PushError, Stats, WhenFull};
use tempfile::{TempDir, tempdir};
use tonic::Status;

use crate::support::{Collector, Order, Peer, SilentPeer, Told, check_sum, client, nowhere};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_hours(1);

/// Events of about 70 bytes, 100 of them a batch.
pub(crate) fn small(url: &str) -> ClientBuilder {
    client(url).buffer_bytes(100_000).batch_events(100)
}

pub(crate) fn emit(client: &Client, numbers: std::ops::Range<u32>) {
    for number in numbers {
        client.emit_blocking(Order { number });
    }
}

pub(crate) fn spooling(builder: ClientBuilder, folder: &Path, is_first: bool) -> Client {
    let builder = if is_first {
        builder.spool_first(folder)
    } else {
        builder.spool(folder)
    };
    builder.build().unwrap()
}

/// The files of all batches, oldest first.
pub(crate) fn batches(parent: &Path) -> Vec<PathBuf> {
    let entries = |path: &Path| {
        fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let folders = entries(parent).filter(|path| path.is_dir() && !path.ends_with("set-aside"));
    let files = folders.flat_map(|folder| entries(&folder));
    let mut batches: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "batch"))
        .collect();
    batches.sort_by_key(|path| path.file_name().unwrap().to_owned());
    batches
}

/// What the collector has, which must have nothing twice.
fn stored(collector: &Collector) -> BTreeSet<u32> {
    let stored: Vec<u32> = collector
        .store()
        .all("SELECT details ->> 'number' FROM events");
    let distinct: BTreeSet<_> = stored.iter().copied().collect();
    assert_eq!(stored.len(), distinct.len(), "an event is there twice");
    distinct
}

/// A spool with so many events in it, 100 in each file, of a client that has ended.
pub(crate) fn left_behind(events: u32) -> TempDir {
    let folder = tempdir().unwrap();
    let builder = small(&nowhere()).linger(LONG);
    let client = builder.spool(folder.path()).build().unwrap();
    emit(&client, 0..events);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!(
        (report.spooled, report.lost()),
        (events.into(), 0),
        "{report:?}"
    );
    folder
}

/// Waits until the sum of the client's events fits, and looks at each on the way.
pub(crate) fn wait_until(client: &Client, is_so: impl Fn(Stats) -> bool) {
    let started = Instant::now();
    loop {
        let stats = client.stats();
        check_sum(&stats);
        if is_so(stats) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{stats:?}");
        thread::yield_now();
    }
}

#[test]
fn what_a_shutdown_cannot_deliver_is_delivered_by_the_next_client() {
    let started = Instant::now();
    let folder = left_behind(1_000);
    // Nobody waits for a server that is not there, when there is a spool.
    assert!(started.elapsed() < PATIENCE / 2);
    let collector = Collector::start();
    let client = small(&collector.url).spool(folder.path()).build().unwrap();
    emit(&client, 1_000..1_500);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.emitted, report.recovered), (1_500, 1_000));
    assert_eq!((report.delivered, report.spooled), (1_500, 0));
    assert_eq!(stored(&collector), (0..1_500).collect());
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["lock"]);
}

#[test]
fn a_shutdown_without_any_time_saves_what_it_has() {
    let (folder, peer) = (tempdir().unwrap(), SilentPeer::start());
    let client = small(&peer.url).spool(folder.path()).build().unwrap();
    emit(&client, 0..100);
    let report = client.shutdown_blocking(Duration::ZERO);
    assert_eq!((report.spooled, report.lost()), (100, 0), "{report:?}");
}

#[test]
fn a_shutdown_in_vain_saves_what_waits_and_what_is_on_its_way() {
    let (folder, peer) = (tempdir().unwrap(), SilentPeer::start());
    let client = small(&peer.url)
        .timeout(LONG)
        .spool(folder.path())
        .build()
        .unwrap();
    // Some are on their way.
    emit(&client, 0..700);
    let report = client.shutdown_blocking(Duration::from_secs(2));
    assert_eq!((report.spooled, report.lost()), (700, 0), "{report:?}");
    let collector = Collector::start();
    let client = small(&collector.url).spool(folder.path()).build().unwrap();
    wait_until(&client, |stats| stats.delivered == 700);
    assert_eq!(stored(&collector), (0..700).collect());
}

#[test]
fn more_than_the_memory_holds_waits_on_disk_and_is_delivered_in_order() {
    let folder = tempdir().unwrap();
    let (is_open, order) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (open, seen) = (Arc::clone(&is_open), Arc::clone(&order));
    let peer = Peer::answering_batches(move |batch| {
        if !open.load(Ordering::SeqCst) {
            return Err(Status::unavailable("closed"));
        }
        let details = batch.entries[0].details.as_deref().unwrap();
        let digits = details.trim_matches(|byte: char| !byte.is_ascii_digit());
        seen.lock().unwrap().push(digits.parse::<u32>().unwrap());
        Ok(())
    });
    let client = small(&peer.url).spool(folder.path()).build().unwrap();
    emit(&client, 0..20_000);
    let stats = client.stats();
    assert!(stats.spooled > 15_000 && stats.lost() == 0, "{stats:?}");
    // What is on disk has an end for who flushes; what is in memory has not.
    is_open.store(true, Ordering::SeqCst);
    wait_until(&client, |stats| stats.delivered == 20_000);
    assert_eq!(peer.entries().len(), 20_000);
    let order = order.lock().unwrap();
    // Any batch may have found out that the server is back. Four are on their way at once, and the server may begin with
    // any of them.
    let mut rest = order[1..].iter();
    while let Some(first) = rest.next() {
        let late = rest.clone().filter(|later| *later < first).count();
        assert!(late < 4, "{order:?}");
    }
    assert_eq!(batches(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn with_a_server_that_comes_and_goes_each_event_arrives_once() {
    for is_first in [false, true] {
        let (folder, calls) = (tempdir().unwrap(), AtomicU32::new(0));
        let peer = Peer::answering_batches(move |batch| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            match call % 9 {
                0 | 1 => Err(Status::unavailable("gone")),
                5 if batch.entries.len() > 1 => Err(Status::invalid_argument("not so many")),
                _ => Ok(()),
            }
        });
        let builder = small(&peer.url).retry_for(Duration::from_millis(20));
        let client = spooling(builder, folder.path(), is_first);
        thread::scope(|scope| {
            for part in 0..4 {
                let client = &client;
                scope.spawn(move || emit(client, part * 3_000..(part + 1) * 3_000));
            }
            wait_until(&client, |stats| stats.delivered == 12_000);
        });
        let mut ids: Vec<_> = peer
            .entries()
            .into_iter()
            .map(|entry| entry.event_id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((peer.entries().len(), ids.len()), (12_000, 12_000));
        let report = client.shutdown_blocking(PATIENCE);
        assert_eq!((report.lost(), report.spooled), (0, 0));
        assert_eq!(batches(folder.path()), [] as [PathBuf; 0]);
    }
}

#[test]
fn what_was_tried_for_long_enough_waits_on_disk() {
    let folder = tempdir().unwrap();
    let peer = Peer::answering_batches(|_| Err(Status::unavailable("closed")));
    let client = small(&peer.url)
        .retry_for(Duration::ZERO)
        .spool(folder.path())
        .build()
        .unwrap();
    emit(&client, 0..10);
    client.flush_blocking(PATIENCE).unwrap();
    let stats = client.stats();
    assert_eq!((stats.spooled, stats.pending, stats.dropped), (10, 0, 0));
}

#[tokio::test]
async fn an_awaited_event_that_is_on_disk_is_told_so() {
    let folder = tempdir().unwrap();
    let peer = Peer::answering_batches(|_| Err(Status::unavailable("closed")));
    let builder = small(&peer.url).retry_for(Duration::ZERO);
    let later = builder.clone().spool(folder.path()).build().unwrap();
    let first = builder.spool_first(folder.path()).build().unwrap();
    for client in [later, first] {
        let pushed = client.push(Order { number: 1 }).await;
        assert_eq!(pushed, Err(PushError::Spooled));
        let stats = client.stats();
        assert_eq!((stats.spooled, stats.pending), (1, 0));
        client.shutdown(PATIENCE).await;
    }
    assert_eq!(batches(folder.path()).len(), 2);
}

#[test]
fn with_spool_first_a_batch_is_on_disk_while_it_is_on_its_way_and_not_after() {
    let folder = tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (on_disk, parent) = (Arc::clone(&seen), folder.path().to_owned());
    let peer = Peer::answering_batches(move |batch| {
        let id = &batch.entries[0].event_id.as_deref().unwrap();
        let id = id
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let name = format!("{id}-{}.batch", batch.entries.len());
        on_disk
            .lock()
            .unwrap()
            .push(batches(&parent).iter().any(|path| path.ends_with(&name)));
        Ok(())
    });
    let client = small(&peer.url).spool_first(folder.path()).build().unwrap();
    emit(&client, 0..2_000);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.spooled), (2_000, 0));
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 20 && seen.iter().all(|on_disk| *on_disk));
    assert_eq!(batches(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn with_spool_first_more_than_the_memory_holds_waits_on_disk() {
    let (folder, collector) = (tempdir().unwrap(), Collector::start());
    let client = small(&nowhere())
        .spool_first(folder.path())
        .build()
        .unwrap();
    emit(&client, 0..5_000);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.spooled, report.lost()), (5_000, 0), "{report:?}");
    let client = small(&collector.url)
        .spool_first(folder.path())
        .build()
        .unwrap();
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.recovered, report.delivered), (5_000, 5_000));
    assert_eq!(stored(&collector), (0..5_000).collect());
}

#[test]
fn a_batch_that_the_server_refuses_in_part_is_on_disk_until_all_its_parts_have_ended() {
    let folder = left_behind(100);
    let parent = folder.path().to_owned();
    let peer = Peer::answering_batches(move |batch| {
        assert_eq!(batches(&parent).len(), 1);
        let is_refused = |details: &str| details.contains(":42}");
        if batch
            .entries
            .iter()
            .any(|entry| entry.details.as_deref().is_some_and(is_refused))
        {
            return Err(Status::invalid_argument("not this one"));
        }
        Ok(())
    });
    let client = small(&peer.url).spool(folder.path()).build().unwrap();
    wait_until(&client, |stats| {
        stats.delivered == 99 && stats.rejected == 1
    });
    client.shutdown_blocking(PATIENCE);
    assert_eq!(peer.entries().len(), 99);
    assert_eq!(batches(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_server_that_knows_no_batches_gets_what_was_on_disk_once() {
    let (folder, peer) = (left_behind(1_000), Peer::push_only());
    let client = small(&peer.url).spool_first(folder.path()).build().unwrap();
    emit(&client, 1_000..1_200);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.spooled), (1_200, 0));
    assert_eq!(peer.entries().len(), 1_200);
    assert_eq!(batches(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn clients_that_share_a_folder_leave_the_files_of_the_living_alone() {
    let (folder, collector) = (tempdir().unwrap(), Collector::start());
    let down = small(&nowhere())
        .retry_for(Duration::ZERO)
        .spool(folder.path())
        .build()
        .unwrap();
    emit(&down, 0..500);
    down.flush_blocking(PATIENCE).unwrap();
    let up = small(&collector.url).spool(folder.path()).build().unwrap();
    emit(&up, 500..600);
    let report = up.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.recovered), (100, 0));
    assert_eq!(down.stats().spooled, 500);
    down.shutdown_blocking(PATIENCE);
    let next = small(&collector.url).spool(folder.path()).build().unwrap();
    assert_eq!(next.shutdown_blocking(PATIENCE).recovered, 500);
    assert_eq!(stored(&collector), (0..600).collect());
}

#[test]
fn damaged_and_foreign_files_are_set_aside_and_the_others_are_delivered() {
    let (folder, collector) = (left_behind(500), Collector::start());
    let files = batches(folder.path());
    let cut = fs::read(&files[2]).unwrap();
    fs::write(&files[2], &cut[..cut.len() / 2]).unwrap();
    fs::write(files[0].with_file_name("notes.txt"), "mine").unwrap();
    let told = Told::default();
    let builder = small(&collector.url).spool(folder.path());
    let client = builder.on_loss(told.hook()).build().unwrap();
    wait_until(&client, |stats| stats.delivered + stats.dropped == 500);
    let report = client.shutdown_blocking(PATIENCE);
    let lost = report.dropped_for(LossReason::SpoolFailed);
    assert_eq!((report.delivered, lost), (400, 100), "{report:?}");
    // The file no longer tells what was in it.
    assert_eq!(told.of("", LossReason::SpoolFailed), (100, None));
    assert_eq!(told.total(), 100);
    assert_eq!(stored(&collector).len(), 400);
    let aside = folder.path().join("set-aside");
    let mut kept: Vec<_> = fs::read_dir(aside)
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect();
    kept.sort_by_key(Vec::len);
    assert_eq!(kept, [b"mine".to_vec(), cut[..cut.len() / 2].to_vec()]);
}

/// What became of 5,000 events in a spool for fewer, when there was no server.
fn overfull(folder: &Path, when_full: WhenFull) -> Stats {
    let told = Told::default();
    let client = client(&nowhere())
        .linger(LONG)
        .batch_events(100)
        .when_full(when_full)
        .spool(folder)
        .spool_bytes(50_000)
        .on_loss(told.hook())
        .build()
        .unwrap();
    emit(&client, 0..5_000);
    let report = client.shutdown_blocking(PATIENCE);
    check_sum(&report);
    let lost = report.dropped_for(LossReason::SpoolFull);
    assert_eq!(
        (report.spooled, report.dropped),
        (5_000 - lost, lost),
        "{report:?}"
    );
    let files = batches(folder);
    let on_disk: u64 = files
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!((40_000..=50_000).contains(&on_disk), "{on_disk}");
    assert_eq!(told.of("order.placed", LossReason::SpoolFull).0, lost);
    assert_eq!(told.total(), lost);
    report
}

#[test]
fn a_full_spool_takes_nothing_new_or_drops_the_oldest() {
    for (when_full, newest) in [(WhenFull::DropNewest, false), (WhenFull::DropOldest, true)] {
        let (folder, collector) = (tempdir().unwrap(), Collector::start());
        let report = overfull(folder.path(), when_full);
        let client = small(&collector.url).spool(folder.path()).build().unwrap();
        assert_eq!(client.shutdown_blocking(PATIENCE).delivered, report.spooled);
        let kept = u32::try_from(report.spooled).unwrap();
        let expected = if newest { 5_000 - kept..5_000 } else { 0..kept };
        assert_eq!(stored(&collector), expected.collect(), "{when_full:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_of_the_builder() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = small(&nowhere()).spool_first(&file).build().unwrap_err();
    let expected = format!(
        "`spool_first`: {}: it is no folder; remove it, or name another",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
}

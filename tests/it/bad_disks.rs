//! A disk that fails, hangs, or is gone: it harms nobody, and what it cannot keep is sent or counted.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use logeater_client::{Client, EventExt, LossReason};
use tempfile::{TempDir, tempdir};
use tonic::Status;
use tracing::subscriber::with_default;

use crate::spool::{LONG, PATIENCE, batches, emit, left_behind, small, spooling, wait_until};
use crate::support::{
    Collector, Noise, Order, Peer, Reply, ScriptedPeer, SilentPeer, check_sum, nowhere, watch,
};

#[test]
fn a_folder_that_is_no_longer_there_keeps_nothing_from_being_delivered() {
    let folder = tempdir().unwrap();
    let collector = Collector::start();
    for is_first in [false, true] {
        let parent = folder.path().join(is_first.to_string());
        let client = spooling(small(&collector.url), &parent, is_first);
        fs::remove_dir_all(&parent).unwrap();
        if is_first {
            fs::write(&parent, "no folder").unwrap();
        }
        emit(&client, 0..1_000);
        client.flush_blocking(PATIENCE).unwrap();
        let report = client.shutdown_blocking(PATIENCE);
        assert_eq!((report.delivered, report.lost()), (1_000, 0), "{report:?}");
    }
}

#[test]
fn what_a_failing_disk_cannot_keep_is_counted() {
    let folder = tempdir().unwrap();
    let parent = folder.path().join("spool");
    let client = small(&nowhere()).spool(&parent).build().unwrap();
    fs::remove_dir_all(&parent).unwrap();
    fs::write(&parent, "no folder").unwrap();
    emit(&client, 0..100);
    // It is tried again until the time is up.
    let report = client.shutdown_blocking(Duration::from_millis(500));
    assert_eq!(
        report.dropped_for(LossReason::SpoolFailed),
        100,
        "{report:?}"
    );
}

/// Removes a file when it hears that the spool fails.
struct Mender(PathBuf);

impl Write for Mender {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        if String::from_utf8_lossy(said).contains("the spool fails") {
            fs::remove_file(&self.0)?;
        }
        Ok(said.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_a_disk_refuses_at_the_end_it_is_given_again_while_there_is_time() {
    let folder = tempdir().unwrap();
    let parent = folder.path().join("spool");
    let mender = parent.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Mender(mender.clone()))
        .finish();
    let builder = small(&nowhere()).linger(LONG).spool(&parent);
    let client = with_default(subscriber, || builder.build().unwrap());
    fs::remove_dir_all(&parent).unwrap();
    fs::write(&parent, "no folder").unwrap();
    emit(&client, 0..100);
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.spooled, report.lost()), (100, 0), "{report:?}");
}

#[test]
fn what_a_disk_refuses_at_the_end_is_sent_while_there_is_time() {
    let folder = tempdir().unwrap();
    let parent = folder.path().join("spool");
    // As many as are on their way at once.
    let peer = ScriptedPeer::start([Reply::Only(Noise::Silence); 4], Reply::Stores);
    let builder = small(&peer.url).timeout(LONG);
    let client = builder.spool(&parent).build().unwrap();
    fs::remove_dir_all(&parent).unwrap();
    fs::write(&parent, "no folder").unwrap();
    emit(&client, 0..700);
    let report = client.shutdown_blocking(Duration::from_secs(2));
    assert_eq!((report.delivered, report.lost()), (700, 0), "{report:?}");
    assert_eq!(peer.stored().len(), 700);
}

/// A spool whose disk hangs for who looks for what others have left.
fn hanging() -> TempDir {
    let folder = tempdir().unwrap();
    let dead = folder.path().join("000000000001-010101010101");
    fs::create_dir(&dead).unwrap();
    // Opened for writing, it waits for a reader.
    let made = Command::new("mkfifo")
        .arg(dead.join("lock"))
        .status()
        .unwrap();
    assert!(made.success());
    folder
}

#[test]
fn a_disk_that_hangs_holds_up_neither_deliveries_nor_a_shutdown() {
    let collector = Collector::start();
    let folders = [hanging(), hanging()];
    let later = small(&collector.url)
        .spool(folders[0].path())
        .build()
        .unwrap();
    let first = small(&collector.url)
        .spool_first(folders[1].path())
        .build()
        .unwrap();
    for client in [later, first] {
        emit(&client, 0..1_000);
        client.flush_blocking(PATIENCE).unwrap();
        client.emit(Order { number: 1 }.by("u-42"));
        let started = Instant::now();
        let report = client.shutdown_blocking(Duration::from_millis(500));
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!((report.delivered, report.pending), (1_001, 0));
    }
}

/// Has the next write to a spool hang until this is dropped: it makes its folder anew, for which it needs a lock.
fn hang_writes(parent: &Path) -> File {
    let lock = File::open(parent.join("lock")).unwrap();
    lock.lock().unwrap();
    for entry in fs::read_dir(parent).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        }
    }
    lock
}

#[test]
fn a_write_that_hangs_keeps_no_event_from_being_sent_and_leaves_no_file() {
    for is_first in [false, true] {
        // When that is delivered, no job of the start is left to hang instead.
        let folder = left_behind(100);
        let fails = Arc::new(AtomicBool::new(false));
        let fails_once = Arc::clone(&fails);
        let peer = Peer::answering_batches(move |_| {
            if fails_once.swap(false, Ordering::SeqCst) {
                return Err(Status::unavailable("not now"));
            }
            Ok(())
        });
        let builder = small(&peer.url).retry_for(Duration::ZERO);
        let client = spooling(builder, folder.path(), is_first);
        wait_until(&client, |stats| stats.delivered == 100);
        let hanging = hang_writes(folder.path());
        fails.store(true, Ordering::SeqCst);
        emit(&client, 100..200);
        wait_until(&client, |stats| stats.delivered == 200);
        drop(hanging);
        let report = client.shutdown_blocking(PATIENCE);
        assert_eq!((report.emitted, report.delivered), (200, 200));
        assert_eq!(peer.entries().len(), 200);
        assert_eq!(batches(folder.path()), [] as [PathBuf; 0]);
    }
}

/// Emits more than the memory holds, and does not wait.
fn emit_too_many(client: &Client) {
    watch(client, |client| {
        for number in 0..10_000 {
            client.emit(Order { number });
        }
    });
    let stats = client.stats();
    assert!(stats.dropped_for(LossReason::QueueFull) > 0, "{stats:?}");
}

#[test]
fn who_emits_does_not_wait_for_a_disk_that_hangs() {
    for is_first in [false, true] {
        let folder = left_behind(100);
        let peer = Peer::answering_batches(|_| Ok(()));
        let client = spooling(small(&peer.url), folder.path(), is_first);
        wait_until(&client, |stats| stats.delivered == 100);
        let hanging = hang_writes(folder.path());
        emit_too_many(&client);
        drop(hanging);
        let report = client.shutdown_blocking(PATIENCE);
        let lost = report.dropped_for(LossReason::QueueFull);
        assert_eq!((report.delivered + lost, report.lost()), (10_100, lost));
    }
}

#[test]
fn who_emits_does_not_wait_for_a_disk_that_fails_or_is_full() {
    for is_first in [false, true] {
        let folder = tempdir().unwrap();
        let peer = SilentPeer::start();
        let full = small(&peer.url).spool_bytes(10_000);
        let full = spooling(full, &folder.path().join("full"), is_first);
        let parent = folder.path().join("failing");
        let failing = spooling(small(&peer.url), &parent, is_first);
        fs::remove_dir_all(&parent).unwrap();
        fs::write(&parent, "no folder").unwrap();
        for client in [full, failing] {
            emit_too_many(&client);
            let report = client.shutdown_blocking(Duration::ZERO);
            check_sum(&report);
            assert_eq!((report.emitted, report.pending), (10_000, 0));
        }
    }
}

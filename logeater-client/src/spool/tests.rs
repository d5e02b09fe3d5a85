//! Real folders, and clients that share them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use tempfile::{TempDir, tempdir};

use super::disk_error::Trouble;
use super::flaw::Flaw;
use super::header::HEADER_BYTES;
use super::*;
use crate::when_full::WhenFull;

pub(super) const NO_LIMIT: Limit = Limit {
    bytes: u64::MAX,
    when_full: WhenFull::DropNewest,
    reads_dropped: true,
};

fn open(parent: &TempDir, client: u8, limit: Limit) -> Spool {
    Spool::open(parent.path(), client.into(), [client; 6], limit).unwrap()
}

/// A client without a limit.
fn client(parent: &TempDir, client: u8) -> Spool {
    open(parent, client, NO_LIMIT)
}

/// The folder of a client.
fn folder(parent: &TempDir, client: u8) -> PathBuf {
    let name = format!("{client:012x}-{}", format!("{client:02x}").repeat(6));
    parent.path().join(name)
}

fn file(folder: &Path, id: u8, events: u32) -> PathBuf {
    folder.join(format!("{}-{events}.batch", format!("{id:02x}").repeat(16)))
}

fn write(spool: &mut Spool, id: u8, events: u32, batch: &[u8]) -> Ticket {
    let (file, dropped) = try_to_write(spool, id, events, batch);
    assert_eq!(dropped, []);
    file.unwrap()
}

/// How many events a file had that was dropped, and what was read of it.
type Dropped = (u32, Vec<u8>);

/// Writes a batch, and tells what was dropped for it.
fn try_to_write(
    spool: &mut Spool,
    id: u8,
    events: u32,
    batch: &[u8],
) -> (Result<Ticket, WriteError>, Vec<Dropped>) {
    let mut dropped = Vec::new();
    let file = spool.write([id; 16], events, batch, |events, batch| {
        dropped.push((events, batch.to_vec()));
    });
    (file, dropped)
}

/// Writes a batch for later.
fn store(spool: &mut Spool, id: u8, events: u32, batch: &[u8]) {
    let ticket = write(spool, id, events, batch);
    spool.put_back(ticket);
}

/// Takes and removes all batches.
fn drain(spool: &mut Spool) -> Vec<(Vec<u8>, u32)> {
    let mut batches = Vec::new();
    while let Some(Taken { ticket, batch }) = spool.take().unwrap() {
        batches.push((batch, ticket.events()));
        spool.remove(ticket).unwrap();
    }
    batches
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn batches_are_read_as_they_were_written_the_oldest_first() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    store(&mut spool, 2, 20, b"second");
    store(&mut spool, 1, 10, b"first");
    store(&mut spool, 3, 30, b"");
    assert_eq!(spool.waiting_events(), 60);
    assert_eq!(spool.bytes(), 3 * HEADER_BYTES as u64 + 11);
    assert_eq!(
        drain(&mut spool),
        [
            (b"first".to_vec(), 10),
            (b"second".to_vec(), 20),
            (Vec::new(), 30)
        ]
    );
    assert_eq!((spool.waiting_events(), spool.bytes()), (0, 0));
    assert_eq!(names(&folder(&parent, 1)), ["lock".to_owned()].into());
}

#[test]
fn a_batch_is_nobody_elses_while_its_ticket_is_out() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    let first = write(&mut spool, 1, 10, b"first");
    assert_eq!(spool.take(), Ok(None));
    spool.put_back(first);
    let Taken { ticket, .. } = spool.take().unwrap().unwrap();
    assert_eq!(spool.take(), Ok(None));
    assert_eq!(
        (spool.waiting_events(), spool.bytes()),
        (0, HEADER_BYTES as u64 + 5)
    );
    drop((spool, ticket));
    let mut next = client(&parent, 2);
    next.adopt();
    assert_eq!(drain(&mut next), [(b"first".to_vec(), 10)]);
}

#[test]
fn the_next_client_adopts_what_the_dead_have_left_in_order_of_age() {
    let parent = tempdir().unwrap();
    let (mut first, mut second) = (client(&parent, 1), client(&parent, 2));
    store(&mut first, 1, 1, b"a");
    store(&mut second, 2, 2, b"b");
    store(&mut first, 3, 3, b"c");
    drop((first, second));
    let mut third = client(&parent, 3);
    store(&mut third, 4, 4, b"d");
    let adopted = third.adopt();
    assert_eq!((adopted.batches, adopted.events), (3, 6));
    assert_eq!((adopted.set_aside, adopted.errors), (vec![], vec![]));
    assert!(!folder(&parent, 1).exists() && !folder(&parent, 2).exists());
    let letters: Vec<_> = drain(&mut third)
        .into_iter()
        .map(|(batch, _)| batch)
        .collect();
    assert_eq!(letters.concat(), b"abcd");
}

#[test]
fn the_files_of_the_living_are_left_alone() {
    let parent = tempdir().unwrap();
    let (mut first, mut second) = (client(&parent, 1), client(&parent, 2));
    store(&mut first, 1, 1, b"a");
    fs::write(folder(&parent, 1).join("1.tmp"), "being written").unwrap();
    let before = names(&folder(&parent, 1));
    let adopted = second.adopt();
    assert_eq!((adopted.batches, adopted.errors), (0, vec![]));
    assert_eq!(names(&folder(&parent, 1)), before);
    assert_eq!(drain(&mut first), [(b"a".to_vec(), 1)]);
}

#[test]
fn clients_that_start_at_once_adopt_each_batch_once() {
    let parent = tempdir().unwrap();
    for dead in 1..=8 {
        let mut spool = client(&parent, dead);
        for part in 0..8 {
            store(&mut spool, 8 * dead + part, 1, &[8 * dead + part]);
        }
    }
    let start = Barrier::new(4);
    let adopt = |living: u8| {
        start.wait();
        let mut spool = client(&parent, living);
        let adopted = spool.adopt();
        assert_eq!((adopted.set_aside, adopted.errors), (vec![], vec![]));
        let batches = drain(&mut spool);
        assert_eq!(adopted.batches, batches.len() as u64);
        spool.close().unwrap();
        batches
    };
    let found: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (101..=104)
            .map(|living| scope.spawn(move || adopt(living)))
            .collect();
        let batches = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap());
        batches.map(|(batch, _)| batch[0]).collect()
    });
    assert_eq!(found.len(), 64);
    assert_eq!(
        found.into_iter().collect::<BTreeSet<_>>(),
        (8..72).collect()
    );
    assert_eq!(names(parent.path()), ["lock".to_owned()].into());
}

#[test]
fn a_file_that_is_no_whole_batch_is_set_aside_once_and_the_others_are_read() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    for id in 1..=6 {
        store(&mut spool, id, 10, b"0123456789");
    }
    drop(spool);
    let path = |id| file(&folder(&parent, 1), id, 10);
    let whole = fs::read(path(1)).unwrap();
    let with = |place: usize, byte| {
        let mut bytes = whole.clone();
        bytes[place] = byte;
        bytes
    };
    fs::write(path(1), &whole[..20]).unwrap();
    fs::write(path(2), &whole[..37]).unwrap();
    fs::write(path(3), [&*whole, b"!"].concat()).unwrap();
    fs::write(path(4), with(30, b'!')).unwrap();
    fs::write(path(5), with(8, 2)).unwrap();

    let mut next = client(&parent, 2);
    next.adopt();
    assert_eq!(next.waiting_events(), 60);
    let aside = parent
        .path()
        .join("set-aside")
        .join("000000000002-020202020202");
    for (id, flaw) in (1..).zip([
        Flaw::Length,
        Flaw::Length,
        Flaw::Length,
        Flaw::Checksum,
        Flaw::Version(2),
    ]) {
        let path = file(&aside, id, 10);
        let file = SetAside { path, flaw };
        let error = TakeError::SetAside { events: 10, file };
        assert_eq!(next.take().unwrap_err(), error);
    }
    assert_eq!(drain(&mut next), [(b"0123456789".to_vec(), 10)]);
    assert_eq!((next.waiting_events(), next.bytes()), (0, 0));
    assert_eq!(fs::read(file(&aside, 2, 10)).unwrap(), whole[..37]);
    next.close().unwrap();

    let mut last = client(&parent, 3);
    let adopted = last.adopt();
    assert_eq!((adopted.batches, adopted.set_aside), (0, vec![]));
    assert_eq!(names(&aside).len(), 5);
}

#[test]
fn a_batch_under_the_name_of_another_is_set_aside() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    store(&mut spool, 1, 10, b"batch");
    let path = |events| file(&folder(&parent, 1), 1, events);
    fs::rename(path(10), path(11)).unwrap();
    drop(spool);
    let mut next = client(&parent, 2);
    next.adopt();
    let Err(TakeError::SetAside { events: 11, file }) = next.take() else {
        panic!("it was read");
    };
    assert_eq!(file.flaw, Flaw::Events);
}

#[test]
fn what_no_client_writes_is_set_aside_by_name_and_unfinished_batches_are_removed() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    store(&mut spool, 1, 10, b"batch");
    drop(spool);
    let dead = folder(&parent, 1);
    fs::write(dead.join("notes.txt"), "mine").unwrap();
    fs::create_dir_all(dead.join("more").join("of it")).unwrap();
    fs::create_dir(file(&dead, 2, 1)).unwrap();
    fs::write(file(&dead, 3, 1).with_extension("tmp"), "half").unwrap();
    fs::write(parent.path().join("README"), "what this folder is").unwrap();
    fs::create_dir(parent.path().join("other")).unwrap();

    let mut next = client(&parent, 2);
    let adopted = next.adopt();
    assert_eq!((adopted.batches, adopted.errors), (1, vec![]));
    let aside = parent
        .path()
        .join("set-aside")
        .join("000000000001-010101010101");
    let expected = [
        file(&aside, 2, 1),
        aside.join("more"),
        aside.join("notes.txt"),
    ];
    let mut set_aside = adopted.set_aside;
    set_aside.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!(
        set_aside,
        expected.map(|path| SetAside {
            path,
            flaw: Flaw::Foreign
        })
    );
    assert!(!dead.exists() && aside.join("more").join("of it").exists());
    assert_eq!(
        names(parent.path()),
        [
            "000000000002-020202020202",
            "README",
            "lock",
            "other",
            "set-aside"
        ]
        .map(str::to_owned)
        .into()
    );
}

#[test]
fn a_copy_of_a_batch_is_not_sent_twice() {
    let parent = tempdir().unwrap();
    for dead in 1..=2 {
        store(&mut client(&parent, dead), 1, 10, b"batch");
    }
    let mut next = client(&parent, 3);
    let adopted = next.adopt();
    assert_eq!((adopted.batches, adopted.events), (1, 10));
    let aside = parent
        .path()
        .join("set-aside")
        .join("000000000002-020202020202");
    let path = file(&aside, 1, 10);
    assert_eq!(
        adopted.set_aside,
        [SetAside {
            path,
            flaw: Flaw::Copy
        }]
    );
    assert_eq!(drain(&mut next), [(b"batch".to_vec(), 10)]);
    assert_eq!(next.bytes(), 0);
}

#[test]
fn at_its_limit_a_spool_refuses_what_is_new() {
    let parent = tempdir().unwrap();
    let limit = Limit {
        bytes: 2 * (HEADER_BYTES as u64 + 5),
        when_full: WhenFull::DropNewest,
        ..NO_LIMIT
    };
    let mut spool = open(&parent, 1, limit);
    store(&mut spool, 1, 10, b"first");
    store(&mut spool, 2, 20, b"secon");
    let refused = (Err(WriteError::Full), vec![]);
    assert_eq!(try_to_write(&mut spool, 3, 30, b""), refused);
    assert_eq!(drain(&mut spool).len(), 2);
    store(&mut spool, 3, 30, b"third");
}

#[test]
fn at_its_limit_a_spool_drops_the_oldest_that_nobody_sends() {
    let parent = tempdir().unwrap();
    let limit = Limit {
        bytes: 3 * (HEADER_BYTES as u64 + 5),
        when_full: WhenFull::DropOldest,
        ..NO_LIMIT
    };
    let mut spool = open(&parent, 1, limit);
    let sent = write(&mut spool, 1, 10, b"first");
    store(&mut spool, 2, 20, b"secon");
    store(&mut spool, 3, 30, b"third");
    let (fourth, dropped) = try_to_write(&mut spool, 4, 40, b"fourt");
    assert_eq!(dropped, [(20, b"secon".to_vec())]);
    spool.put_back(fourth.unwrap());
    let too_large = [0; 2 * (HEADER_BYTES + 5) + 1];
    let refused = (Err(WriteError::Full), vec![]);
    assert_eq!(try_to_write(&mut spool, 5, 50, &too_large), refused);
    assert_eq!(spool.waiting_events(), 70);
    spool.put_back(sent);
    let events: Vec<_> = drain(&mut spool)
        .into_iter()
        .map(|(_, events)| events)
        .collect();
    assert_eq!(events, [10, 30, 40]);
}

#[test]
fn what_is_dropped_is_read_only_for_who_wants_to_know_what_was_in_it() {
    for (reads_dropped, batch) in [(true, &b"first"[..]), (false, b"")] {
        let parent = tempdir().unwrap();
        let limit = Limit {
            bytes: HEADER_BYTES as u64 + 5,
            when_full: WhenFull::DropOldest,
            reads_dropped,
        };
        let mut spool = open(&parent, 1, limit);
        store(&mut spool, 1, 10, b"first");
        let (_, dropped) = try_to_write(&mut spool, 2, 20, b"secon");
        assert_eq!(dropped, [(10, batch.to_vec())]);
    }
}

#[test]
fn what_was_adopted_counts_for_the_limit_and_is_kept_beyond_it() {
    let parent = tempdir().unwrap();
    store(&mut client(&parent, 1), 1, 10, b"first");
    let limit = Limit {
        bytes: HEADER_BYTES as u64 + 4,
        when_full: WhenFull::DropNewest,
        ..NO_LIMIT
    };
    let mut next = open(&parent, 2, limit);
    next.adopt();
    assert_eq!(next.bytes(), HEADER_BYTES as u64 + 5);
    let refused = (Err(WriteError::Full), vec![]);
    assert_eq!(try_to_write(&mut next, 2, 1, b""), refused);
    assert_eq!(drain(&mut next).len(), 1);
    store(&mut next, 2, 1, b"");
}

#[test]
fn a_folder_that_was_removed_is_made_anew_and_what_was_in_it_is_lost() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    store(&mut spool, 1, 10, b"first");
    fs::remove_dir_all(parent.path()).unwrap();
    store(&mut spool, 2, 20, b"second");
    let path = file(&folder(&parent, 1), 1, 10);
    assert_eq!(
        spool.take().unwrap_err(),
        TakeError::Gone { events: 10, path }
    );
    // It has its lock again.
    assert_eq!(client(&parent, 2).adopt().batches, 0);
    assert_eq!(drain(&mut spool), [(b"second".to_vec(), 20)]);
    assert_eq!(spool.bytes(), 0);
}

#[test]
fn a_folder_that_cannot_be_made_anew_is_an_error_that_says_so() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    fs::remove_dir_all(parent.path()).unwrap();
    fs::write(parent.path(), "").unwrap();
    let (Err(WriteError::Disk(error)), _) = try_to_write(&mut spool, 2, 1, b"") else {
        panic!("it was written");
    };
    assert_eq!(error.trouble, Trouble::NoFolder);
    assert_eq!(spool.adopt().errors.len(), 1);
    assert_eq!((spool.waiting_events(), spool.bytes()), (0, 0));
}

#[test]
fn a_batch_that_cannot_be_read_waits_for_its_next_turn_behind_the_others() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    for id in 1..=3 {
        store(&mut spool, id, 1, &[id]);
    }
    // What is no file cannot be read, whoever tries.
    let (first, elsewhere) = (file(&folder(&parent, 1), 1, 1), parent.path().join("1"));
    fs::rename(&first, &elsewhere).unwrap();
    fs::create_dir(&first).unwrap();
    let postponed = |spool: &mut Spool| match spool.take() {
        Err(TakeError::Postponed(error)) => assert_eq!(error.path, first),
        other => panic!("{other:?}"),
    };
    postponed(&mut spool);
    assert_eq!(spool.waiting_events(), 3);
    let mut sent = Vec::new();
    for _ in 0..2 {
        let taken = spool.take().unwrap().unwrap();
        sent.extend(taken.batch);
        spool.remove(taken.ticket).unwrap();
    }
    assert_eq!(sent, [2, 3]);
    postponed(&mut spool);
    fs::remove_dir(&first).unwrap();
    fs::rename(&elsewhere, &first).unwrap();
    assert_eq!(drain(&mut spool), [(vec![1], 1)]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_refuses_a_batch_and_leaves_nothing_of_it() {
    let parent = tempdir().unwrap();
    let mut spool = client(&parent, 1);
    let folder = folder(&parent, 1);
    let aside = file(&folder, 1, 10).with_extension("tmp");
    std::os::unix::fs::symlink("/dev/full", &aside).unwrap();
    let full = DiskError {
        path: aside,
        trouble: Trouble::Full,
    };
    let refused = (Err(WriteError::Disk(full)), vec![]);
    assert_eq!(try_to_write(&mut spool, 1, 10, b"batch"), refused);
    assert_eq!(names(&folder), ["lock".to_owned()].into());
    assert_eq!(spool.bytes(), 0);
    store(&mut spool, 1, 10, b"batch");
    assert_eq!(drain(&mut spool).len(), 1);
}

#[test]
fn a_parent_that_is_no_folder_is_refused() {
    let parent = tempdir().unwrap();
    let path = parent.path().join("spool");
    fs::write(&path, "").unwrap();
    let refused = |path: &Path| Spool::open(path, 1, [1; 6], NO_LIMIT).unwrap_err();
    assert_eq!(
        refused(&path).to_string(),
        format!(
            "{}: it is no folder; remove it, or name another",
            path.display()
        )
    );
    assert_eq!(refused(&path.join("deeper")).trouble, Trouble::NoFolder);
}

#[test]
fn the_parent_is_made_and_an_empty_folder_removed() {
    let parent = tempdir().unwrap();
    let path = parent.path().join("var").join("spool");
    let mut spool = Spool::open(&path, 1, [1; 6], NO_LIMIT).unwrap();
    let ticket = write(&mut spool, 1, 10, b"batch");
    spool.remove(ticket).unwrap();
    spool.close().unwrap();
    assert_eq!(names(&path), ["lock".to_owned()].into());
    let mut spool = Spool::open(&path, 2, [2; 6], NO_LIMIT).unwrap();
    store(&mut spool, 1, 10, b"batch");
    spool.close().unwrap();
    let mut spool = Spool::open(&path, 3, [3; 6], NO_LIMIT).unwrap();
    assert_eq!(spool.adopt().events, 10);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_look_into_the_folder_of_a_client() {
    use std::os::unix::fs::PermissionsExt;

    let parent = tempdir().unwrap();
    let _spool = client(&parent, 1);
    let mode = fs::metadata(folder(&parent, 1))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

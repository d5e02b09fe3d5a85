//! A process that is forked: before its first event every process has a client of its own, later it is told to.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use fork::{Fork, fork, waitpid};
use logeater_client::{Client, EventExt, LossReason, Stats};
use logeater_proto::event::EventEntry;
use tempfile::tempdir;
use tracing_subscriber::filter::LevelFilter;

use crate::support::{Order, Peer, Told, another_process, client, nowhere, role};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// Each process emits as many.
const EVENTS: u32 = 100;

const URL: &str = "LOGEATER_TEST_URL";

fn client_of_role() -> Client {
    client(&env::var(URL).unwrap()).build().unwrap()
}

/// Runs `work` in a process that is forked from this one, and waits for its end: success, if `work` says so.
fn in_a_fork(work: impl FnOnce() -> bool) {
    match fork().unwrap() {
        // A panic that ends the only thread of a process is a success to its parent.
        Fork::Child => {
            let success = catch_unwind(AssertUnwindSafe(work)).unwrap_or(false);
            process::exit(i32::from(!success));
        }
        Fork::Parent(child) => assert_eq!(waitpid(child).unwrap(), 0),
    }
}

fn wait_until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE);
        thread::yield_now();
    }
}

fn emit_all(client: &Client) -> Stats {
    for number in 0..EVENTS {
        client.emit(Order { number });
    }
    client.shutdown_blocking(PATIENCE)
}

fn forked_before() {
    let client = client_of_role();
    for _ in 0..3 {
        in_a_fork(|| emit_all(&client).delivered == u64::from(EVENTS));
    }
    assert_eq!(emit_all(&client).delivered, u64::from(EVENTS));
}

fn forked_after() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let client = client_of_role();
    client.emit(Order { number: 0 });
    client.flush_blocking(PATIENCE).unwrap();
    in_a_fork(|| {
        let report = emit_all(&client);
        let lost = report.dropped_for(LossReason::ShutDown);
        (report.delivered, lost, report.pending) == (1, u64::from(EVENTS), 0)
    });
    assert_eq!(emit_all(&client).delivered, 1 + u64::from(EVENTS));
}

/// A child of a process whose hook was told of losses, and whose events are still in the open batch.
fn forked_with_events() {
    let told = Told::default();
    let client = client(&env::var(URL).unwrap())
        .linger(LONG)
        .buffer_bytes(1 << 20)
        .on_loss(told.hook())
        .build()
        .unwrap();
    client.emit(Order { number: 0 }.by("u".repeat(1 << 20)));
    wait_until(|| told.total() == 1);
    let (inherited, later) = (EVENTS, EVENTS);
    for number in 0..inherited {
        client.emit(Order { number });
    }
    in_a_fork(|| {
        for number in inherited..inherited + later {
            client.emit(Order { number });
        }
        // They are believed to have a batch, until somebody looks.
        let before = client.stats();
        let report = client.shutdown_blocking(PATIENCE);
        let lost = u64::from(inherited + later);
        wait_until(|| told.of("order.placed", LossReason::ShutDown).0 == lost);
        (before.pending, report.dropped_for(LossReason::ShutDown)) == (lost, lost)
    });
    let report = client.shutdown_blocking(PATIENCE);
    assert_eq!((report.delivered, report.dropped), (inherited.into(), 1));
    assert_eq!(told.total(), 1);
}

/// A child of a process that has events on disk.
fn forked_with_a_spool() {
    let folder = tempdir().unwrap();
    let spooling = || client(&nowhere()).spool(folder.path()).build().unwrap();
    let (client, next) = (spooling(), || spooling().shutdown_blocking(PATIENCE));
    let (mut child, mut parent) = UnixStream::pair().unwrap();
    match fork().unwrap() {
        Fork::Child => {
            drop(parent);
            let report = emit_all(&client);
            let lost = report.dropped_for(LossReason::ShutDown);
            child
                .write_all(&[u8::from(lost == u64::from(EVENTS))])
                .unwrap();
            // It lives until it is let go.
            let end = child.read(&mut [0]).unwrap();
            process::exit(i32::try_from(end).unwrap());
        }
        Fork::Parent(process) => {
            drop(child);
            let mut is_shut_down = [0];
            parent.read_exact(&mut is_shut_down).unwrap();
            assert_eq!(is_shut_down, [1]);
            assert_eq!(emit_all(&client).spooled, u64::from(EVENTS));
            assert_eq!(next().recovered, 0);
            drop(parent);
            assert_eq!(waitpid(process).unwrap(), 0);
            assert_eq!(next().recovered, u64::from(EVENTS));
        }
    }
}

/// Runs a test in a role, against this server, and gives what it said.
fn play(name: &str, role: &str, peer: &Peer) -> String {
    let mut played: Command = another_process(name, role);
    let played = played.env(URL, &peer.url).output().unwrap();
    assert!(played.status.success(), "{played:?}");
    String::from_utf8(played.stderr).unwrap()
}

#[test]
fn a_process_that_has_not_emitted_can_be_forked_and_each_has_ids_of_its_own() {
    if role().is_some() {
        return forked_before();
    }
    let peer = Peer::answering_batches(|_| Ok(()));
    let name = "forks::a_process_that_has_not_emitted_can_be_forked_and_each_has_ids_of_its_own";
    play(name, "parent", &peer);
    let entries = peer.entries();
    // The last 48 bits of an id are the client's own.
    let instance = |entry: &EventEntry| entry.event_id.clone().unwrap()[10..].to_vec();
    let instances: HashSet<_> = entries.iter().map(instance).collect();
    assert_eq!((entries.len(), instances.len()), (400, 4));
}

#[test]
fn a_fork_of_a_process_that_has_emitted_says_what_to_do_and_sends_nothing() {
    if role().is_some() {
        return forked_after();
    }
    let peer = Peer::answering_batches(|_| Ok(()));
    let name = "forks::a_fork_of_a_process_that_has_emitted_says_what_to_do_and_sends_nothing";
    let said = play(name, "parent", &peer);
    assert_eq!(
        said.matches("forked after the client's thread had started")
            .count(),
        1,
        "{said}"
    );
    assert_eq!(peer.entries().len(), 101);
}

#[test]
fn what_a_fork_finds_in_memory_is_its_parents_to_send_and_counts_as_dropped_there() {
    if role().is_some() {
        return forked_with_events();
    }
    let peer = Peer::answering_batches(|_| Ok(()));
    let name =
        "forks::what_a_fork_finds_in_memory_is_its_parents_to_send_and_counts_as_dropped_there";
    play(name, "parent", &peer);
    assert_eq!(peer.entries().len(), 100);
}

#[test]
fn what_a_process_leaves_on_disk_is_taken_over_when_its_forks_have_ended_too() {
    if role().is_some() {
        return forked_with_a_spool();
    }
    let peer = Peer::answering_batches(|_| Ok(()));
    let name = "forks::what_a_process_leaves_on_disk_is_taken_over_when_its_forks_have_ended_too";
    play(name, "parent", &peer);
}

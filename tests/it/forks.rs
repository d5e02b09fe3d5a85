//! A process that is forked: before its first event every process has a client of its own, later it is told to.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;
use std::{env, process};

use fork::{Fork, fork, waitpid};
use logeater_client::{Client, LossReason, Stats};
use logeater_proto::event::EventEntry;
use tracing_subscriber::filter::LevelFilter;

use crate::support::{Order, Peer, another_process, client, role};

const PATIENCE: Duration = Duration::from_secs(30);

/// Each process emits as many.
const EVENTS: u32 = 100;

const URL: &str = "LOGEATER_TEST_URL";

fn client_of_role() -> Client {
    client(&env::var(URL).unwrap()).build().unwrap()
}

/// Runs `work` in a process that is forked from this one, and waits for its end: success, if `work` says so.
fn in_a_fork(work: impl FnOnce() -> bool) {
    match fork().unwrap() {
        Fork::Child => process::exit(i32::from(!work())),
        Fork::Parent(child) => assert_eq!(waitpid(child).unwrap(), 0),
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

//! The collector as the system sees it: what is acknowledged was synced to disk before.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::support::{Order, Program, another_process, client, role};

const PUSHES: u32 = 20;

const SELF: &str = "synced::each_answer_to_a_push_comes_after_the_sync_of_its_event";
const FOLDER: &str = "LOGEATER_TEST_FOLDER";

/// What a traced process did, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// Wrote to the log of the store.
    Wrote,
    /// Synced the log.
    Synced,
    /// Said something to a client, which has this text in it.
    Said(String),
}

/// Reads the output of `strace --decode-fds=all`, in which each call has its file's path behind the number.
///
/// A call of which another thread's interrupts the line counts when it has returned, but for what is said to clients:
/// that counts when it begins.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, line)) = line.split_once(' ') else {
            continue;
        };
        let line = line.trim_start();
        if let Some(start) = line.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, start);
            calls.extend(said(start));
        } else if line.starts_with("<... ") {
            calls.extend(begun.remove(thread).and_then(done));
        } else {
            calls.extend(said(line));
            calls.extend(done(line));
        }
    }
    calls
}

fn done(call: &str) -> Option<Call> {
    let (name, args) = call.split_once('(')?;
    if !args.split([',', ')']).next()?.contains("logeater.db-wal>") {
        return None;
    }
    match name {
        "pwrite64" | "write" | "pwritev" | "writev" => Some(Call::Wrote),
        "fdatasync" | "fsync" => Some(Call::Synced),
        _ => None,
    }
}

fn said(call: &str) -> Option<Call> {
    let (name, args) = call.split_once('(')?;
    let is_saying = ["writev", "sendto", "sendmsg", "write"].contains(&name);
    let is_to_client = args.split(',').next()?.contains("<TCP");
    (is_saying && is_to_client).then(|| Call::Said(args.to_owned()))
}

/// The message of a batch of one event that is accepted, as gRPC frames it: `accepted` is 1.
const ANSWER_BYTES: [u8; 7] = [0, 0, 0, 0, 2, 8, 1];

/// The same, as strace writes it.
const ANSWER: &str = r"\0\0\0\0\2\10\1";

/// The answers, and of them those before which something was written that was not synced.
fn unsafe_answers(calls: &[Call]) -> (usize, usize) {
    let (mut answers, mut early, mut is_dirty, mut is_new) = (0, 0, false, false);
    for call in calls {
        match call {
            Call::Wrote => (is_dirty, is_new) = (true, true),
            Call::Synced => is_dirty = false,
            Call::Said(text) if text.contains(ANSWER) => {
                answers += 1;
                // An answer without a write is as early as one before its sync.
                early += usize::from(is_dirty || !is_new);
                is_new = false;
            }
            Call::Said(_) => {}
        }
    }
    (answers, early)
}

/// Whether strace is there and may trace; where everything is asked for, it must be.
fn may_trace() -> bool {
    let traced = Command::new("strace")
        .args(["--output", "/dev/null", "true"])
        .status();
    let may_trace = traced.is_ok_and(|traced| traced.success());
    let is_needed = std::env::var_os("LOGEATER_TESTS_ALL").is_some();
    assert!(
        may_trace || !is_needed,
        "strace is needed, and that it may trace: apt-get install strace"
    );
    if !may_trace {
        eprintln!("left out: there is no strace that may trace");
    }
    may_trace
}

/// Has strace write to a file what a command does.
fn traced(command: &Command, trace: &Path) -> Command {
    let calls = "write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync";
    let mut strace = Command::new("strace");
    strace
        .args([
            "--follow-forks",
            "--decode-fds=path,socket",
            "--string-limit=400",
        ])
        .arg(format!("--trace={calls}"))
        .arg("--output")
        .arg(trace)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        strace.env(name, value.unwrap_or_default());
    }
    strace
}

fn read(trace: &Path) -> Vec<Call> {
    let trace = fs::read_to_string(trace);
    calls(&trace.unwrap())
}

/// Ends the one child of a process as a signal does, which ends both.
fn end_child(program: Program) {
    let id = program.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let killed = Command::new("kill").arg(children.trim()).status();
    assert!(killed.unwrap().success());
    program.wait();
}

/// The process that is traced to see whether its being careless is seen: a store of its own, and answers as the
/// collector's.
fn answer_as(synchronous: &str) {
    let folder = std::env::var_os(FOLDER).unwrap();
    let store = Connection::open(Path::new(&folder).join("logeater.db")).unwrap();
    let pragmas = format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}");
    store.execute_batch(&pragmas).unwrap();
    store.execute_batch("CREATE TABLE events (id)").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    for number in 0..PUSHES {
        store
            .execute("INSERT INTO events VALUES (?1)", [number])
            .unwrap();
        client.write_all(&ANSWER_BYTES).unwrap();
    }
}

#[test]
fn each_answer_to_a_push_comes_after_the_sync_of_its_event() {
    if let Some(synchronous) = role() {
        return answer_as(&synchronous);
    }
    if !may_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let answers = PUSHES as usize;
    for (synchronous, early) in [("OFF", answers), ("NORMAL", answers), ("FULL", 0)] {
        let store = tempfile::tempdir().unwrap();
        let mut careless = another_process(SELF, synchronous);
        let ended = traced(careless.env(FOLDER, store.path()), &trace).status();
        assert!(ended.unwrap().success());
        assert_eq!(
            unsafe_answers(&read(&trace)),
            (answers, early),
            "{synchronous}"
        );
    }

    let mut command = Program::command();
    command.args(["--listen", "127.0.0.1:0", "--data"]);
    command.arg(folder.path().join("data"));
    let program = Program::start(&mut traced(&command, &trace));
    let client = client(&program.url()).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for number in 0..PUSHES {
        runtime.block_on(client.push(Order { number })).unwrap();
    }
    end_child(program);
    assert_eq!(unsafe_answers(&read(&trace)), (answers, 0));
}

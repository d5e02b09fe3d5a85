//! A thousand clients at once: each is acknowledged, none starves, and the collector's memory stays bounded.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use logeater_proto::event::event_client::EventClient;
use logeater_proto::event::{EventBatch, EventEntry};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use crate::support::{Program, Store, another_process, role};

const CLIENTS: usize = 1_000;

const BATCHES: u32 = 10;

const EVENTS: u32 = 20;

/// The queue's 64 MiB, SQLite's 32 MiB, and less than 100 KiB for each connection.
const MEMORY_KIB_MAX: u64 = 192 << 10;

const SELF: &str = "thousand_clients::each_of_a_thousand_clients_is_acknowledged_and_none_starves";

/// Runs a command with enough files for a thousand connections, at both of their ends.
fn with_files(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -n 4096 && exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// How many batches have been acknowledged: of each client, and of all.
#[derive(Debug)]
struct Acknowledged {
    of_each: Vec<AtomicU32>,
    of_all: AtomicU32,
}

impl Acknowledged {
    fn new() -> Self {
        Self {
            of_each: (0..CLIENTS).map(|_| AtomicU32::new(0)).collect(),
            of_all: AtomicU32::new(0),
        }
    }

    /// Counts one more. When half of all are there, each client has its share.
    fn count(&self, client: usize) {
        self.of_each[client].fetch_add(1, Ordering::Relaxed);
        let all = self.of_all.fetch_add(1, Ordering::Relaxed) + 1;
        if all as usize == CLIENTS * BATCHES as usize / 2 {
            let starving = self.of_each.iter();
            let starving = starving.filter(|batches| batches.load(Ordering::Relaxed) == 0);
            assert_eq!(starving.count(), 0, "some have had no answer yet");
        }
    }
}

fn batch() -> EventBatch {
    let entry = EventEntry {
        timestamp: 1_769_860_800_000,
        service: "shop".to_owned(),
        r#type: "cart.add".to_owned(),
        user_id: Some("u-1".to_owned()),
        details: Some(format!(r#"{{"text":"{}"}}"#, "a".repeat(100))),
        event_id: None,
    };
    EventBatch {
        entries: vec![entry; EVENTS as usize],
    }
}

async fn push_all(url: String) {
    let (start, acknowledged) = (
        Arc::new(Barrier::new(CLIENTS)),
        Arc::new(Acknowledged::new()),
    );
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (start, acknowledged) = (Arc::clone(&start), Arc::clone(&acknowledged));
        let endpoint = Endpoint::from_shared(url.clone()).unwrap();
        let mut client = EventClient::new(endpoint.connect().await.unwrap());
        clients.spawn(async move {
            start.wait().await;
            for _ in 0..BATCHES {
                let answer = client.push_batch(batch()).await.unwrap().into_inner();
                assert_eq!((answer.accepted, answer.rejected), (EVENTS, Vec::new()));
                acknowledged.count(number);
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
}

/// The most memory that a process has had, in KiB.
fn memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse().unwrap()
}

#[test]
fn each_of_a_thousand_clients_is_acknowledged_and_none_starves() {
    if role().is_none() {
        let ended = with_files(&another_process(SELF, "clients"))
            .status()
            .unwrap();
        assert!(ended.success());
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::serve(data.path(), "127.0.0.1:0", None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(push_all(program.url()));
    let memory = memory_kib(program.id());
    program.kill();

    let stored: usize = Store::open(data.path()).one("SELECT count(*) FROM events");
    assert_eq!(stored, CLIENTS * (BATCHES * EVENTS) as usize);
    assert!(memory < MEMORY_KIB_MAX, "{memory} KiB");
}

//! Arbitrary servers with arbitrary faults, and what holds whatever they do.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use logeater_client::{Client, PushError, Stats};
use logeater_proto::event::EventEntry;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, yield_now};
use tonic::Code;

use crate::faults::{LIES, NOISES, numbers};
use crate::support::{Order, Reply, ScriptedPeer, client, watch};

/// How many cases are tried unless `PROPTEST_CASES` says so. Most of the time of a case is waiting.
const CASES: u32 = 16;

const PATIENCE: Duration = Duration::from_mins(1);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_millis(150);

/// Longer than that.
const LATE: Duration = Duration::from_millis(300);

#[derive(Clone, Debug)]
struct Case {
    servers: Vec<Server>,
    batch_events: u32,
    retry_for: Duration,
    steps: Vec<Step>,
    shutdown: Duration,
}

#[derive(Clone, Debug)]
struct Server {
    knows_batches: bool,
    script: Vec<Reply>,
    afterwards: Reply,
}

impl Server {
    /// Whether it answers in the end.
    fn comes_round(&self) -> bool {
        matches!(
            self.afterwards,
            Reply::Stores | Reply::StoresAndLeaves | Reply::Refuses(_)
        )
    }
}

#[derive(Clone, Debug)]
enum Step {
    Emit(u32),
    Push,
    Flush(Duration),
}

fn noises() -> impl Strategy<Value = Reply> {
    let noise = || select(&NOISES[..]);
    prop_oneof![
        noise().prop_map(Reply::StoresAnd),
        noise().prop_map(Reply::Only)
    ]
}

fn faults() -> impl Strategy<Value = Reply> {
    prop_oneof![
        4 => noises(),
        2 => (0..=16).prop_map(|code| Reply::Fails(Code::from_i32(code))),
        1 => (1..=16).prop_map(|code| Reply::FailsAfterHead(Code::from_i32(code))),
        1 => select(&[200, 404, 429, 502][..]).prop_map(Reply::Http),
        1 => select(&LIES[..]).prop_map(Reply::Lies),
        1 => Just(Reply::StoresLate(LATE)),
    ]
}

fn answers() -> impl Strategy<Value = Reply> {
    prop_oneof![
        4 => Just(Reply::Stores),
        1 => Just(Reply::StoresAndLeaves),
        1 => (1_usize..5).prop_map(Reply::Refuses),
    ]
}

fn servers() -> impl Strategy<Value = Server> {
    let afterwards = prop_oneof![4 => answers(), 1 => faults()];
    let script = vec(prop_oneof![1 => answers(), 2 => faults()], 0..10);
    (any::<bool>(), script, afterwards).prop_map(|(knows_batches, script, afterwards)| Server {
        knows_batches,
        script,
        afterwards,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_u32..100).prop_map(Step::Emit),
        2 => Just(Step::Push),
        1 => (0_u64..200).prop_map(|millis| Step::Flush(Duration::from_millis(millis))),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let retry_for = prop_oneof![
        1 => Just(Duration::ZERO),
        1 => Just(TIMEOUT),
        4 => Just(LONG),
    ];
    let shutdown = prop_oneof![
        1 => Just(Duration::ZERO),
        2 => Just(TIMEOUT),
        5 => Just(PATIENCE),
    ];
    let servers = vec(servers(), 1..=3);
    let case = (servers, 1_u32..40, retry_for, vec(steps(), 1..12), shutdown);
    case.prop_map(|(servers, batch_events, retry_for, steps, shutdown)| Case {
        // Nobody waits for those who never come round.
        shutdown: if servers.iter().any(Server::comes_round) {
            shutdown
        } else {
            shutdown.min(TIMEOUT)
        },
        servers,
        batch_events,
        retry_for,
        steps,
    })
}

impl Case {
    /// Whether a server comes round, and there is time enough for it.
    fn loses_nothing(&self) -> bool {
        self.retry_for == LONG && self.shutdown == PATIENCE
    }

    fn client(&self, peers: &[ScriptedPeer]) -> Client {
        let builder = client(&peers[0].url);
        let others = peers[1..].iter().map(|peer| &*peer.url);
        others
            .fold(builder, logeater_client::ClientBuilder::endpoint)
            .batch_events(self.batch_events)
            .timeout(TIMEOUT)
            .retry_for(self.retry_for)
            .build()
            .unwrap()
    }

    /// Does all steps and shuts down: the report, and the ends of the events that were pushed.
    fn run(&self, client: &Client) -> (Stats, BTreeMap<u32, Result<(), PushError>>) {
        let runtime = Builder::new_current_thread().build().unwrap();
        let (mut number, mut pushes) = (0, BTreeMap::<u32, JoinHandle<_>>::new());
        for step in &self.steps {
            match step {
                Step::Emit(events) => {
                    for number in number..number + events {
                        client.emit(Order { number });
                    }
                    number += events;
                }
                Step::Push => {
                    let client = client.clone();
                    let push = async move { client.push(Order { number }).await };
                    pushes.insert(number, runtime.spawn(push));
                    // It is in the buffer before the next step.
                    runtime.block_on(yield_now());
                    number += 1;
                }
                Step::Flush(timeout) => {
                    if client.flush_blocking(*timeout).is_ok() {
                        assert_eq!(client.stats().pending, 0);
                    }
                }
            }
        }
        let report = client.shutdown_blocking(self.shutdown);
        assert_eq!(report.emitted, u64::from(number));
        let ends = pushes.into_iter().map(|(number, push)| {
            let end = runtime.block_on(push).unwrap();
            (number, end)
        });
        (report, ends.collect())
    }
}

/// Every event has the same id wherever and however often it is.
fn check_ids(entries: &[EventEntry]) {
    let mut ids = BTreeMap::new();
    for entry in entries {
        let id = ids.entry(&entry.details).or_insert(&entry.event_id);
        assert_eq!(*id, &entry.event_id);
    }
}

fn check(case: Case) {
    let start = |server: &Server| {
        let start = if server.knows_batches {
            ScriptedPeer::start
        } else {
            ScriptedPeer::push_only
        };
        start(server.script.clone(), server.afterwards)
    };
    let peers: Vec<_> = case.servers.iter().map(start).collect();
    let client = case.client(&peers);
    let loses_nothing = case.loses_nothing();
    let (report, pushed) = watch(&client, move |client| case.run(client));
    assert_eq!(report.pending, 0);
    assert_eq!(report, client.stats(), "nothing happens after the end");

    let stored: Vec<_> = peers.iter().flat_map(ScriptedPeer::stored).collect();
    let refused: Vec<_> = peers.iter().flat_map(ScriptedPeer::refused).collect();
    check_ids(&[&*stored, &refused].concat());
    let (stored, refused) = (numbers(stored), numbers(refused));
    if loses_nothing {
        assert_eq!(report.delivered + report.rejected, report.emitted);
        assert_eq!(stored.union(&refused).count() as u64, report.emitted);
    }
    assert!(report.delivered <= stored.len() as u64, "{report:?}");
    assert!(report.rejected <= refused.len() as u64, "{report:?}");
    for (number, end) in pushed {
        match end {
            Ok(()) => assert!(stored.contains(&number), "{number}"),
            Err(PushError::Rejected(_)) => assert!(refused.contains(&number), "{number}"),
            Err(_) => assert!(!loses_nothing, "{number}"),
        }
    }
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_event_has_one_end_whatever_the_servers_do(case in cases()) {
        check(case);
    }
}

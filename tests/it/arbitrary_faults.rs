//! Arbitrary servers with arbitrary faults, and what holds whatever they do.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::{env, thread};

use logeater_client::{Client, ClientBuilder, PushError, Stats, WhenFull};
use logeater_proto::event::EventEntry;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tempfile::tempdir;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, yield_now};
use tonic::Code;

use crate::faults::{LIES, NOISES, numbers};
use crate::support::{Order, Reply, ScriptedPeer, Told, client, watch};

/// How many cases are tried unless `PROPTEST_CASES` says so. Most of the time of a case is waiting.
const CASES: u32 = 16;

const PATIENCE: Duration = Duration::from_mins(1);

/// Longer than any test takes.
const LONG: Duration = Duration::from_hours(1);

/// Room for more events than a case has.
const AMPLE: usize = 8 << 20;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_millis(150);

/// Longer than that.
const LATE: Duration = Duration::from_millis(300);

#[derive(Clone, Debug)]
struct Case {
    servers: Vec<Server>,
    batch_events: u32,
    retry_for: Duration,
    keeping: Keeping,
    steps: Vec<Step>,
    shutdown: Duration,
}

/// Where events wait.
#[derive(Clone, Copy, Debug)]
struct Keeping {
    buffer_bytes: usize,
    when_full: WhenFull,
    spool: Option<Spool>,
}

#[derive(Clone, Copy, Debug)]
struct Spool {
    is_first: bool,
    bytes: u64,
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

fn keeping() -> impl Strategy<Value = Keeping> {
    let buffer_bytes = prop_oneof![2 => Just(AMPLE), 1 => 2_000_usize..20_000];
    let when_full = select(&[WhenFull::DropNewest, WhenFull::DropOldest][..]);
    let bytes = prop_oneof![2 => Just(AMPLE as u64), 1 => 2_000_u64..20_000];
    let spool = (any::<bool>(), bytes).prop_map(|(is_first, bytes)| Spool { is_first, bytes });
    let spool = prop_oneof![1 => Just(None), 2 => spool.prop_map(Some)];
    (buffer_bytes, when_full, spool).prop_map(|(buffer_bytes, when_full, spool)| Keeping {
        buffer_bytes,
        when_full,
        spool,
    })
}

impl Keeping {
    /// Whether there is room for all events.
    fn is_ample(self) -> bool {
        let spool = self.spool.is_none_or(|spool| spool.bytes == AMPLE as u64);
        self.buffer_bytes == AMPLE && spool
    }

    fn set(self, builder: ClientBuilder, folder: &Path) -> ClientBuilder {
        let builder = builder
            .buffer_bytes(self.buffer_bytes)
            .when_full(self.when_full);
        match self.spool {
            None => builder,
            Some(Spool { is_first, bytes }) => {
                let builder = builder.spool_bytes(bytes);
                if is_first {
                    builder.spool_first(folder)
                } else {
                    builder.spool(folder)
                }
            }
        }
    }
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
    let waits = (retry_for, keeping());
    let case = (servers, 1_u32..40, waits, vec(steps(), 1..12), shutdown);
    case.prop_map(|(servers, batch_events, waits, steps, shutdown)| Case {
        // Nobody waits for those who never come round, unless a disk takes what they do not.
        shutdown: if servers.iter().any(Server::comes_round) || waits.1.spool.is_some() {
            shutdown
        } else {
            shutdown.min(TIMEOUT)
        },
        servers,
        batch_events,
        retry_for: waits.0,
        keeping: waits.1,
        steps,
    })
}

impl Case {
    /// Whether there is room and time enough for a server or a disk.
    fn loses_nothing(&self) -> bool {
        let is_kept = self.retry_for == LONG || self.keeping.spool.is_some();
        is_kept && self.keeping.is_ample() && self.shutdown == PATIENCE
    }

    fn client(&self, peers: &[ScriptedPeer], folder: &Path, told: &Told) -> Client {
        let builder = self.keeping.set(client(&peers[0].url), folder);
        let others = peers[1..].iter().map(|peer| &*peer.url);
        others
            .fold(builder, ClientBuilder::endpoint)
            .batch_events(self.batch_events)
            .timeout(TIMEOUT)
            .retry_for(self.retry_for)
            .on_loss(told.hook())
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

/// What a client finds in this folder that delivers all of it.
fn left_in(folder: &Path) -> Vec<EventEntry> {
    let peer = ScriptedPeer::start([], Reply::Stores);
    let next = client(&peer.url).spool(folder).build().unwrap();
    let report = next.shutdown_blocking(PATIENCE);
    assert_eq!(report.recovered, report.delivered, "{report:?}");
    peer.stored()
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
    let (folder, told) = (tempdir().unwrap(), Told::default());
    let client = case.client(&peers, folder.path(), &told);
    let (loses_nothing, has_spool) = (case.loses_nothing(), case.keeping.spool.is_some());
    let has_time = case.shutdown == PATIENCE;
    let (report, pushed) = watch(&client, move |client| case.run(client));
    assert_eq!(report.pending, 0);
    assert_eq!(report, client.stats(), "nothing happens after the end");

    let stored: Vec<_> = peers.iter().flat_map(ScriptedPeer::stored).collect();
    let refused: Vec<_> = peers.iter().flat_map(ScriptedPeer::refused).collect();
    let left = if has_spool {
        left_in(folder.path())
    } else {
        Vec::new()
    };
    check_ids(&[&*stored, &refused, &left].concat());
    let on_disk = left.len();
    let (stored, refused, left) = (numbers(stored), numbers(refused), numbers(left));
    // A shutdown without time may come between a file and the removal of the one that it replaces, as a crash may.
    if has_time {
        assert_eq!(on_disk, left.len(), "an event is on disk twice");
        // Events that were delivered may be in a file with others, for want of room for another.
        assert!(report.spooled <= on_disk as u64, "{report:?}");
    }
    if loses_nothing {
        assert_eq!((report.dropped, report.spooled), (0, on_disk as u64));
        let places = [&stored, &refused, &left];
        let has_place = |number| places.iter().any(|place| place.contains(&number));
        assert!((0..u32::try_from(report.emitted).unwrap()).all(has_place));
    }
    while told.total() < report.lost() {
        thread::yield_now();
    }
    assert_eq!(told.total(), report.lost());
    assert!(report.delivered <= stored.len() as u64, "{report:?}");
    assert!(report.rejected <= refused.len() as u64, "{report:?}");
    for (number, end) in pushed {
        match end {
            Ok(()) => assert!(stored.contains(&number), "{number}"),
            Err(PushError::Rejected(_)) => assert!(refused.contains(&number), "{number}"),
            Err(PushError::Spooled) => assert!(has_spool, "{number}"),
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

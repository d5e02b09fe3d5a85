//! Sinks that do whatever they should not, and what holds all the same: every event has its end, and all numbers add up.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_server::{Config, Delivery, Maintenance, Sink, SinkConfig, StoredEvent};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::{Folder, Running, event_with_id};

const PATIENCE: Duration = Duration::from_mins(1);

/// How many cases are tried unless `PROPTEST_CASES` says so. A replay is noticed after a second.
const CASES: u32 = 10;

/// How long a delivery may take.
const TIMEOUT: Duration = Duration::from_millis(50);

/// What a sink does with a batch.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Stores,
    Fails,
    /// Every so many-th event.
    Refuses(usize),
    TriesAgain(usize),
    RefusesAndTriesAgain(usize),
    /// It stores all and says so too late.
    Hangs,
    PanicsAtOnce,
    PanicsWith(usize),
    RefusesWhatItWasNotGiven,
    TriesAgainWhatItWasNotGiven,
}

/// A sink that answers by a script, and stores everything once that has ended.
#[derive(Clone, Debug, Default)]
struct Faulty {
    script: Arc<Mutex<VecDeque<Answer>>>,
    /// By the number of each event, how often it said that the event is stored or refused, or panicked on it alone.
    ends: Arc<Mutex<BTreeMap<u8, u64>>>,
    has_faulty_chores: bool,
}

impl Faulty {
    fn new(script: &[Answer]) -> Self {
        let script = script.iter().copied().collect();
        Self {
            script: Arc::new(Mutex::new(script)),
            ..Self::default()
        }
    }

    fn config(&self, folder: &Folder, workers: usize) -> Config {
        let sink = SinkConfig::new(self.clone())
            .batch_rows(3)
            .batch_wait(Duration::ZERO)
            .timeout(TIMEOUT)
            .workers(workers);
        folder.config().sink("faulty", sink)
    }

    fn end(&self, events: &[StoredEvent], is_end: impl Fn(usize) -> bool) {
        let mut ends = self.ends.lock().unwrap();
        let ended = events
            .iter()
            .enumerate()
            .filter(|(index, _)| is_end(*index));
        for (_, event) in ended {
            *ends.entry(number(event)).or_default() += 1;
        }
    }
}

fn number(event: &StoredEvent) -> u8 {
    u8::from_str_radix(&event.event_id[34..], 16).unwrap()
}

#[tonic::async_trait]
impl Sink for Faulty {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let answer = self.script.lock().unwrap().pop_front();
        let each = |every: usize| (0..events.len()).filter(move |index| index % every == 0);
        let stored = || Delivery::stored().pause(Duration::ZERO);
        match answer.unwrap_or(Answer::Stores) {
            Answer::Stores => {
                self.end(events, |_| true);
                stored()
            }
            Answer::Fails => Delivery::failed("it is down").pause(Duration::ZERO),
            Answer::Refuses(every) => {
                self.end(events, |_| true);
                each(every).fold(stored(), |delivery, index| delivery.refuse(index, "no"))
            }
            Answer::TriesAgain(every) => {
                self.end(events, |index| index % every != 0);
                each(every).fold(stored(), |delivery, index| delivery.retry(index, "busy"))
            }
            Answer::RefusesAndTriesAgain(every) => {
                self.end(events, |index| index % every == 0);
                (0..events.len()).fold(stored(), |delivery, index| {
                    if index % every == 0 {
                        delivery.refuse(index, "no")
                    } else {
                        delivery.retry(index, "busy")
                    }
                })
            }
            Answer::Hangs => pending().await,
            Answer::PanicsAtOnce => {
                self.end(events, |_| events.len() == 1);
                panic!("as the script says");
            }
            Answer::PanicsWith(every) => {
                let poison = |event: &StoredEvent| usize::from(number(event)) % every == 0;
                if events.iter().any(poison) {
                    // The halves are to meet it as well.
                    self.script
                        .lock()
                        .unwrap()
                        .push_front(Answer::PanicsWith(every));
                    self.end(events, |_| events.len() == 1);
                    panic!("poison");
                }
                self.end(events, |_| true);
                stored()
            }
            Answer::RefusesWhatItWasNotGiven => stored().refuse(events.len(), "no"),
            Answer::TriesAgainWhatItWasNotGiven => stored().retry(events.len() + 7, "busy"),
        }
    }

    async fn tick(&self) {
        assert!(!self.has_faulty_chores, "a tick panics");
    }

    async fn close(&self) {
        if self.has_faulty_chores {
            pending::<()>().await;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push(u8),
    /// Waits until each event has its end.
    Settle,
    ReplayAll,
    ReplayDeadLetters,
    Pause,
    GoOn,
    Restart,
}

#[derive(Clone, Debug)]
struct Case {
    workers: usize,
    /// Whether each step waits for the end of the one before: then it is known how many ends an event has.
    is_settled: bool,
    script: Vec<Answer>,
    steps: Vec<Step>,
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Stores),
        2 => Just(Answer::Fails),
        3 => (1_usize..4).prop_map(Answer::Refuses),
        3 => (1_usize..4).prop_map(Answer::TriesAgain),
        2 => (1_usize..4).prop_map(Answer::RefusesAndTriesAgain),
        1 => Just(Answer::Hangs),
        1 => Just(Answer::PanicsAtOnce),
        1 => (2_usize..5).prop_map(Answer::PanicsWith),
        1 => Just(Answer::RefusesWhatItWasNotGiven),
        1 => Just(Answer::TriesAgainWhatItWasNotGiven),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1_u8..12).prop_map(Step::Push),
        1 => Just(Step::Settle),
        1 => Just(Step::ReplayAll),
        1 => Just(Step::ReplayDeadLetters),
        1 => Just(Step::Pause),
        2 => Just(Step::GoOn),
        2 => Just(Step::Restart),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let script = vec(answers(), 0..40);
    let case = (1_usize..4, any::<bool>(), script, vec(steps(), 1..12));
    case.prop_map(|(workers, is_settled, script, steps)| Case {
        workers,
        is_settled,
        script,
        steps,
    })
}

/// A collector with a faulty sink, and what is to be expected of it.
struct Trial {
    folder: Folder,
    sink: Faulty,
    workers: usize,
    running: Running,
    pushed: u8,
    is_paused: bool,
    expected: BTreeMap<u8, u64>,
}

impl Trial {
    async fn start(script: &[Answer], workers: usize) -> Self {
        let (folder, sink) = (Folder::new(), Faulty::new(script));
        let running = Running::start(sink.config(&folder, workers)).await;
        while folder.rows("SELECT name FROM _logeater_sinks").is_empty() {
            yield_now().await;
        }
        Self {
            folder,
            sink,
            workers,
            running,
            pushed: 0,
            is_paused: false,
            expected: BTreeMap::new(),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Push(events) => {
                let mut client = self.running.client().await;
                for _ in 0..events {
                    let Some(id) = self.pushed.checked_add(1) else {
                        return;
                    };
                    let pushed = client.push(event_with_id(id, "cart.add", "{}"));
                    pushed.await.unwrap();
                    self.pushed = id;
                    self.expected.insert(id, 1);
                }
            }
            Step::Settle => self.settle().await,
            Step::ReplayAll => {
                let moment = "2020-01-01T00:00:00.000000Z";
                self.maintenance().replay_since("faulty", moment).unwrap();
                // What is to be sent once more comes by the cursor then.
                self.expected.values_mut().for_each(|ends| *ends += 1);
            }
            Step::ReplayDeadLetters => {
                let dead = "SELECT DISTINCT event_id FROM dead_letters";
                for id in self.folder.rows(dead) {
                    let number = u8::from_str_radix(&id[35..37], 16).unwrap();
                    *self.expected.get_mut(&number).unwrap() += 1;
                }
                self.maintenance()
                    .replay_dead_letters_of_sink("faulty")
                    .unwrap();
            }
            Step::Pause | Step::GoOn => {
                self.is_paused = matches!(step, Step::Pause);
                self.maintenance().pause("faulty", self.is_paused).unwrap();
            }
            Step::Restart => {
                let running = Running::start(Config::new(self.folder.data().join("other"))).await;
                let before = std::mem::replace(&mut self.running, running);
                before.stop().await.unwrap();
                let config = self.sink.config(&self.folder, self.workers);
                let running = Running::start(config).await;
                std::mem::replace(&mut self.running, running)
                    .stop()
                    .await
                    .unwrap();
            }
        }
    }

    fn maintenance(&self) -> Maintenance {
        Maintenance::open(self.folder.data().join("logeater.db")).unwrap()
    }

    /// Waits until there is nothing more to deliver; a sink that is paused goes on.
    async fn settle(&mut self) {
        self.maintenance().pause("faulty", false).unwrap();
        let is_idle = "SELECT cursor >= (SELECT coalesce(max(rowid), 0) FROM events)
                 AND NOT EXISTS (SELECT 1 FROM _logeater_resend) FROM _logeater_sinks";
        let idle = async {
            while !self.folder.one::<bool>(is_idle, []) {
                yield_now().await;
            }
        };
        let in_time = timeout(PATIENCE, idle).await;
        let sinks = self.folder.rows("SELECT * FROM _logeater_sinks");
        assert!(in_time.is_ok(), "{} events, {sinks:?}", self.pushed);
        if self.is_paused {
            self.maintenance().pause("faulty", true).unwrap();
        }
    }
}

async fn check(case: Case) {
    let mut trial = Trial::start(&case.script, case.workers).await;
    for step in &case.steps {
        trial.step(*step).await;
        if case.is_settled {
            trial.settle().await;
        }
    }
    trial.settle().await;
    trial.running.stop().await.unwrap();
    let ends = trial.sink.ends.lock().unwrap();
    if case.is_settled {
        assert_eq!(*ends, trial.expected);
    }
    assert!(ends.keys().copied().eq(1..=trial.pushed), "{ends:?}");
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
    fn every_event_has_one_end_in_each_pass_whatever_the_sink_does(case in cases()) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(case));
    }
}

/// Delivers one event to a sink that begins with this answer.
async fn deliver(answer: Answer) -> (Folder, Faulty) {
    let mut trial = Trial::start(&[answer], 1).await;
    trial.step(Step::Push(1)).await;
    trial.settle().await;
    trial.running.stop().await.unwrap();
    (trial.folder, trial.sink)
}

#[tokio::test]
async fn what_is_said_of_an_event_that_was_not_given_does_not_count() {
    for answer in [
        Answer::RefusesWhatItWasNotGiven,
        Answer::TriesAgainWhatItWasNotGiven,
    ] {
        let (folder, sink) = deliver(answer).await;
        assert_eq!(*sink.ends.lock().unwrap(), BTreeMap::from([(1, 1)]));
        assert_eq!(
            folder.rows("SELECT delivered, dead FROM _logeater_sinks"),
            ["1|0"]
        );
    }
}

#[tokio::test]
async fn a_sink_that_does_not_answer_in_time_is_asked_again() {
    let (folder, sink) = deliver(Answer::Hangs).await;
    assert_eq!(*sink.ends.lock().unwrap(), BTreeMap::from([(1, 1)]));
    assert_eq!(
        folder.rows("SELECT delivered, dead FROM _logeater_sinks"),
        ["1|0"]
    );
}

#[tokio::test]
async fn a_sink_whose_tick_panics_and_whose_close_hangs_gets_its_events_and_holds_up_nobody() {
    let folder = Folder::new();
    let sink = Faulty {
        has_faulty_chores: true,
        ..Faulty::default()
    };
    let config = sink
        .config(&folder, 1)
        .drain_timeout(Duration::from_millis(100));
    let running = Running::start(config).await;
    let mut client = running.client().await;
    // The first tick is at once, and the pause of a second in between is looked at by the sink's place.
    for id in 1..=2 {
        client
            .push(event_with_id(id, "cart.add", "{}"))
            .await
            .unwrap();
        let cursor = "SELECT cursor FROM _logeater_sinks";
        let delivered = async {
            while folder.one::<u8>(cursor, []) < id {
                yield_now().await;
            }
        };
        timeout(PATIENCE, delivered).await.unwrap();
        Maintenance::open(folder.data().join("logeater.db"))
            .unwrap()
            .replay_since("faulty", "2020-01-01T00:00:00.000000Z")
            .unwrap();
        let again = async {
            while sink.ends.lock().unwrap()[&id] < 2 {
                yield_now().await;
            }
        };
        timeout(PATIENCE, again).await.unwrap();
    }
    timeout(PATIENCE, running.stop()).await.unwrap().unwrap();
}

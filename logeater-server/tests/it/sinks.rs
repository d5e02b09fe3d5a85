//! Sinks: what they are given, what becomes of what they refuse, and where they go on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_server::{Config, Delivery, Maintenance, Rule, Sink, SinkConfig, StoredEvent};
use tokio::sync::watch;

use crate::support::{Folder, Running, event_with_id};

/// What a sink does with the next events that it is given.
type Answer = Box<dyn FnOnce(&[StoredEvent]) -> Delivery + Send>;

/// A sink that answers by a script, and stores everything once that has ended.
#[derive(Clone)]
struct Scripted {
    script: Arc<Mutex<VecDeque<Answer>>>,
    /// The last figure of each event's id, each time that it is given.
    given: Arc<watch::Sender<Vec<String>>>,
    ticks: Arc<watch::Sender<u64>>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            given: Arc::new(watch::Sender::new(Vec::new())),
            ticks: Arc::new(watch::Sender::new(0)),
        }
    }

    fn config(&self) -> SinkConfig {
        SinkConfig::new(self.clone()).batch_wait(Duration::from_millis(1))
    }

    /// Waits until it was given so many events, repetitions included.
    async fn given(&self, events: usize) -> String {
        let mut given = self.given.subscribe();
        let given = given.wait_for(|given| given.concat().len() >= events);
        given.await.unwrap().join(" ")
    }

    /// Waits for so many ticks. With each but the first it is certain that what was changed before is known.
    async fn ticks(&self, more: u64) {
        let mut ticks = self.ticks.subscribe();
        let last = *ticks.borrow() + more;
        ticks.wait_for(|ticks| *ticks >= last).await.unwrap();
    }
}

#[tonic::async_trait]
impl Sink for Scripted {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let ids = events.iter().map(|event| &event.event_id[35..]).collect();
        self.given.send_modify(|given| given.push(ids));
        let answer = self.script.lock().unwrap().pop_front();
        answer.map_or_else(Delivery::stored, |answer| answer(events))
    }

    async fn tick(&self) {
        self.ticks.send_modify(|ticks| *ticks += 1);
    }
}

fn answer(answer: impl FnOnce(&[StoredEvent]) -> Delivery + Send + 'static) -> Answer {
    Box::new(answer)
}

/// Pushes events of `cart.add` with these ids, one after the other.
async fn push(running: &Running, ids: std::ops::RangeInclusive<u8>) {
    let mut client = running.client().await;
    for id in ids {
        let pushed = client.push(event_with_id(id, "cart.add", &format!(r#"{{"id":{id}}}"#)));
        pushed.await.unwrap();
    }
}

/// Waits until the sink's row says so: its cursor, what it got, what was left out and what is dead.
async fn settled(folder: &Folder, expected: &str) {
    let query =
        "SELECT cursor || ' ' || delivered || ' ' || left_out || ' ' || dead FROM _logeater_sinks";
    let settled = async {
        while folder.rows(query) != [format!("'{expected}'")] {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), settled).await;
    assert!(
        in_time.is_ok(),
        "{:?} is not {expected}",
        folder.rows(query)
    );
}

fn one_sink(folder: &Folder, sink: &Scripted) -> Config {
    folder.config().sink("scripted", sink.config())
}

#[tokio::test]
async fn a_sink_is_given_events_in_their_order_and_goes_on_after_its_cursor() {
    let (folder, sink) = (Folder::new(), Scripted::new([]));
    let running = Running::start(folder.config()).await;
    push(&running, 1..=3).await;
    running.stop().await.unwrap();

    let running = Running::start(one_sink(&folder, &sink)).await;
    assert_eq!(sink.given(3).await, "123", "what was there before");
    settled(&folder, "3 3 0 0").await;
    running.stop().await.unwrap();

    let running = Running::start(one_sink(&folder, &sink)).await;
    push(&running, 4..=4).await;
    assert_eq!(sink.given(4).await, "123 4");
    settled(&folder, "4 4 0 0").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_is_full_by_its_rows() {
    let (folder, sink) = (Folder::new(), Scripted::new([]));
    let running = Running::start(folder.config()).await;
    push(&running, 1..=5).await;
    running.stop().await.unwrap();

    let config = sink.config().batch_rows(2);
    let running = Running::start(folder.config().sink("scripted", config)).await;
    assert_eq!(sink.given(5).await, "12 34 5");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_fails_is_tried_again_and_what_is_refused_is_a_dead_letter_and_costs_its_neighbours_nothing()
 {
    let folder = Folder::new();
    let sink = Scripted::new([
        answer(|_| Delivery::failed("it is down").pause(Duration::ZERO)),
        answer(|_| {
            let delivery = Delivery::stored().refuse(1, "no such column: id");
            delivery.retry(2, "it is busy").pause(Duration::ZERO)
        }),
    ]);
    let running = Running::start(folder.config()).await;
    push(&running, 1..=4).await;
    running.stop().await.unwrap();

    let running = Running::start(one_sink(&folder, &sink)).await;
    assert_eq!(sink.given(9).await, "1234 1234 3");
    settled(&folder, "4 3 0 1").await;
    assert_eq!(
        folder.rows(
            "SELECT substr(event_id, 36), refused_by, reason, type, details FROM dead_letters"
        ),
        [r#"'2'|'sink scripted'|'no such column: id'|'cart.add'|'{"id":2}'"#]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_event_on_which_the_sink_panics_is_a_dead_letter_alone() {
    let folder = Folder::new();
    let poison = || {
        answer(|events: &[StoredEvent]| {
            assert!(
                events.iter().all(|event| !event.event_id.ends_with('3')),
                "poison"
            );
            Delivery::stored()
        })
    };
    let sink = Scripted::new(std::iter::repeat_with(poison).take(20));
    let running = Running::start(folder.config()).await;
    push(&running, 1..=4).await;
    running.stop().await.unwrap();

    let running = Running::start(one_sink(&folder, &sink)).await;
    settled(&folder, "4 3 0 1").await;
    assert_eq!(sink.given(4).await, "1234 12 34 3 4");
    let reason: String = folder.one("SELECT reason FROM dead_letters", []);
    assert!(
        reason.starts_with("the sink panicked") && reason.contains("poison"),
        "{reason}"
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_sink_that_fails_delays_no_other_and_loses_nothing() {
    let folder = Folder::new();
    let down = || answer(|_| Delivery::failed("it is down").pause(Duration::from_millis(1)));
    let broken = Scripted::new(std::iter::repeat_with(down).take(50));
    let healthy = Scripted::new([]);
    let config = folder.config().sink("broken", broken.config());
    let running = Running::start(config.sink("healthy", healthy.config())).await;
    push(&running, 1..=1).await;
    assert_eq!(healthy.given(1).await, "1");
    push(&running, 2..=2).await;
    assert_eq!(healthy.given(2).await, "1 2");

    let given = broken.given(52).await;
    assert_eq!(
        given.split(' ').filter(|ids| *ids == "1").count(),
        51,
        "{given}"
    );
    assert!(given.ends_with(" 2"), "{given}");
    running.stop().await.unwrap();
}

/// The sink that waits has a thread of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_cursor_of_several_workers_stays_before_what_has_not_ended() {
    let folder = Folder::new();
    let (release, released) = std::sync::mpsc::channel();
    let slow = answer(move |_| {
        released.recv().unwrap();
        Delivery::stored()
    });
    let sink = Scripted::new([slow]);
    let config = sink.config().batch_rows(1).workers(2);
    let running = Running::start(folder.config().sink("scripted", config)).await;
    push(&running, 1..=1).await;
    assert_eq!(sink.given(1).await, "1");
    push(&running, 2..=3).await;
    assert_eq!(sink.given(3).await, "1 2 3");
    assert_eq!(
        folder.one::<i64>("SELECT cursor FROM _logeater_sinks", []),
        0
    );
    release.send(()).unwrap();
    settled(&folder, "3 3 0 0").await;
    running.stop().await.unwrap();
}

/// Each of the deliveries that wait has a thread of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn all_workers_have_a_part_in_what_is_there_already() {
    let folder = Folder::new();
    let all = Arc::new(std::sync::Barrier::new(4));
    let waits = || {
        let all = Arc::clone(&all);
        answer(move |_| {
            all.wait();
            Delivery::stored()
        })
    };
    let sink = Scripted::new(std::iter::repeat_with(waits).take(4));
    let running = Running::start(folder.config()).await;
    push(&running, 1..=4).await;
    running.stop().await.unwrap();

    let config = sink.config().batch_rows(1).workers(4);
    let running = Running::start(folder.config().sink("scripted", config)).await;
    settled(&folder, "4 4 0 0").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_sink_goes_on_while_its_cursor_waits_for_the_store() {
    let folder = Folder::new();
    let lock = Arc::new(Mutex::new(None));
    let (file, held) = (folder.data().join("logeater.db"), Arc::clone(&lock));
    let locks = answer(move |_| {
        let holder = rusqlite::Connection::open(file).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        *held.lock().unwrap() = Some(holder);
        Delivery::stored()
    });
    let sink = Scripted::new([locks]);
    let running = Running::start(folder.config()).await;
    push(&running, 1..=5).await;
    running.stop().await.unwrap();

    let config = folder
        .config()
        .sink("scripted", sink.config().batch_rows(1));
    let running = Running::start(config).await;
    assert_eq!(sink.given(5).await, "1 2 3 4 5");
    assert_eq!(
        folder.one::<i64>("SELECT cursor FROM _logeater_sinks", []),
        0
    );
    drop(lock.lock().unwrap().take());
    settled(&folder, "5 5 0 0").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn rules_decide_and_their_failures_are_dead_letters() {
    let (folder, sink) = (Folder::new(), Scripted::new([]));
    let rules = vec![
        Rule::new("cart.*")
            .unwrap()
            .filter("select(.details.id != 1)")
            .unwrap(),
        Rule::new("cart.*")
            .unwrap()
            .filter("if .details.id == 2 then error(\"two\") else . end")
            .unwrap(),
    ];
    let config = one_sink(&folder, &sink).rules(rules);
    let running = Running::start(config).await;
    push(&running, 1..=3).await;

    settled(&folder, "3 1 1 1").await;
    assert_eq!(sink.given(1).await, "3");
    assert_eq!(
        folder.rows("SELECT reason FROM dead_letters"),
        ["'rule 2 (`cart.*`): the filter failed: \"two\"'"]
    );
    let drop_all = vec![Rule::new("cart.*").unwrap().drop_all()];
    running.control.set_rules(drop_all).unwrap();
    push(&running, 4..=4).await;
    settled(&folder, "4 1 2 1").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn rules_that_name_an_unknown_sink_are_not_taken() {
    let (folder, sink) = (Folder::new(), Scripted::new([]));
    let rule = || vec![Rule::new("cart.*").unwrap().sinks(["scirpted"])];
    let running = Running::start(one_sink(&folder, &sink)).await;
    let error = running.control.set_rules(rule()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sink `scirpted` is named by a rule, but not configured"
    );
    push(&running, 1..=1).await;
    assert_eq!(sink.given(1).await, "1");
    running.stop().await.unwrap();

    let error = logeater_server::Collector::open(&one_sink(&folder, &sink).rules(rule()));
    assert_eq!(
        error.unwrap_err().to_string(),
        "sink `scirpted` is named by a rule, but not configured"
    );
}

#[tokio::test]
async fn a_sink_that_fails_is_not_tried_while_it_is_paused_and_then_goes_by_new_rules() {
    let folder = Folder::new();
    let down = || answer(|_| Delivery::failed("it is down").pause(Duration::from_millis(1)));
    let sink = Scripted::new(std::iter::repeat_with(down).take(100_000));
    let running = Running::start(one_sink(&folder, &sink)).await;
    push(&running, 1..=1).await;
    sink.given(3).await;
    let maintenance = || Maintenance::open(folder.data().join("logeater.db")).unwrap();
    maintenance().pause("scripted", true).unwrap();
    sink.ticks(2).await;
    let given = sink.given.borrow().len();
    sink.ticks(1).await;
    assert_eq!(sink.given.borrow().len(), given);

    let drop_all = vec![Rule::new("cart.*").unwrap().drop_all()];
    running.control.set_rules(drop_all).unwrap();
    maintenance().pause("scripted", false).unwrap();
    settled(&folder, "1 0 1 0").await;
    assert_eq!(sink.given.borrow().len(), given);
    running.stop().await.unwrap();
}

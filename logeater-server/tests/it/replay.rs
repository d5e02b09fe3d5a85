//! What brings events back in, while the collector runs and while it does not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_schema::Catalog;
use logeater_server::{
    Config, Delivery, Maintenance, Replayed, Sink, SinkConfig, StoredEvent, reconcile,
};

use crate::support::{Folder, Running, event_with_id};

/// Remembers what it was given, by the last figure of its id, and refuses what it is told to.
#[derive(Clone, Debug, Default)]
struct Memory {
    given: Arc<Mutex<String>>,
    refused: Arc<Mutex<&'static str>>,
}

impl Memory {
    fn config(&self, folder: &Folder) -> Config {
        let sink = SinkConfig::new(self.clone()).batch_wait(Duration::ZERO);
        folder.config().sink("memory", sink)
    }

    fn refuse(&self, ids: &'static str) {
        *self.refused.lock().unwrap() = ids;
    }

    /// Waits until it was given these, in whatever order.
    async fn given(&self, expected: &str) {
        let sorted = |ids: &str| {
            let mut ids: Vec<_> = ids.chars().collect();
            ids.sort_unstable();
            ids
        };
        let given = async {
            while sorted(&self.given.lock().unwrap()) != sorted(expected) {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), given).await;
        assert!(in_time.is_ok(), "{:?}", self.given.lock().unwrap());
    }
}

#[tonic::async_trait]
impl Sink for Memory {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let mut delivery = Delivery::stored();
        for (index, event) in events.iter().enumerate() {
            let id = &event.event_id[35..];
            self.given.lock().unwrap().push_str(id);
            if self.refused.lock().unwrap().contains(id) {
                delivery = delivery.refuse(index, "not today");
            }
        }
        delivery
    }
}

async fn push(running: &Running, ids: std::ops::RangeInclusive<u8>) {
    let mut client = running.client().await;
    for id in ids {
        let pushed = client.push(event_with_id(id, "cart.add", r#"{"sku":"a"}"#));
        pushed.await.unwrap();
    }
}

fn maintenance(folder: &Folder) -> Maintenance {
    Maintenance::open(folder.data().join("logeater.db")).unwrap()
}

fn replayed(target: &str, events: u64, left: u64) -> (String, u64, u64) {
    (target.to_owned(), events, left)
}

fn parts(replayed: Replayed) -> (String, u64, u64) {
    (replayed.target, replayed.events, replayed.left)
}

/// Waits until the sink has nothing more to get.
async fn idle(folder: &Folder) {
    let idle = "SELECT cursor = (SELECT max(rowid) FROM events) AND NOT EXISTS (SELECT 1 FROM _logeater_resend)
         FROM _logeater_sinks";
    let idle = async {
        while !folder.one::<bool>(idle, []) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), idle)
        .await
        .unwrap();
}

#[tokio::test]
async fn dead_letters_of_a_sink_are_delivered_once_more_while_it_runs() {
    let (folder, memory) = (Folder::new(), Memory::default());
    memory.refuse("24");
    let running = Running::start(memory.config(&folder)).await;
    push(&running, 1..=4).await;
    memory.given("1234").await;
    idle(&folder).await;
    assert_eq!(folder.rows("SELECT count(*) FROM dead_letters"), ["2"]);

    memory.refuse("4");
    let result = maintenance(&folder).replay_dead_letters_of_sink("memory");
    assert_eq!(parts(result.unwrap()), replayed("sink memory", 2, 0));
    memory.given("123424").await;
    idle(&folder).await;

    running.stop().await.unwrap();
    assert_eq!(
        folder.rows("SELECT substr(event_id, 36), reason FROM dead_letters"),
        ["'4'|'not today'"]
    );
    assert_eq!(
        folder.rows("SELECT delivered, dead FROM _logeater_sinks"),
        ["3|1"]
    );
}

#[tokio::test]
async fn a_cursor_is_moved_back_to_a_moment_while_the_sink_runs() {
    let (folder, memory) = (Folder::new(), Memory::default());
    let running = Running::start(memory.config(&folder)).await;
    push(&running, 1..=3).await;
    memory.given("123").await;
    idle(&folder).await;

    let mut maintenance = maintenance(&folder);
    let mut since = |moment| parts(maintenance.replay_since("memory", moment).unwrap());
    let later = since("2999-01-01T00:00:00.000000Z");
    assert_eq!(later, replayed("sink memory", 0, 0));
    let first: String = folder.one("SELECT min(stored_at) FROM _logeater_marks", []);
    assert_eq!(since(&first), replayed("sink memory", 3, 0));
    memory.given("123123").await;
    idle(&folder).await;
    let before = since("2020-01-01T00:00:00.000000Z");
    assert_eq!(before, replayed("sink memory", 3, 0));
    memory.given("123123123").await;
    push(&running, 4..=4).await;
    idle(&folder).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn dead_letters_of_what_is_delivered_again_are_gone() {
    let (folder, memory) = (Folder::new(), Memory::default());
    memory.refuse("13");
    let running = Running::start(memory.config(&folder)).await;
    push(&running, 1..=3).await;
    memory.given("123").await;
    idle(&folder).await;
    memory.refuse("");
    let began = "2020-01-01T00:00:00.000000Z";
    let again = maintenance(&folder).replay_since("memory", began).unwrap();
    assert_eq!(parts(again), replayed("sink memory", 3, 0));
    memory.given("123123").await;
    idle(&folder).await;
    let letters = maintenance(&folder).replay_dead_letters_of_sink("memory");
    assert_eq!(parts(letters.unwrap()), replayed("sink memory", 0, 0));
    running.stop().await.unwrap();
    let counts = reconcile(folder.data().join("logeater.db")).unwrap();
    assert_eq!(counts.differences, <[String; 0]>::default());
    assert_eq!((counts.sinks[0].delivered, counts.sinks[0].dead), (4, 0));
}

#[tokio::test]
async fn a_sink_that_is_paused_gets_nothing_until_it_goes_on() {
    let (folder, memory) = (Folder::new(), Memory::default());
    Running::start(memory.config(&folder))
        .await
        .stop()
        .await
        .unwrap();
    maintenance(&folder).pause("memory", true).unwrap();

    let running = Running::start(memory.config(&folder)).await;
    push(&running, 1..=2).await;
    assert_eq!(*memory.given.lock().unwrap(), "");
    maintenance(&folder).pause("memory", false).unwrap();
    memory.given("12").await;
    running.stop().await.unwrap();
}

#[test]
fn a_sink_that_there_is_not_is_named_with_those_there_are() {
    let folder = Folder::new();
    drop(logeater_server::Collector::open(&folder.config()).unwrap());
    let error = maintenance(&folder).pause("memroy", true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sink `memroy` is not known: this store has no sinks yet"
    );
}

#[tokio::test]
async fn a_newer_catalog_fills_its_table_from_the_events_and_the_dead_letters() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"INTEGER"}"#);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    let events = [
        event_with_id(1, "cart.add", r#"{"sku":1,"size":"L"}"#),
        event_with_id(2, "cart.add", r#"{"sku":"two"}"#),
        event_with_id(3, "order.pay", r#"{"amount":3}"#),
        event_with_id(4, "order.pay", r#"{"amount":"four"}"#),
        event_with_id(5, "order.cancel", "{}"),
    ];
    for event in events {
        client.push(event).await.unwrap();
    }
    folder.declare_cart(r#"{"name":"sku","type":"INTEGER"},{"name":"size","type":"STRING"}"#);
    let pay = r#"{"type":"order.pay","rust_type":"Pay","columns":["amount"]}"#;
    folder.declare("order", r#"{"name":"amount","type":"INTEGER"}"#, pay);
    let catalog = Catalog::read(folder.schemas()).unwrap();

    for (cart, order) in [((1, 1), (1, 1)), ((0, 1), (0, 1))] {
        let result = maintenance(&folder).replay_tables(&catalog).unwrap();
        let result: Vec<_> = result.into_iter().map(parts).collect();
        let expected = [
            replayed("table cart", cart.0, cart.1),
            replayed("table order", order.0, order.1),
        ];
        assert_eq!(result, expected);
    }

    assert_eq!(folder.rows("SELECT sku, size FROM cart"), ["1|'L'"]);
    assert_eq!(folder.rows(r#"SELECT amount FROM "order""#), ["3"]);
    assert_eq!(
        folder.rows(
            "SELECT substr(event_id, 36), refused_by, reason, type, details FROM dead_letters"
        ),
        [
            "'2'|'table cart'|'column `sku`: expected INTEGER, found \"two\"'|'cart.add'|'{\"sku\":\"two\"}'",
            "'4'|'table order'|'column `amount`: expected INTEGER, found \"four\"'|'order.pay'|'{\"amount\":\"four\"}'"
        ]
    );
    assert_eq!(
        folder.rows(r#"SELECT count(*) FROM events JOIN "order" USING (event_id, cluster_key)"#),
        ["1"]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_whose_event_is_gone_makes_no_row() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"INTEGER"}"#);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    let misfit = event_with_id(1, "cart.add", r#"{"sku":1,"size":"L"}"#);
    client.push(misfit).await.unwrap();
    folder.declare_cart(r#"{"name":"sku","type":"INTEGER"},{"name":"size","type":"STRING"}"#);
    let catalog = Catalog::read(folder.schemas()).unwrap();
    let store = rusqlite::Connection::open(folder.data().join("logeater.db")).unwrap();
    let taken = "DELETE FROM events; UPDATE _logeater SET value = 1 WHERE key = 'removed'";
    store.execute_batch(taken).unwrap();

    let result = maintenance(&folder).replay_tables(&catalog).unwrap();
    let result: Vec<_> = result.into_iter().map(parts).collect();
    assert_eq!(result, [replayed("table cart", 0, 1)]);
    assert_eq!(folder.rows("SELECT * FROM cart"), [""; 0]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_filled_beside_a_busy_collector() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let catalog = Catalog::read(folder.schemas()).unwrap();
    let running = Running::start(Config::new(folder.data())).await;
    let (enough, watched) = tokio::sync::watch::channel(());
    let mut client = running.client().await;
    let pushing = tokio::spawn(async move {
        let mut pushed = 0_u64;
        while !enough.is_closed() {
            let event = crate::support::event("cart.add", r#"{"sku":"a"}"#);
            client.push(event).await.unwrap();
            pushed += 1;
        }
        pushed
    });
    let mut maintenance = maintenance(&folder);
    let filled = tokio::task::spawn_blocking(move || {
        let mut filled = 0;
        while filled < 300 {
            let result = maintenance.replay_tables(&catalog).unwrap();
            filled += result[0].events;
        }
        filled
    });
    let filled = filled.await.unwrap();
    drop(watched);
    assert!(pushing.await.unwrap() >= filled);
    let rows: i64 = folder.one("SELECT count(*) FROM cart", []);
    assert_eq!(rows.cast_unsigned(), filled);
    running.stop().await.unwrap();
}

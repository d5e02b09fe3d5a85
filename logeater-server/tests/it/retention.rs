//! Retention: what is too old or too much goes, oldest first, and never what a sink has yet to get.

use std::fs;
use std::time::Duration;

use logeater_server::{Delivery, Retention, Sink, SinkConfig, StoredEvent, reconcile};
use rusqlite::Connection;

use crate::support::{Folder, Running, event_with_id};

/// Details of 100 kB.
fn large(id: u8) -> String {
    format!(r#"{{"sku":"{id}","text":"{}"}}"#, "a".repeat(100_000))
}

/// A store with events of these ids, whose tables are cleared up by nobody yet.
async fn store(folder: &Folder, ids: std::ops::RangeInclusive<u8>) {
    folder.declare_cart(r#"{"name":"sku","type":"STRING"},{"name":"text","type":"STRING"}"#);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for id in ids {
        let pushed = client.push(event_with_id(id, "cart.add", &large(id)));
        pushed.await.unwrap();
    }
    running.stop().await.unwrap();
}

fn sql(folder: &Folder, statements: &str) {
    let store = Connection::open(folder.data().join("logeater.db")).unwrap();
    store.execute_batch(statements).unwrap();
}

/// Waits until the events of so many sequences are gone.
async fn removed(folder: &Folder, events: i64) {
    let query = "SELECT value FROM _logeater WHERE key = 'removed'";
    let removed = async {
        while folder.one::<i64>(query, []) < events {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), removed).await;
    assert!(in_time.is_ok(), "{}", folder.one::<i64>(query, []));
}

#[tokio::test]
async fn the_oldest_events_go_while_the_store_is_too_large_and_their_space_is_given_back() {
    let folder = Folder::new();
    store(&folder, 1..=100).await;
    let file = folder.data().join("logeater.db");
    let before = fs::metadata(&file).unwrap().len();
    assert!(before > 20_000_000, "{before}");

    let retention = Retention::default().size(1 << 20);
    let running = Running::start(folder.config().retention(retention)).await;
    removed(&folder, 90).await;
    while folder.one::<i64>("PRAGMA freelist_count", []) > 0
        || folder.one::<i64>("PRAGMA page_count", []) * 8_192 > 1 << 20
    {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();

    let after = fs::metadata(&file).unwrap().len();
    assert!(after <= 1 << 20, "{after} of {before}");
    let entries = reconcile(&file).unwrap().entries;
    assert_eq!((entries.stored, entries.removed + entries.kept), (100, 100));
    assert!(
        (1..=10).contains(&entries.kept),
        "no more than is too much: {entries:?}"
    );
    let newest = "SELECT min(rowid), count(*) FROM events";
    let first = entries.removed + 1;
    assert_eq!(folder.rows(newest), [format!("{first}|{}", entries.kept)]);
    let rows: u64 = folder.one("SELECT count(*) FROM cart", []);
    assert_eq!(rows, entries.kept);
}

#[tokio::test]
async fn events_go_by_the_time_of_their_storing() {
    let folder = Folder::new();
    store(&folder, 1..=3).await;
    sql(
        &folder,
        "DELETE FROM _logeater_marks;
         INSERT INTO _logeater_marks VALUES (0, '2020-01-01T00:00:00.000000Z'), (2, strftime('%Y-%m-%dT%H:%M:%f000Z'));
         INSERT INTO dead_letters VALUES
             ('a', '2020-01-01', '2020-01-01T00:00:00.000000Z', 'table cart', 'old', 'cart.add', NULL),
             ('b', '2999-01-01', '2999-01-01T00:00:00.000000Z', 'table cart', 'new', 'cart.add', NULL)",
    );
    let retention = Retention::default().age(Duration::from_hours(24));
    let running = Running::start(folder.config().retention(retention)).await;
    removed(&folder, 2).await;
    running.stop().await.unwrap();

    assert_eq!(folder.rows("SELECT rowid FROM events"), ["3"]);
    assert_eq!(folder.rows("SELECT sku FROM cart"), ["'3'"]);
    assert_eq!(folder.rows("SELECT reason FROM dead_letters"), ["'new'"]);
    assert_eq!(folder.rows("SELECT sequence FROM _logeater_marks"), ["2"]);
}

/// Stores one event, and then is down.
#[derive(Debug)]
struct StoresOne;

#[tonic::async_trait]
impl Sink for StoresOne {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        if events[0].sequence == 1 {
            Delivery::stored()
        } else {
            Delivery::failed("it is down")
        }
    }
}

#[tokio::test]
async fn what_a_sink_has_yet_to_get_stays() {
    let folder = Folder::new();
    store(&folder, 1..=3).await;
    let config = folder.config().retention(Retention::default().size(0));
    let sink = SinkConfig::new(StoresOne)
        .batch_rows(1)
        .batch_wait(Duration::ZERO);
    let running = Running::start(config.clone().sink("down", sink.clone())).await;
    let cursor = "SELECT coalesce(max(cursor), 0) FROM _logeater_sinks";
    while folder.one::<i64>(cursor, []) < 1 {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
    // It may have looked before the sink had stored anything.
    let running = Running::start(config.sink("down", sink)).await;
    removed(&folder, 1).await;
    running.stop().await.unwrap();
    assert_eq!(folder.rows("SELECT rowid FROM events"), ["2", "3"]);
}

#[tokio::test]
async fn the_last_events_before_a_silence_go_as_well() {
    let folder = Folder::new();
    store(&folder, 1..=3).await;
    sql(
        &folder,
        "UPDATE _logeater_marks SET stored_at = '2020-01-01T00:00:00.000000Z'",
    );
    let retention = Retention::default().age(Duration::from_hours(24));
    let running = Running::start(folder.config().retention(retention)).await;
    removed(&folder, 3).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_too_large_loses_about_what_is_too_much_with_its_dead_letters() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"INTEGER"}"#);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for id in 1..=100 {
        let pushed = client.push(event_with_id(id, "cart.add", &large(id)));
        pushed.await.unwrap();
    }
    running.stop().await.unwrap();
    assert_eq!(folder.rows("SELECT count(*) FROM dead_letters"), ["100"]);

    let retention = Retention::default().size(10 << 20);
    let running = Running::start(folder.config().retention(retention)).await;
    while folder.one::<i64>("SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)", []) * 8_192 > 10 << 20 {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
    let events: i64 = folder.one("SELECT count(*) FROM events", []);
    let letters: i64 = folder.one("SELECT count(*) FROM dead_letters", []);
    assert_eq!(events, letters);
    // Each takes 200 kB with its dead letter.
    assert!((25..=52).contains(&events), "{events}");
}

#[tokio::test]
async fn dead_letters_whose_events_are_gone_make_room_too() {
    let folder = Folder::new();
    store(&folder, 1..=2).await;
    sql(
        &folder,
        "INSERT INTO dead_letters SELECT 'gone-' || value, '2026-01-01', '2026-01-01T00:00:00.000000Z', 'table cart', 'old',
             'cart.add', hex(zeroblob(50000)) FROM (
             WITH RECURSIVE numbers (value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM numbers WHERE value < 100)
             SELECT value FROM numbers
         )",
    );
    let retention = Retention::default().size(2 << 20);
    let running = Running::start(folder.config().retention(retention)).await;
    while folder.one::<i64>("SELECT count(*) FROM dead_letters", []) > 20 {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_sink_that_was_not_configured_for_a_while_goes_on_with_what_is_there() {
    let folder = Folder::new();
    store(&folder, 1..=3).await;
    let sink = SinkConfig::new(StoresOne).batch_rows(1);
    let with_sink = folder
        .config()
        .sink("down", sink.batch_wait(Duration::ZERO));
    let running = Running::start(with_sink.clone()).await;
    while folder.rows("SELECT cursor FROM _logeater_sinks") != ["1"] {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
    let without = folder.config().retention(Retention::default().size(0));
    let running = Running::start(without).await;
    removed(&folder, 3).await;
    running.stop().await.unwrap();

    let running = Running::start(with_sink).await;
    while folder.rows("SELECT cursor FROM _logeater_sinks") != ["3"] {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
    let store = folder.data().join("logeater.db");
    assert_eq!(reconcile(store).unwrap().sinks[0].pending, 0);
}

#[tokio::test]
async fn without_retention_nothing_goes() {
    let folder = Folder::new();
    store(&folder, 1..=2).await;
    Running::start(folder.config()).await.stop().await.unwrap();
    assert_eq!(folder.rows("SELECT count(*) FROM events"), ["2"]);
    assert!(!folder.data().join("logeater.ballast").exists());
}

#[tokio::test]
async fn the_ballast_is_there_before_it_is_needed() {
    let folder = Folder::new();
    store(&folder, 1..=1).await;
    let retention = Retention::default().size(1 << 30).ballast(100_000);
    let running = Running::start(folder.config().retention(retention)).await;
    let ballast = folder.data().join("logeater.ballast");
    while fs::metadata(&ballast).map_or(0, |ballast| ballast.len()) < 100_000 {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
}

/// What is left of ten events with these marks, of which those are too old that were stored more than a day ago.
async fn left_of_ten(marks: &str) -> Vec<String> {
    let folder = Folder::new();
    store(&folder, 1..=10).await;
    sql(
        &folder,
        &format!("DELETE FROM _logeater_marks; INSERT INTO _logeater_marks VALUES {marks}"),
    );
    let retention = Retention::default()
        .age(Duration::from_hours(24))
        .ballast(1);
    let running = Running::start(folder.config().retention(retention)).await;
    // It is taken once everything that is too old is gone.
    while !folder.data().join("logeater.ballast").exists() {
        tokio::task::yield_now().await;
    }
    running.stop().await.unwrap();
    folder.rows("SELECT min(rowid) FROM events")
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_while_removes_nothing_too_early_and_keeps_nothing_for_ever() {
    let now = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-1 minute')";
    let old = "'2020-01-01T00:00:00.000000Z'";
    let future = "'2999-01-01T00:00:00.000000Z'";
    // Set back for a while: what came before is of a minute ago.
    let marks = format!("(0, {now}), (4, {old}), (6, {now})");
    assert_eq!(left_of_ten(&marks).await, ["1"]);
    let marks = format!("(0, {old}), (2, {now}), (4, {old}), (6, {now})");
    assert_eq!(left_of_ten(&marks).await, ["3"]);
    // Set ahead for a while, long ago: what came after it speaks for it.
    let marks = format!("(0, {old}), (2, {future}), (4, {old}), (6, {now})");
    assert_eq!(left_of_ten(&marks).await, ["7"]);
    // Set ahead for a while, and nobody knows when.
    let marks = format!("(0, {old}), (2, {old}), (4, {future})");
    assert_eq!(left_of_ten(&marks).await, ["5"]);
    let marks = format!("(0, {old}), (2, {old}), (4, {future}), (6, {now})");
    assert_eq!(left_of_ten(&marks).await, ["5"]);
}

//! The store over time: restarts, grown catalogs, other versions, other processes.

use logeater_schema::Catalog;
use logeater_server::{Collector, Error};
use rusqlite::Connection;

use crate::support::{Folder, Running, event, event_with_id};

#[tokio::test]
async fn a_grown_catalog_adds_its_columns_at_the_next_start() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let running = Running::start(folder.config()).await;
    running
        .client()
        .await
        .push(event_with_id(1, "cart.add", r#"{"sku":"a"}"#))
        .await
        .unwrap();
    running.stop().await.unwrap();

    folder.declare_cart(r#"{"name":"sku","type":"STRING"},{"name":"quantity","type":"INTEGER"}"#);
    let running = Running::start(folder.config()).await;
    running
        .client()
        .await
        .push(event_with_id(2, "cart.add", r#"{"sku":"b","quantity":2}"#))
        .await
        .unwrap();

    assert_eq!(
        folder.rows("SELECT rowid, type FROM events"),
        ["1|'cart.add'", "2|'cart.add'"]
    );
    assert_eq!(
        folder.rows("SELECT sku, quantity FROM cart ORDER BY sku"),
        ["'a'|NULL", "'b'|2"]
    );
    assert_eq!(
        folder.rows("SELECT name, type FROM pragma_table_info('cart')"),
        [
            "'event_id'|'TEXT'",
            "'cluster_key'|'TEXT'",
            "'sku'|'TEXT'",
            "'quantity'|'INTEGER'"
        ]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_catalog_is_replaced_while_events_come() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let (enough, mut pushed) = tokio::sync::watch::channel(0);
    let mut client = running.client().await;
    let pushing = tokio::spawn(async move {
        while !enough.is_closed() {
            let pushed = client.push(event("cart.add", r#"{"sku":"a"}"#)).await;
            pushed.unwrap();
            enough.send_modify(|pushed| *pushed += 1);
        }
        *enough.borrow()
    });
    pushed.wait_for(|pushed| *pushed >= 50).await.unwrap();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let catalog = Catalog::read(folder.schemas()).unwrap();
    running.control.set_catalog(catalog).await.unwrap();
    let before = *pushed.borrow();
    pushed
        .wait_for(|pushed| *pushed >= before + 50)
        .await
        .unwrap();
    drop(pushed);
    let all = pushing.await.unwrap();

    let stored: i64 = folder.one("SELECT count(*) FROM events", []);
    let extended: i64 = folder.one("SELECT count(*) FROM cart WHERE sku = 'a'", []);
    assert_eq!(stored, all);
    assert!((49..=all - 50).contains(&extended), "{extended} of {all}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_catalog_that_the_store_cannot_hold_changes_nothing() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let running = Running::start(folder.config()).await;
    let columns: Vec<_> = (0..2_000)
        .map(|number| format!(r#"{{"name":"c{number}","type":"STRING"}}"#))
        .collect();
    folder.declare("cart", &columns.join(","), "");

    let catalog = Catalog::read(folder.schemas()).unwrap();
    let error = running.control.set_catalog(catalog).await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "the store cannot hold table `cart` of the catalog: it has 2002 columns, and SQLite takes at most 2000: put \
         related fields into RECORDs"
    );
    let mut client = running.client().await;
    client
        .push(event("cart.add", r#"{"sku":"a"}"#))
        .await
        .unwrap();
    assert_eq!(folder.rows("SELECT sku FROM cart"), ["'a'"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_column_whose_type_changed_keeps_the_old_one_and_its_values_are_dead_letters() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"},{"name":"size","type":"STRING"}"#);
    Running::start(folder.config()).await.stop().await.unwrap();

    folder.declare_cart(
        r#"{"name":"sku","type":"STRING"},{"name":"Size","type":"STRING","mode":"REPEATED"}"#,
    );
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    client
        .push(event_with_id(1, "cart.add", r#"{"sku":"a"}"#))
        .await
        .unwrap();
    client
        .push(event_with_id(2, "cart.add", r#"{"sku":"b","size":["c"]}"#))
        .await
        .unwrap();

    assert_eq!(folder.rows("SELECT sku, size FROM cart"), ["'a'|NULL"]);
    assert_eq!(
        folder.rows("SELECT reason FROM dead_letters"),
        [
            "'column `Size`: the catalog says REPEATED STRING, but the store has kept it as STRING since before'"
        ]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_collector_on_the_folder_is_told_so() {
    let folder = Folder::new();
    let first = Collector::open(&folder.config()).unwrap();
    let error = Collector::open(&folder.config()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    let folder_name = folder.data().display().to_string();
    let expected = format!(
        "another collector has the store in {folder_name}: stop it, or give this one a folder of its own"
    );
    assert_eq!(error.to_string(), expected);
    drop(first);
}

#[tokio::test]
async fn a_collector_that_has_stopped_leaves_the_folder_to_the_next() {
    let folder = Folder::new();
    Running::start(folder.config()).await.stop().await.unwrap();
    Running::start(folder.config()).await.stop().await.unwrap();
}

#[test]
fn a_store_of_a_newer_version_is_not_touched() {
    let folder = Folder::new();
    let store = empty_database(&folder);
    store.execute_batch("CREATE TABLE _logeater (key TEXT PRIMARY KEY, value); INSERT INTO _logeater VALUES ('format', 99)").unwrap();

    let error = Collector::open(&folder.config()).unwrap_err();

    assert!(
        matches!(
            error,
            Error::NewerStore {
                found: 99,
                known: 3,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        folder.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"),
        ["'_logeater'"]
    );
}

/// What the first format of the store was.
const FIRST_FORMAT: &str = "
CREATE TABLE _logeater (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO _logeater VALUES ('format', 1), ('sequence', 7);
CREATE TABLE _logeater_columns (
    table_name TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE, type TEXT NOT NULL,
    PRIMARY KEY (table_name, name)
) WITHOUT ROWID;
INSERT INTO _logeater_columns VALUES ('cart', 'sku', 'STRING');
CREATE TABLE events (
    event_id TEXT NOT NULL, cluster_key TEXT NOT NULL, timestamp TEXT NOT NULL, service TEXT NOT NULL,
    type TEXT NOT NULL, user_id TEXT, details TEXT
);
CREATE UNIQUE INDEX _logeater_events_event_id ON events (event_id);
CREATE TABLE dead_letters (
    event_id TEXT NOT NULL, cluster_key TEXT NOT NULL, refused_at TEXT NOT NULL, refused_by TEXT NOT NULL,
    reason TEXT NOT NULL, type TEXT NOT NULL, details TEXT
);
CREATE TABLE cart (event_id TEXT PRIMARY KEY NOT NULL, cluster_key TEXT NOT NULL, sku TEXT) WITHOUT ROWID;
INSERT INTO cart VALUES ('00000000-0000-0000-0000-000000000001', '2026-01-31', 'a');
INSERT INTO events (rowid, event_id, cluster_key, timestamp, service, type) VALUES
    (5, '00000000-0000-0000-0000-000000000001', '2026-01-31', '2026-01-31T12:00:00.000000Z', 'shop', 'cart.add'),
    (7, '00000000-0000-0000-0000-000000000002', '2026-01-31', '2026-01-31T12:00:01.000000Z', 'shop', 'cart.open');
";

#[tokio::test]
async fn a_store_of_the_first_format_goes_on_in_the_newest() {
    let folder = Folder::new();
    let old = empty_database(&folder);
    old.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    old.execute_batch(FIRST_FORMAT).unwrap();
    drop(old);
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);

    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for id in [1, 3] {
        let pushed = client.push(event_with_id(id, "cart.add", r#"{"sku":"b"}"#));
        pushed.await.unwrap();
    }
    running.stop().await.unwrap();

    let numbers = folder.rows("SELECT rowid, substr(event_id, 36) FROM events ORDER BY rowid");
    assert_eq!(numbers, ["5|'1'", "7|'2'", "8|'3'"]);
    assert_eq!(
        folder.rows("SELECT sku FROM cart ORDER BY sku"),
        ["'a'", "'b'"]
    );
    assert_eq!(
        folder.rows("SELECT key, value FROM _logeater ORDER BY key"),
        [
            "'format'|3",
            "'refused'|0",
            "'removed'|5",
            "'repeated'|1",
            "'sequence'|8"
        ]
    );
    let is_incremental = 2;
    assert_eq!(
        folder.one::<i64>("PRAGMA auto_vacuum", []),
        is_incremental,
        "it can give its free pages back"
    );
}

#[tokio::test]
async fn a_store_that_was_restored_can_give_its_pages_back_again() {
    let folder = Folder::new();
    Running::start(folder.config()).await.stop().await.unwrap();
    writer(&folder)
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
        .unwrap();
    assert_eq!(folder.one::<i64>("PRAGMA auto_vacuum", []), 0);
    Running::start(folder.config()).await.stop().await.unwrap();
    assert_eq!(folder.one::<i64>("PRAGMA auto_vacuum", []), 2);
}

#[test]
fn a_database_of_something_else_is_not_touched() {
    let folder = Folder::new();
    empty_database(&folder)
        .execute_batch("CREATE TABLE events (mine TEXT)")
        .unwrap();
    let file = folder.data().join("logeater.db");
    let before = std::fs::read(&file).unwrap();

    let error = Collector::open(&folder.config()).unwrap_err();

    assert!(matches!(error, Error::ForeignStore { .. }), "{error:?}");
    assert_eq!(
        folder.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"),
        ["'events'"]
    );
    assert!(
        std::fs::read(&file).unwrap() == before,
        "the file has changed"
    );
}

#[tokio::test]
async fn a_row_that_somebody_inserts_by_hand_is_in_nobodys_way() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    client.push(event("cart.add", "{}")).await.unwrap();
    Connection::open(folder.data().join("logeater.db"))
        .unwrap()
        .execute_batch("INSERT INTO events SELECT 'by hand', cluster_key, timestamp, service, type, NULL, NULL FROM events")
        .unwrap();
    client.push(event("cart.add", "{}")).await.unwrap();
    running.stop().await.unwrap();
    assert_eq!(
        folder.rows("SELECT rowid FROM events ORDER BY rowid"),
        ["1", "2", "3"]
    );
}

#[tokio::test]
async fn a_namespace_may_be_called_like_any_index() {
    let folder = Folder::new();
    let events = r#"{"type":"events_event_id.add","rust_type":"Add","columns":["sku"]}"#;
    folder.declare(
        "events_event_id",
        r#"{"name":"sku","type":"STRING"}"#,
        events,
    );
    Running::start(folder.config()).await.stop().await.unwrap();
}

#[test]
fn a_file_that_is_no_database_is_an_error_with_its_name() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.data()).unwrap();
    std::fs::write(folder.data().join("logeater.db"), "notes ".repeat(1_000)).unwrap();

    let error = Collector::open(&folder.config()).unwrap_err();

    let path = folder.data().join("logeater.db");
    let start = format!("the store {} is damaged, or no database: ", path.display());
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .to_string()
            .contains("not a database")
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_name() {
    let folder = Folder::new();
    std::fs::write(folder.data(), "a file").unwrap();
    let error = Collector::open(&folder.config()).unwrap_err();
    assert!(
        matches!(&error, Error::Folder { path, .. } if *path == folder.data()),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_sequence_number_is_never_given_twice() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for id in 1..=3 {
        client
            .push(event_with_id(id, "cart.add", "{}"))
            .await
            .unwrap();
    }
    running.stop().await.unwrap();
    writer(&folder).execute_batch("DELETE FROM events").unwrap();

    let running = Running::start(folder.config()).await;
    running
        .client()
        .await
        .push(event("cart.add", "{}"))
        .await
        .unwrap();

    assert_eq!(folder.one::<i64>("SELECT rowid FROM events", []), 4);
    running.stop_with(&["4 events were stored and 0 removed by retention, but 1 are there: some were added or removed by hand"]).await.unwrap();
}

/// SQLite does not promise it for a table without an INTEGER PRIMARY KEY, but keeps it where there is an index.
#[tokio::test]
async fn a_vacuum_keeps_the_sequence() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    for id in 1..=4 {
        client
            .push(event_with_id(id, "cart.add", "{}"))
            .await
            .unwrap();
    }
    running.stop().await.unwrap();

    writer(&folder)
        .execute_batch("DELETE FROM events WHERE rowid IN (1, 3); VACUUM")
        .unwrap();

    assert_eq!(
        folder.rows("SELECT rowid, substr(event_id, 36) FROM events"),
        ["2|'2'", "4|'4'"]
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_stored_is_unavailable_and_the_next_one_is_stored() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING"}"#);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    client
        .push(event("cart.add", r#"{"sku":"a"}"#))
        .await
        .unwrap();
    writer(&folder).execute_batch("DROP TABLE cart").unwrap();

    let status = client
        .push(event("cart.add", r#"{"sku":"b"}"#))
        .await
        .unwrap_err();
    client.push(event("cart.remove", "{}")).await.unwrap();

    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().contains("no such table"), "{status}");
    assert_eq!(
        folder.rows("SELECT rowid, type FROM events"),
        ["1|'cart.add'", "2|'cart.remove'"]
    );
    running.stop_with(&["table cart is gone"]).await.unwrap();
}

fn empty_database(folder: &Folder) -> Connection {
    std::fs::create_dir_all(folder.data()).unwrap();
    writer(folder)
}

fn writer(folder: &Folder) -> Connection {
    Connection::open(folder.data().join("logeater.db")).unwrap()
}

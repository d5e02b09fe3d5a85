//! From a value of a derived type to rows that are joined.

use std::time::{Duration, SystemTime};

use logeater_client::EventExt;
use serde_json::{Value, json};

use crate::support::{Address, Collector, Line, Order, Shop, check_sum, client};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_event_becomes_a_row_and_an_extended_row() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    let bought = Shop::Bought {
        sku: "A-1".to_owned(),
        lines: vec![
            Line {
                sku: "A-1".to_owned(),
                quantity: 2,
            },
            Line {
                sku: "ü\"".to_owned(),
                quantity: 1,
            },
        ],
        address: Some(Address {
            city: "Łódź".to_owned(),
            zip: None,
        }),
    };
    let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    client.push(bought.by("u-42").at(moment)).await.unwrap();

    let store = collector.store();
    let row: String = store.one(
        "SELECT json_array(timestamp, service, type, user_id, json(details)) FROM events WHERE type = 'shop.bought'",
    );
    let details = json!({
        "sku": "A-1",
        "lines": [{ "sku": "A-1", "quantity": 2 }, { "sku": "ü\"", "quantity": 1 }],
        "address": { "city": "Łódź" },
    });
    let expected = json!([
        "2023-11-14T22:13:20.123000Z",
        "it",
        "shop.bought",
        "u-42",
        details
    ]);
    assert_eq!(serde_json::from_str::<Value>(&row).unwrap(), expected);

    let extended: String = store.one(
        "SELECT json_array(shop.sku, shop.before, json(shop.lines), json(shop.address)) \
         FROM events LEFT JOIN shop ON events.event_id = shop.event_id",
    );
    let expected = json!([
        "A-1",
        null,
        [{ "sku": "A-1", "quantity": 2 }, { "sku": "ü\"", "quantity": 1 }],
        { "city": "Łódź" },
    ]);
    assert_eq!(serde_json::from_str::<Value>(&extended).unwrap(), expected);
    let same_day: bool = store
        .one("SELECT events.cluster_key = shop.cluster_key FROM events JOIN shop USING (event_id)");
    assert!(same_day);
    let today: bool =
        store.one("SELECT cluster_key BETWEEN date('now', '-1 day') AND date('now') FROM events");
    assert!(today);
    client.shutdown(PATIENCE).await;
    collector.stop();
}

#[tokio::test]
async fn the_variants_of_an_enum_share_a_table_and_one_without_fields_has_no_extended_row() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    client.emit(Shop::Looked {
        sku: "A-1".to_owned(),
        before: 3,
    });
    client.emit(Shop::Bought {
        sku: "A-1".to_owned(),
        lines: vec![],
        address: None,
    });
    client.emit(Shop::Opened);
    client.shutdown(PATIENCE).await;

    let store = collector.stop();
    let mut types: Vec<String> = store.all("SELECT type FROM events JOIN shop USING (event_id)");
    types.sort_unstable();
    assert_eq!(types, ["shop.bought", "shop.looked"]);
    assert_eq!(
        store.one::<Option<String>>("SELECT details FROM events WHERE type = 'shop.opened'"),
        None
    );
    assert_eq!(store.one::<i64>("SELECT count(*) FROM dead_letters"), 0);
}

#[tokio::test]
async fn many_events_of_many_threads_arrive_once_each_and_the_sum_is_exact_all_the_while() {
    const THREADS: u32 = 4;
    const EVENTS: u32 = 5_000;
    let collector = Collector::start();
    let client = client(&collector.url).batch_events(500).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let client = client.clone();
            scope.spawn(move || {
                for number in 0..EVENTS {
                    client.emit(Order {
                        number: thread * EVENTS + number,
                    });
                    check_sum(&client.stats());
                }
            });
        }
    });
    client.flush(PATIENCE).await.unwrap();
    let report = client.shutdown(PATIENCE).await;
    assert_eq!(
        (report.emitted, report.delivered),
        (u64::from(THREADS * EVENTS), u64::from(THREADS * EVENTS))
    );

    let store = collector.stop();
    let distinct: i64 = store.one("SELECT count(DISTINCT details ->> 'number') FROM events");
    assert_eq!(distinct, i64::from(THREADS * EVENTS));
    assert_eq!(store.one::<i64>("SELECT count(*) FROM events"), distinct);
    assert_eq!(store.one::<i64>("SELECT count(*) FROM \"order\""), distinct);
}

#[tokio::test]
async fn an_event_that_the_collector_refuses_costs_no_other() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    // The year -249, which no TIMESTAMP has.
    let never = SystemTime::UNIX_EPOCH - Duration::from_secs(70_000_000_000);
    for number in 0..10 {
        client.emit(Order { number });
    }
    let refused = client
        .push(Order { number: 10 }.at(never))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("timestamp"), "{refused}");
    let report = client.shutdown(PATIENCE).await;
    assert_eq!((report.delivered, report.rejected), (10, 1));
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        10
    );
}

#[tokio::test]
async fn a_client_may_be_there_before_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = crate::support::Program::serve(folder.path(), "127.0.0.1:0", None);
    let (url, address) = (first.url(), first.address.clone());
    first.kill();
    let client = client(&url).build().unwrap();
    client.emit(Order { number: 1 });
    let late = client.flush(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(late.pending, 1);
    let mut second = crate::support::Program::serve(folder.path(), &address, None);
    client.flush(PATIENCE).await.unwrap();
    let report = client.shutdown(PATIENCE).await;
    assert_eq!((report.delivered, report.lost()), (1, 0));
    second.kill();
}

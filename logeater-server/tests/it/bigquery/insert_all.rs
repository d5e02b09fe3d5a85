//! The sink `bigquery` by insertAll.

use std::time::Duration;

use logeater_server::SinkConfig;
use serde_json::{Value, json};

use super::{SKU, cart_fields, config, dead_letters, events_fields, folder, push, skus, texts};
use crate::support::warehouse::{Fault, Warehouse};
use crate::support::{Running, batch, event, event_with_id};

#[tokio::test]
async fn an_event_is_a_row_of_each_table_and_the_tables_are_made() {
    let warehouse = Warehouse::start().await;
    let folder = folder(&format!(
        r#"{SKU},{{"name":"count","type":"INTEGER"}},{{"name":"size","type":"RECORD","fields":[{{"name":"cm","type":"FLOAT","mode":"REPEATED"}}]}}"#
    ));
    let running = Running::start(config(&folder, warehouse.sink())).await;
    let details = r#"{"sku":"a","count":9007199254740993,"size":{"cm":[1.5,2]}}"#;
    let mut client = running.client().await;
    client
        .push(event_with_id(1, "cart.add", details))
        .await
        .unwrap();
    client
        .push(event_with_id(2, "other.type", r#"{"x":1}"#))
        .await
        .unwrap();

    let events = warehouse.rows("events", 2).await;
    assert_eq!(events[0]["type"], "cart.add");
    assert_eq!(events[0]["details"], details);
    assert_eq!(events[1]["details"], r#"{"x":1}"#);
    let day = &events[0]["cluster_key"];
    let cart = warehouse.rows("cart", 1).await;
    let id = "00000000-0000-0000-0000-000000000001";
    let expected = json!({"event_id": id, "cluster_key": day, "sku": "a", "count": "9007199254740993", "size": {"cm": [1.5, 2]}});
    assert_eq!(cart, [expected]);
    running.stop().await.unwrap();
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn a_table_is_grown_and_rows_wait_until_its_new_column_is_known() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &json!([cart_fields()[0], cart_fields()[1]]));
    warehouse.set(|inside| inside.lag = 3);
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.sink())).await;
    push(&running, 1..=3).await;
    assert_eq!(skus(&warehouse.rows("cart", 3).await), ["s1", "s2", "s3"]);
    running.stop().await.unwrap();
    // The events table had its rows at once, and was not asked again.
    assert_eq!(warehouse.requests("events"), [3]);
    assert_eq!(warehouse.rows("events", 3).await.len(), 3);
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn what_has_waited_too_long_for_a_column_is_a_dead_letter_and_can_come_again() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &json!([cart_fields()[0], cart_fields()[1]]));
    let folder = folder(SKU);
    let sink = warehouse.sink().apply(false).column_wait(Duration::ZERO);
    let running = Running::start(config(&folder, sink)).await;
    push(&running, 1..=1).await;
    warehouse.rows("events", 1).await;
    running.stop().await.unwrap();
    assert_eq!(
        dead_letters(&folder),
        ["table cart: BigQuery: invalid at `sku`: no such field: sku."]
    );
    assert_eq!(warehouse.rows("cart", 0).await, [Value::Null; 0]);
}

#[tokio::test]
async fn events_wait_for_a_table_that_others_make() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.sink().apply(false))).await;
    push(&running, 1..=2).await;
    warehouse
        .until(|inside| inside.requests_of("cart").len() >= 3)
        .await;
    warehouse.make("cart", &cart_fields());
    assert_eq!(skus(&warehouse.rows("cart", 2).await), ["s1", "s2"]);
    running.stop().await.unwrap();
    assert_eq!(warehouse.requests("events"), [2]);
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn one_row_that_is_refused_costs_its_neighbours_nothing() {
    for stops in [false, true] {
        let warehouse = Warehouse::start().await;
        warehouse.set(|inside| inside.stops = stops);
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.sink())).await;
        let poison = event_with_id(2, "cart.add", r#"{"sku":"no text"}"#);
        let good = |id| event_with_id(id, "cart.add", r#"{"sku":"good"}"#);
        let events = batch([good(1), poison, good(3)]);
        running.client().await.push_batch(events).await.unwrap();
        assert_eq!(skus(&warehouse.rows("cart", 2).await), ["good", "good"]);
        assert_eq!(warehouse.rows("events", 3).await.len(), 3);
        running.stop().await.unwrap();
        let reason = r#"table cart: BigQuery: invalid at `sku`: Cannot convert value to "STRING": "no text""#;
        assert_eq!(dead_letters(&folder), [reason]);
    }
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_divided_until_its_row_is_found() {
    let warehouse = Warehouse::start().await;
    warehouse.set(|inside| inside.poison = Some("s7"));
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.sink())).await;
    push(&running, 1..=9).await;
    let rows = warehouse.rows("cart", 8).await;
    assert_eq!(
        skus(&rows),
        ["s1", "s2", "s3", "s4", "s5", "s6", "s8", "s9"]
    );
    assert_eq!(warehouse.rows("events", 8).await.len(), 8);
    running.stop().await.unwrap();
    let reason = dead_letters(&folder).concat();
    assert!(
        reason.ends_with(": BigQuery answered 400 (invalid): Invalid JSON payload received."),
        "{reason}"
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_divided() {
    let warehouse = Warehouse::start().await;
    warehouse.set(|inside| inside.bytes_max = Some(2_000));
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.sink())).await;
    push(&running, 1..=50).await;
    assert_eq!(warehouse.rows("events", 50).await.len(), 50);
    assert_eq!(warehouse.rows("cart", 50).await.len(), 50);
    running.stop().await.unwrap();
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn a_row_whose_answer_was_lost_is_not_there_twice() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &cart_fields());
    warehouse.set(|inside| inside.faults = [Fault::Lost, Fault::None, Fault::Lost].into());
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.sink())).await;
    push(&running, 1..=3).await;
    assert_eq!(skus(&warehouse.rows("cart", 3).await), ["s1", "s2", "s3"]);
    warehouse.until(|inside| inside.requests.len() >= 4).await;
    running.stop().await.unwrap();
    assert_eq!(warehouse.rows("events", 3).await.len(), 3);
    assert_eq!(warehouse.rows("cart", 3).await.len(), 3);
    // Those of the first table are not sent again when the second has lost its answer.
    assert_eq!(warehouse.requests("events"), [3, 3]);
    assert_eq!(warehouse.requests("cart"), [3, 3]);
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn a_warehouse_that_does_not_answer_is_asked_again() {
    let warehouse = Warehouse::start().await;
    warehouse.set(|inside| inside.faults = [Fault::Hang].into());
    let folder = folder(SKU);
    let sink = SinkConfig::new(warehouse.sink().build().unwrap())
        .batch_wait(Duration::from_millis(1))
        .timeout(Duration::from_millis(500));
    let running = Running::start(folder.config().sink("warehouse", sink)).await;
    push(&running, 1..=2).await;
    assert_eq!(skus(&warehouse.rows("cart", 2).await), ["s1", "s2"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_in_one_table_is_not_sent_again_when_the_next_one_hangs() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &cart_fields());
    warehouse.set(|inside| inside.faults = [Fault::None, Fault::Hang].into());
    let folder = folder(SKU);
    let sink = SinkConfig::new(warehouse.sink().build().unwrap())
        .batch_wait(Duration::from_millis(1))
        .timeout(Duration::from_millis(500));
    let running = Running::start(folder.config().sink("warehouse", sink)).await;
    push(&running, 1..=2).await;
    assert_eq!(skus(&warehouse.rows("cart", 2).await), ["s1", "s2"]);
    running.stop().await.unwrap();
    assert_eq!(warehouse.requests("events"), [2]);
    assert_eq!(warehouse.requests("cart"), [2, 2]);
}

#[tokio::test]
async fn details_that_do_not_fit_cost_the_event_its_extended_row_alone() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.sink())).await;
    let mut client = running.client().await;
    client
        .push(event("cart.add", r#"{"sku":1}"#))
        .await
        .unwrap();
    assert_eq!(
        warehouse.rows("events", 1).await[0]["details"],
        r#"{"sku":1}"#
    );
    running.stop().await.unwrap();
    // The store's own, and the sink's, which can be replayed when the catalog fits.
    let reason = "column `sku`: expected STRING, found 1";
    let letters = texts(
        &folder,
        "SELECT refused_by || '|' || reason FROM dead_letters ORDER BY refused_by",
    );
    assert_eq!(
        letters,
        [
            format!("sink warehouse|table cart: {reason}"),
            format!("table cart|{reason}")
        ]
    );
}

/// What the go-bqstreamer of 2017 does not do, each a fault of it that was read in its source.
mod faults_of_a_peer {
    use super::*;

    #[tokio::test]
    async fn a_trickle_is_flushed_by_the_age_of_its_first_row() {
        let warehouse = Warehouse::start().await;
        let folder = folder(SKU);
        let sink = SinkConfig::new(warehouse.sink().build().unwrap())
            .batch_wait(Duration::from_millis(300));
        let running = Running::start(folder.config().sink("warehouse", sink)).await;
        let mut client = running.client().await;
        // One every few milliseconds, for as long as nothing has come: each of them would start the delay anew.
        let mut pushed = 0;
        while warehouse.requests("events").is_empty() {
            client
                .push(event("cart.add", r#"{"sku":"a"}"#))
                .await
                .unwrap();
            pushed += 1;
        }
        assert!(warehouse.rows("events", 1).await.len() <= pushed);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_sink_without_options_works() {
        let warehouse = Warehouse::start().await;
        let folder = folder(SKU);
        let sink = SinkConfig::new(warehouse.sink().build().unwrap());
        let running = Running::start(folder.config().sink("warehouse", sink)).await;
        push(&running, 1..=1).await;
        assert_eq!(skus(&warehouse.rows("cart", 1).await), ["s1"]);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_queued_at_the_end_is_there_at_the_next_start() {
        let warehouse = Warehouse::start().await;
        let folder = folder(SKU);
        let sink = || {
            let sink = warehouse.sink().build().unwrap();
            SinkConfig::new(sink).batch_wait(Duration::from_hours(1))
        };
        let running = Running::start(folder.config().sink("warehouse", sink())).await;
        push(&running, 1..=5).await;
        running.stop().await.unwrap();
        let sink = sink().batch_wait(Duration::from_millis(1));
        let running = Running::start(folder.config().sink("warehouse", sink)).await;
        let rows = warehouse.rows("cart", 5).await;
        assert_eq!(skus(&rows), ["s1", "s2", "s3", "s4", "s5"]);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn every_failure_that_ends_by_itself_is_tried_again() {
        let failures = [
            [
                Fault::Status(429, ""),
                Fault::Status(500, "internalError"),
                Fault::Status(502, ""),
            ],
            [
                Fault::Status(503, "backendError"),
                Fault::Status(504, ""),
                Fault::Lost,
            ],
            [
                Fault::Status(403, "rateLimitExceeded"),
                Fault::Status(400, "tableUnavailable"),
                Fault::None,
            ],
        ];
        for faults in failures {
            let warehouse = Warehouse::start().await;
            warehouse.make("events", &events_fields());
            warehouse.make("cart", &cart_fields());
            let tries = faults
                .iter()
                .filter(|fault| !matches!(fault, Fault::None))
                .count()
                + 1;
            warehouse.set(|inside| inside.faults = faults.into());
            let folder = folder(SKU);
            let running = Running::start(config(&folder, warehouse.sink())).await;
            push(&running, 1..=2).await;
            assert_eq!(skus(&warehouse.rows("cart", 2).await), ["s1", "s2"]);
            running.stop().await.unwrap();
            assert_eq!(warehouse.requests("events").len(), tries);
            assert_eq!(dead_letters(&folder), [""; 0]);
        }
    }

    #[tokio::test]
    async fn after_many_failures_the_rows_are_still_there() {
        let warehouse = Warehouse::start().await;
        warehouse.make("events", &events_fields());
        warehouse.make("cart", &cart_fields());
        warehouse
            .set(|inside| inside.faults = vec![Fault::Status(500, "internalError"); 1_000].into());
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.sink())).await;
        push(&running, 1..=2).await;
        warehouse.until(|inside| inside.requests.len() >= 5).await;
        running.stop().await.unwrap();
        assert_eq!(
            folder.one::<i64>("SELECT count(*) FROM dead_letters", []),
            0
        );
        warehouse.set(|inside| inside.faults.clear());
        let running = Running::start(config(&folder, warehouse.sink())).await;
        assert_eq!(skus(&warehouse.rows("cart", 2).await), ["s1", "s2"]);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_refused_is_kept_with_its_content_and_the_reason() {
        let warehouse = Warehouse::start().await;
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.sink())).await;
        let mut client = running.client().await;
        client
            .push(event("cart.add", r#"{"sku":"no text"}"#))
            .await
            .unwrap();
        warehouse
            .until(|inside| inside.requests_of("cart").len() == 2)
            .await;
        running.stop().await.unwrap();
        let letters = texts(
            &folder,
            "SELECT refused_by || '|' || type || '|' || details || '|' || reason FROM dead_letters",
        );
        let reason = r#"table cart: BigQuery: invalid at `sku`: Cannot convert value to "STRING": "no text""#;
        assert_eq!(
            letters,
            [format!(
                r#"sink warehouse|cart.add|{{"sku":"no text"}}|{reason}"#
            )]
        );
    }

    #[tokio::test]
    async fn errors_that_nobody_reads_stop_nothing() {
        let warehouse = Warehouse::start().await;
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.sink())).await;
        let mut client = running.client().await;
        let poison = (0..2_000).map(|_| event("cart.add", r#"{"sku":"no text"}"#));
        client.push_batch(batch(poison)).await.unwrap();
        push(&running, 1..=1).await;
        assert_eq!(skus(&warehouse.rows("cart", 1).await), ["s1"]);
        running.stop().await.unwrap();
        assert_eq!(
            folder.one::<i64>("SELECT count(*) FROM dead_letters", []),
            2_000
        );
    }

    #[tokio::test]
    async fn a_poison_row_does_not_fail_its_request_for_good() {
        let warehouse = Warehouse::start().await;
        warehouse.set(|inside| inside.stops = true);
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.sink())).await;
        let events = (1..=200).map(|id| {
            let sku = if id % 50 == 0 { "no text" } else { "good" };
            event_with_id(id, "cart.add", &format!(r#"{{"sku":"{sku}"}}"#))
        });
        running
            .client()
            .await
            .push_batch(batch(events))
            .await
            .unwrap();
        assert_eq!(warehouse.rows("cart", 196).await.len(), 196);
        running.stop().await.unwrap();
        assert_eq!(dead_letters(&folder).len(), 4);
    }
}

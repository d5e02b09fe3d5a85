//! The sink `bigquery` by the Storage Write API's default streams.

use std::collections::BTreeSet;
use std::time::Duration;

use logeater_schema::Catalog;
use logeater_server::{BigQuery, SinkConfig, Write};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tonic::Code;

#[cfg(unix)]
use super::program;
use super::{
    SKU, busy, cart_fields, config, dead_letters, events_fields, faults, folder, ids, passed,
    proptest_config, push, skus,
};
use crate::support::warehouse::Warehouse;
use crate::support::warehouse::storage::{Fault, Rpc};
use crate::support::{Folder, Running, batch, event, event_with_id};

impl Warehouse {
    fn storage_sink(&self) -> BigQuery {
        self.sink().write(Write::StorageWrite)
    }
}

/// The ids of rows, each once.
fn distinct(rows: &[Value]) -> BTreeSet<u8> {
    ids(rows).into_iter().collect()
}

#[tokio::test]
async fn each_type_arrives_as_it_was_emitted_whichever_way() {
    let columns = r#"{"name":"text","type":"STRING"},{"name":"whole","type":"INTEGER"},{"name":"real","type":"FLOAT"},
        {"name":"none","type":"FLOAT"},{"name":"net","type":"NUMERIC"},{"name":"big","type":"BIGNUMERIC"},
        {"name":"yes","type":"BOOLEAN"},{"name":"raw","type":"BYTES"},{"name":"day","type":"DATE"},
        {"name":"hour","type":"TIME"},{"name":"civil","type":"DATETIME"},{"name":"moment","type":"TIMESTAMP"},
        {"name":"free","type":"JSON"},{"name":"tags","type":"STRING","mode":"REPEATED"},
        {"name":"items","type":"RECORD","mode":"REPEATED","fields":[{"name":"n","type":"INTEGER","mode":"REPEATED"},
            {"name":"size","type":"RECORD","fields":[{"name":"days","type":"DATE","mode":"REPEATED"}]}]}"#;
    let details = json!({
        "text": "a \"b\" ä", "whole": i64::MIN, "real": 0.1, "none": "-Infinity", "net": "1.10",
        "big": "340282366920938463463374607431768211455", "yes": false, "raw": "AP8=", "day": "0001-01-01",
        "hour": "12:00:00.000001", "civil": "2026-01-31T12:00:00.000001",
        "moment": "2026-01-31T12:00:00.000001Z", "free": {"n": [null, 1]}, "tags": ["", "a"],
        "items": [{"n": [1, 0], "size": {"days": ["9999-12-31"]}}, {"n": [2]}],
    });
    for write in [Write::InsertAll, Write::StorageWrite, Write::ExactlyOnce] {
        let warehouse = Warehouse::start().await;
        let folder = folder(columns);
        let running = Running::start(config(&folder, warehouse.sink().write(write))).await;
        let mut client = running.client().await;
        let pushed = event_with_id(1, "cart.add", &details.to_string());
        client.push(pushed).await.unwrap();

        let events = warehouse.rows("events", 1).await;
        assert_eq!(events[0]["timestamp"], "2026-01-31T12:00:00.000000Z");
        assert_eq!(
            (
                &events[0]["service"],
                &events[0]["type"],
                &events[0]["user_id"]
            ),
            (&json!("shop"), &json!("cart.add"), &json!("u-1")),
            "{write:?}"
        );
        assert_eq!(events[0]["details"], details.to_string(), "{write:?}");
        let mut expected = details.clone();
        expected["event_id"] = json!("00000000-0000-0000-0000-000000000001");
        expected["cluster_key"] = events[0]["cluster_key"].clone();
        // What insertAll has as text.
        expected["whole"] = json!("-9223372036854775808");
        expected["free"] = json!(r#"{"n":[null,1]}"#);
        expected["items"][0]["n"] = json!(["1", "0"]);
        expected["items"][1]["n"] = json!(["2"]);
        assert_eq!(warehouse.rows("cart", 1).await, [expected], "{write:?}");
        running.stop().await.unwrap();
        assert_eq!(dead_letters(&folder), [""; 0]);
    }
}

#[tokio::test]
async fn a_column_that_the_catalog_gets_later_is_in_the_table_and_in_the_rows() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &cart_fields());
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    push(&running, 1..=1).await;
    warehouse.rows("cart", 1).await;

    folder.declare_cart(&format!(r#"{SKU},{{"name":"size","type":"INTEGER"}}"#));
    let catalog = Catalog::read(folder.schemas()).unwrap();
    warehouse.set(|inside| inside.lag = 3);
    running.control.set_catalog(catalog).await.unwrap();
    let mut client = running.client().await;
    let sized = event_with_id(2, "cart.add", r#"{"sku":"s2","size":7}"#);
    client.push(sized).await.unwrap();
    let rows = warehouse.rows("cart", 2).await;
    assert_eq!(
        (&rows[0]["size"], &rows[1]["size"]),
        (&Value::Null, &json!("7"))
    );
    running.stop().await.unwrap();
    // Those of the events table are in, and are not sent again for the other's sake.
    assert_eq!(warehouse.requests("events"), [1, 1]);
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn what_has_waited_too_long_for_a_column_is_a_dead_letter() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &json!([cart_fields()[0], cart_fields()[1]]));
    let folder = folder(SKU);
    let sink = warehouse.storage_sink().apply(false);
    let sink = sink.column_wait(Duration::ZERO);
    let running = Running::start(config(&folder, sink)).await;
    push(&running, 1..=1).await;
    warehouse.rows("events", 1).await;
    running.stop().await.unwrap();
    assert_eq!(
        dead_letters(&folder),
        [
            "table cart: BigQuery answered InvalidArgument: The input schema has more fields than BigQuery schema: Row.sku"
        ]
    );
    assert_eq!(warehouse.rows("cart", 0).await, [Value::Null; 0]);
}

#[tokio::test]
async fn one_row_that_is_refused_costs_its_neighbours_nothing() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    let events = (1..=5).map(|id| {
        let sku = if id % 2 == 0 { "no text" } else { "good" };
        event_with_id(id, "cart.add", &format!(r#"{{"sku":"{sku}"}}"#))
    });
    let mut client = running.client().await;
    client.push_batch(batch(events)).await.unwrap();
    assert_eq!(distinct(&warehouse.rows("cart", 3).await), [1, 3, 5].into());
    assert_eq!(warehouse.rows("events", 5).await.len(), 5);
    running.stop().await.unwrap();
    let reason = r#"table cart: BigQuery: sku: Cannot convert value to "STRING": "no text""#;
    assert_eq!(dead_letters(&folder), [reason; 2]);
    assert_eq!(warehouse.rows("cart", 3).await.len(), 3);
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_divided_until_its_row_is_found() {
    let warehouse = Warehouse::start().await;
    warehouse.set(|inside| inside.poison = Some("s7"));
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    push(&running, 1..=9).await;
    let rows = warehouse.rows("cart", 8).await;
    assert_eq!(
        skus(&rows),
        ["s1", "s2", "s3", "s4", "s5", "s6", "s8", "s9"]
    );
    running.stop().await.unwrap();
    assert_eq!(
        dead_letters(&folder),
        ["table events: BigQuery answered InvalidArgument: Malformed request."]
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_divided() {
    let warehouse = Warehouse::start().await;
    warehouse.set(|inside| inside.bytes_max = Some(2_000));
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    push(&running, 1..=50).await;
    assert_eq!(warehouse.rows("cart", 50).await.len(), 50);
    running.stop().await.unwrap();
    assert_eq!(warehouse.rows("events", 50).await.len(), 50);
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn what_ends_by_itself_costs_no_event() {
    for fault in [
        Fault::Ends(Code::Unavailable),
        Fault::Error(Code::Internal),
        Fault::Ends(Code::Aborted),
        Fault::Quota(Duration::from_millis(1)),
        Fault::Closes,
    ] {
        let warehouse = Warehouse::start().await;
        warehouse.fail_next(Rpc::AppendRows, [fault, Fault::None, fault]);
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.storage_sink())).await;
        push(&running, 1..=2).await;
        assert_eq!(
            skus(&warehouse.rows("cart", 2).await),
            ["s1", "s2"],
            "{fault:?}"
        );
        running.stop().await.unwrap();
        assert_eq!(warehouse.rows("events", 2).await.len(), 2, "{fault:?}");
        assert_eq!(dead_letters(&folder), [""; 0], "{fault:?}");
    }
}

#[tokio::test]
async fn rows_whose_answer_was_lost_come_again() {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, [Fault::Lost, Fault::None, Fault::Lost]);
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    push(&running, 1..=3).await;
    let rows = warehouse.rows("cart", 6).await;
    assert_eq!(skus(&rows), ["s1", "s1", "s2", "s2", "s3", "s3"]);
    running.stop().await.unwrap();
    // Those of the first table are not sent again when the second has lost its answer.
    assert_eq!(warehouse.requests("events"), [3, 3]);
    assert_eq!(warehouse.requests("cart"), [3, 3]);
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn a_warehouse_that_does_not_answer_is_asked_again() {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, [Fault::Hangs]);
    let folder = folder(SKU);
    let sink = SinkConfig::new(warehouse.storage_sink().build().unwrap())
        .batch_wait(Duration::from_millis(1))
        .timeout(Duration::from_millis(500));
    let running = Running::start(folder.config().sink("warehouse", sink)).await;
    push(&running, 1..=2).await;
    assert_eq!(skus(&warehouse.rows("cart", 2).await), ["s1", "s2"]);
    running.stop().await.unwrap();
    assert_eq!(distinct(&warehouse.rows("events", 2).await), [1, 2].into());
}

#[tokio::test]
async fn a_table_that_is_dropped_under_load_is_made_again_and_takes_the_rest() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    let sink = SinkConfig::new(warehouse.storage_sink().build().unwrap())
        .batch_rows(3)
        .batch_wait(Duration::from_millis(1))
        .workers(4);
    let running = Running::start(folder.config().sink("warehouse", sink)).await;
    push(&running, 1..=100).await;
    warehouse.rows("cart", 10).await;
    let lost = warehouse.drop_table("cart");
    push(&running, 101..=200).await;
    let left = 200 - distinct(&lost).len();
    let rows = warehouse.rows("cart", left).await;
    assert_eq!(&distinct(&lost) | &distinct(&rows), (1..=200).collect());
    running.stop().await.unwrap();
    assert_eq!(
        distinct(&warehouse.rows("events", 200).await),
        (1..=200).collect()
    );
    assert_eq!(dead_letters(&folder), [""; 0]);
}

/// The warehouse needs a thread of its own while the test waits for the program.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_right_that_is_missing_is_said_loudly_and_nothing_is_lost() {
    for code in [Code::PermissionDenied, Code::Unauthenticated] {
        let warehouse = Warehouse::start().await;
        warehouse.fail_next(Rpc::AppendRows, [Fault::Ends(code)]);
        let folder = folder(SKU);
        let mut program = program(&warehouse, &folder, "storage_write");
        let mut client = program.client().await;
        let pushed = event("cart.add", r#"{"sku":"s1"}"#);
        client.push(pushed).await.unwrap();
        let log = program.read_until("the sink waits until somebody gives the right to write");
        assert!(log.contains("ERROR"), "{log}");
        assert!(
            log.contains(&format!("BigQuery answered {code:?}")),
            "{log}"
        );
        assert!(!log.contains("s1"), "{log}");
        // By this the sink does not wait for its minute to pass.
        program.signal("HUP");
        assert_eq!(skus(&warehouse.rows("cart", 1).await), ["s1"]);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_acknowledged_before_a_kill_is_there_after_the_next_start() {
    let warehouse = Warehouse::start().await;
    // The rows of the events table are in, and those of the other are on their way.
    warehouse.fail_next(Rpc::AppendRows, [Fault::None, Fault::Hangs]);
    let folder = folder(SKU);
    let mut program = program(&warehouse, &folder, "storage_write");
    let events = (1..=40).map(|id| event_with_id(id, "cart.add", &format!(r#"{{"sku":"s{id}"}}"#)));
    let mut client = program.client().await;
    client.push_batch(batch(events)).await.unwrap();
    warehouse
        .until(|inside| !inside.requests_of("cart").is_empty())
        .await;
    program.child.kill().unwrap();
    program.child.wait().unwrap();

    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    assert_eq!(
        distinct(&warehouse.rows("cart", 40).await),
        (1..=40).collect()
    );
    running.stop().await.unwrap();
    assert_eq!(
        distinct(&warehouse.rows("events", 40).await),
        (1..=40).collect()
    );
    assert_eq!(dead_letters(&folder), [""; 0]);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_an_append_costs_no_event() {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, [Fault::None, Fault::Hangs]);
    let folder = folder(SKU);
    let impatient = config(&folder, warehouse.storage_sink());
    let impatient = impatient.drain_timeout(Duration::from_millis(100));
    let running = Running::start(impatient).await;
    push(&running, 1..=9).await;
    warehouse
        .until(|inside| !inside.requests_of("cart").is_empty())
        .await;
    running.stop().await.unwrap();

    let running = Running::start(config(&folder, warehouse.storage_sink())).await;
    assert_eq!(
        distinct(&warehouse.rows("cart", 9).await),
        (1..=9).collect()
    );
    running.stop().await.unwrap();
    assert_eq!(
        distinct(&warehouse.rows("events", 9).await),
        (1..=9).collect()
    );
    assert_eq!(dead_letters(&folder), [""; 0]);
}

async fn check(appends: Vec<Fault>) {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, appends);
    let folder = folder(SKU);
    let running = Running::start(busy(&folder, warehouse.storage_sink())).await;
    push(&running, 1..=60).await;
    passed(&folder, 60).await;
    running.stop().await.unwrap();
    for table in ["events", "cart"] {
        let rows = warehouse.rows(table, 60).await;
        assert_eq!(distinct(&rows), (1..=60).collect(), "{table}");
    }
    assert_eq!(dead_letters(&folder), [""; 0]);
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn no_event_is_lost_whatever_becomes_of_requests(appends in faults(30)) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(appends));
    }
}

#[tokio::test]
async fn a_table_is_made_that_bigquery_does_not_say_to_be_missing() {
    for write in [Write::StorageWrite, Write::ExactlyOnce] {
        let warehouse = Warehouse::start().await;
        warehouse.set(|inside| inside.storage.hides = true);
        let folder = folder(SKU);
        let sink = || warehouse.sink().write(write);
        let running = Running::start(config(&folder, sink())).await;
        push(&running, 1..=1).await;
        passed(&folder, 1).await;
        // Where rows are noted, it is not known at first that the stream went with its table.
        warehouse.drop_table("cart");
        push(&running, 2..=2).await;
        passed(&folder, 2).await;
        running.stop().await.unwrap();
        assert_eq!(warehouse.ids("cart").await, [2], "{write:?}");
        assert_eq!(warehouse.ids("events").await, [1, 2], "{write:?}");
        assert_eq!(dead_letters(&folder), [""; 0]);
    }
}

#[tokio::test]
async fn a_catalog_may_have_more_tables_than_a_connection_takes_streams() {
    for write in [Write::StorageWrite, Write::ExactlyOnce] {
        let warehouse = Warehouse::start().await;
        let folder = Folder::new();
        let names: Vec<_> = (0..101).map(|n| format!("t{n}")).collect();
        for name in &names {
            let event = format!(r#"{{"type":"{name}.add","rust_type":"Add","columns":["sku"]}}"#);
            folder.declare(name, SKU, &event);
        }
        let running = Running::start(config(&folder, warehouse.sink().write(write))).await;
        let events = names
            .iter()
            .map(|name| event(&format!("{name}.add"), r#"{"sku":"a"}"#));
        let mut client = running.client().await;
        client.push_batch(batch(events)).await.unwrap();
        for name in &names {
            assert_eq!(skus(&warehouse.rows(name, 1).await), ["a"], "{write:?}");
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_column_of_another_type_is_no_reason_to_ask_about_each_row() {
    for write in [Write::StorageWrite, Write::ExactlyOnce] {
        let warehouse = Warehouse::start().await;
        warehouse.make("events", &events_fields());
        let mut fields = cart_fields();
        fields[2]["type"] = json!("INTEGER");
        warehouse.make("cart", &fields);
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.sink().write(write))).await;
        push(&running, 1..=9).await;
        passed(&folder, 9).await;
        running.stop().await.unwrap();
        assert_eq!(warehouse.requests("cart"), [9], "{write:?}");
        assert_eq!(warehouse.rows("events", 9).await.len(), 9);
        let words = "table cart: BigQuery answered InvalidArgument: The proto field mismatched with BigQuery field at Row.sku";
        assert_eq!(dead_letters(&folder), vec![words; 9]);
    }
}

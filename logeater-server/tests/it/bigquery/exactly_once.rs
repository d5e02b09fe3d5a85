//! The sink `bigquery` by streams of its own: each row is written once, whatever becomes of requests.

use logeater_server::{BigQuery, Credentials, Maintenance, Write};
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Builder;
use tonic::Code;

#[cfg(unix)]
use super::program;
use super::{
    SKU, busy, cart_fields, config, dead_letters, events_fields, faults, folder, passed,
    proptest_config, push,
};
use crate::support::warehouse::Warehouse;
use crate::support::warehouse::storage::{Fault, Inside, Rpc};
use crate::support::{Folder, Running, batch, event_with_id};

impl Warehouse {
    fn once(&self) -> BigQuery {
        self.sink().write(Write::ExactlyOnce)
    }
}

/// Each of these events has its rows once, so many others are dead letters, and nothing is noted any more.
async fn are_there_once(
    warehouse: &Warehouse,
    folder: &Folder,
    ids: impl Iterator<Item = u8>,
    dead: usize,
) {
    let ids: Vec<_> = ids.collect();
    assert_eq!(warehouse.ids("events").await, ids);
    assert_eq!(warehouse.ids("cart").await, ids);
    assert_eq!(dead_letters(folder).len(), dead);
    let notes = "SELECT count(*) FROM _logeater_notes";
    assert_eq!(folder.one::<i64>(notes, []), 0);
}

async fn check(appends: Vec<Fault>, creations: Vec<Fault>, ends: Vec<Fault>) {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, appends);
    warehouse.fail_next(Rpc::CreateWriteStream, creations);
    warehouse.fail_next(Rpc::FinalizeWriteStream, ends);
    // A request with it is divided until it is alone.
    warehouse.set(|inside| inside.poison = Some("s20"));
    let folder = folder(SKU);
    for (first, last) in [(1, 40), (41, 60)] {
        // The second time it finds what the first one has noted.
        let running = Running::start(busy(&folder, warehouse.once())).await;
        push(&running, first..=last).await;
        if last == 60 {
            passed(&folder, 60).await;
        }
        running.stop().await.unwrap();
    }
    let ids = (1..=60).filter(|id| *id != 20);
    are_there_once(&warehouse, &folder, ids, 1).await;
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn each_row_is_there_once_whatever_becomes_of_requests(
        appends in faults(30), creations in faults(6), ends in faults(8)
    ) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(appends, creations, ends));
    }
}

#[tokio::test]
async fn a_stream_takes_one_request_after_the_other() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.once())).await;
    for id in 1..=5 {
        push(&running, id..=id).await;
        passed(&folder, id.into()).await;
    }
    running.stop().await.unwrap();
    are_there_once(&warehouse, &folder, 1..=5, 0).await;
    assert_eq!(warehouse.set(|inside| inside.storage.open_streams()), 0);
    // One of each table.
    assert_eq!(warehouse.set(|inside| inside.storage.connections.len()), 2);
}

#[tokio::test]
async fn a_row_that_is_refused_is_a_dead_letter_and_its_neighbours_are_there_once() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    warehouse.fail_next(Rpc::AppendRows, []);
    warehouse.set(|inside| inside.poison = Some("poison"));
    let running = Running::start(config(&folder, warehouse.once())).await;
    let sku = |id| match id {
        3 => "no text",
        6 => "poison",
        _ => "good",
    };
    let events = (1..=8).map(|id| {
        let details = format!(r#"{{"sku":"{}"}}"#, sku(id));
        event_with_id(id, "cart.add", &details)
    });
    let mut client = running.client().await;
    client.push_batch(batch(events)).await.unwrap();
    passed(&folder, 8).await;
    running.stop().await.unwrap();
    assert_eq!(warehouse.ids("cart").await, [1, 2, 4, 5, 7, 8]);
    // This text is in the details as well.
    assert_eq!(warehouse.ids("events").await, [1, 2, 3, 4, 5, 7, 8]);
    assert_eq!(
        dead_letters(&folder),
        [
            "table cart: BigQuery: sku: Cannot convert value to \"STRING\": \"no text\"",
            "table events: BigQuery answered InvalidArgument: Malformed request."
        ]
    );
}

#[tokio::test]
async fn rows_of_a_stream_that_is_gone_with_its_table_are_written_into_the_next_one() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.once())).await;
    push(&running, 1..=2).await;
    passed(&folder, 2).await;
    assert_eq!(warehouse.drop_table("cart").len(), 2);
    push(&running, 3..=4).await;
    passed(&folder, 4).await;
    running.stop().await.unwrap();
    assert_eq!(warehouse.ids("cart").await, [3, 4]);
    assert_eq!(warehouse.ids("events").await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_stream_that_somebody_has_ended_or_that_is_forgotten_is_replaced() {
    let end: [fn(&mut Inside); 2] = [Inside::end_streams, Inside::forget_streams];
    for end in end {
        let warehouse = Warehouse::start().await;
        let folder = folder(SKU);
        let running = Running::start(config(&folder, warehouse.once())).await;
        push(&running, 1..=2).await;
        passed(&folder, 2).await;
        warehouse.set(|inside| end(&mut inside.storage));
        push(&running, 3..=3).await;
        passed(&folder, 3).await;
        running.stop().await.unwrap();
        are_there_once(&warehouse, &folder, 1..=3, 0).await;
    }
}

#[tokio::test]
async fn rows_that_are_in_stay_in_when_a_later_request_of_the_same_delivery_is_given_up() {
    let warehouse = Warehouse::start().await;
    // All of them with the poison, the first two, and the rest.
    warehouse.fail_next(Rpc::AppendRows, [Fault::None, Fault::None, Fault::Hangs]);
    warehouse.set(|inside| inside.poison = Some("s3"));
    let folder = folder(SKU);
    let running = Running::start(busy(&folder, warehouse.once())).await;
    push(&running, 1..=4).await;
    passed(&folder, 4).await;
    running.stop().await.unwrap();
    let ids = [1, 2, 4].into_iter();
    are_there_once(&warehouse, &folder, ids, 1).await;
}

#[tokio::test]
async fn a_stream_that_does_not_tell_holds_up_its_own_rows_and_not_the_next_ones() {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, [Fault::Lost]);
    let denied = Fault::Ends(Code::PermissionDenied);
    warehouse.fail_next(Rpc::FinalizeWriteStream, vec![denied; 100]);
    let folder = folder(SKU);
    let running = Running::start(busy(&folder, warehouse.once())).await;
    push(&running, 1..=1).await;
    // The row is in, and nobody knows.
    warehouse.rows("events", 1).await;
    for id in 2..=9 {
        push(&running, id..=id).await;
        warehouse.rows("cart", usize::from(id) - 1).await;
    }
    running.stop().await.unwrap();
    assert_eq!(warehouse.ids("events").await, (1..=9).collect::<Vec<_>>());
    // It is not asked with each delivery.
    let asked = 100 - warehouse.set(|inside| inside.storage.told(Rpc::FinalizeWriteStream));
    assert!((1..8).contains(&asked), "{asked}");

    warehouse.set(|inside| inside.storage.fail_no_more(Rpc::FinalizeWriteStream));
    let running = Running::start(busy(&folder, warehouse.once())).await;
    passed(&folder, 9).await;
    running.stop().await.unwrap();
    are_there_once(&warehouse, &folder, 1..=9, 0).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_needs_to_be_ended_twice() {
    let warehouse = Warehouse::start().await;
    warehouse.set(|inside| inside.storage.ends_once = true);
    // The row of the events table is found to be in before the collector dies.
    warehouse.fail_next(Rpc::AppendRows, [Fault::Lost, Fault::Hangs]);
    let folder = folder(SKU);
    let mut program = program(&warehouse, &folder, "exactly_once");
    let mut client = program.client().await;
    let event = event_with_id(1, "cart.add", r#"{"sku":"s"}"#);
    client.push(event).await.unwrap();
    warehouse
        .until(|inside| !inside.requests_of("cart").is_empty())
        .await;
    program.child.kill().unwrap();
    program.child.wait().unwrap();

    let running = Running::start(config(&folder, warehouse.once())).await;
    passed(&folder, 1).await;
    running.stop().await.unwrap();
    are_there_once(&warehouse, &folder, 1..=1, 0).await;
}

#[tokio::test]
async fn what_was_on_its_way_to_another_dataset_is_written_into_this_one() {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, [Fault::Lost]);
    warehouse.fail_next(Rpc::FinalizeWriteStream, [Fault::Ends(Code::Unavailable)]);
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.once())).await;
    push(&running, 1..=2).await;
    warehouse.rows("events", 2).await;
    running.stop().await.unwrap();

    let elsewhere = Warehouse::start().await;
    // It would not say anything about streams of others.
    let denied = vec![Fault::Ends(Code::PermissionDenied); 5];
    elsewhere.set(|inside| inside.storage.fail(Rpc::FinalizeWriteStream, denied));
    let sink = BigQuery::new("shop", "elsewhere")
        .credentials(Credentials::none())
        .endpoint(&elsewhere.endpoint)
        .storage_endpoint(&elsewhere.storage_endpoint)
        .write(Write::ExactlyOnce);
    let running = Running::start(config(&folder, sink)).await;
    passed(&folder, 2).await;
    running.stop().await.unwrap();
    are_there_once(&elsewhere, &folder, 1..=2, 0).await;
}

#[tokio::test]
async fn a_column_that_comes_later_needs_a_stream_that_knows_it() {
    let warehouse = Warehouse::start().await;
    warehouse.make("events", &events_fields());
    warehouse.make("cart", &json!([cart_fields()[0], cart_fields()[1]]));
    warehouse.set(|inside| inside.lag = 2);
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.once())).await;
    push(&running, 1..=3).await;
    passed(&folder, 3).await;
    running.stop().await.unwrap();
    are_there_once(&warehouse, &folder, 1..=3, 0).await;
}

#[tokio::test]
async fn what_is_given_again_on_purpose_is_written_again() {
    let warehouse = Warehouse::start().await;
    let folder = folder(SKU);
    let running = Running::start(config(&folder, warehouse.once())).await;
    push(&running, 1..=2).await;
    passed(&folder, 2).await;
    let mut maintenance = Maintenance::open(folder.data().join("logeater.db")).unwrap();
    let again = maintenance.replay_since("warehouse", "2020-01-01T00:00:00.000000Z");
    assert_eq!(again.unwrap().events, 2);
    warehouse.rows("cart", 4).await;
    passed(&folder, 2).await;
    running.stop().await.unwrap();
    assert_eq!(warehouse.ids("cart").await, [1, 1, 2, 2]);
}

/// It is killed while requests are answered, and while answers are on their way.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_is_there_once_however_often_the_collector_is_killed() {
    let warehouse = Warehouse::start().await;
    warehouse.fail_next(Rpc::AppendRows, []);
    let folder = folder(SKU);
    for kill in 0..10_u8 {
        let mut program = program(&warehouse, &folder, "exactly_once");
        let before = warehouse.set(|inside| inside.requests.len());
        let id = |n| kill * 6 + n;
        let events = (1..=6).map(|n| event_with_id(id(n), "cart.add", r#"{"sku":"s"}"#));
        let mut client = program.client().await;
        for event in events {
            client.push(event).await.unwrap();
        }
        // One or both tables have rows of this life.
        let requests = before + usize::from(kill % 2) + 1;
        warehouse
            .until(|inside| inside.requests.len() >= requests)
            .await;
        program.child.kill().unwrap();
        program.child.wait().unwrap();
    }
    let running = Running::start(config(&folder, warehouse.once())).await;
    passed(&folder, 60).await;
    running.stop().await.unwrap();
    are_there_once(&warehouse, &folder, 1..=60, 0).await;
}

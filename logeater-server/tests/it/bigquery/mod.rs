//! BigQuery, as far as the stand-in of `support::warehouse` is like it.

mod apply;
mod exactly_once;
mod insert_all;
mod storage_write;

use std::time::Duration;

use logeater_server::{BigQuery, Config, Credentials, SinkConfig};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::Code;

#[cfg(unix)]
use crate::support::program::Program;
use crate::support::warehouse::Warehouse;
use crate::support::warehouse::storage::{Fault, Rpc};
use crate::support::{Folder, Running, batch, event_with_id};

/// How long something may take that comes for certain.
const PATIENCE: Duration = Duration::from_mins(1);

const SKU: &str = r#"{"name":"sku","type":"STRING"}"#;

/// The fields of the events table, as somebody else would have made it.
fn events_fields() -> Value {
    json!([
        {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
        {"name": "timestamp", "type": "TIMESTAMP", "mode": "REQUIRED"},
        {"name": "service", "type": "STRING", "mode": "REQUIRED"},
        {"name": "type", "type": "STRING", "mode": "REQUIRED"},
        {"name": "user_id", "type": "STRING"},
        {"name": "details", "type": "JSON"},
    ])
}

fn cart_fields() -> Value {
    json!([
        {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
        {"name": "sku", "type": "STRING"},
    ])
}

/// A folder whose catalog knows `cart.add` with these columns.
fn folder(columns: &str) -> Folder {
    let folder = Folder::new();
    folder.declare_cart(columns);
    folder
}

fn config(folder: &Folder, sink: BigQuery) -> Config {
    let sink = SinkConfig::new(sink.build().unwrap()).batch_wait(Duration::from_millis(1));
    folder.config().sink("warehouse", sink)
}

/// A few rows a request, several requests at once, and little patience.
fn busy(folder: &Folder, sink: BigQuery) -> Config {
    let sink = SinkConfig::new(sink.build().unwrap())
        .batch_rows(4)
        .batch_wait(Duration::from_millis(1))
        .workers(3)
        .timeout(Duration::from_millis(200));
    folder.config().sink("warehouse", sink)
}

/// Pushes events of `cart.add` with these ids in one batch, each with its id as the only letter or figure of `sku`.
async fn push(running: &Running, ids: std::ops::RangeInclusive<u8>) {
    let events = ids.map(|id| event_with_id(id, "cart.add", &format!(r#"{{"sku":"s{id}"}}"#)));
    let answer = running.client().await.push_batch(batch(events)).await;
    assert_eq!(answer.unwrap().into_inner().rejected, []);
}

/// The `sku` of each row.
fn skus(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["sku"].as_str().unwrap())
        .collect()
}

/// The last figures of the id of each row.
fn ids(rows: &[Value]) -> Vec<u8> {
    let ids = rows.iter().map(|row| row["event_id"].as_str().unwrap());
    ids.map(|id| u8::from_str_radix(&id[34..], 16).unwrap())
        .collect()
}

fn dead_letters(folder: &Folder) -> Vec<String> {
    texts(folder, "SELECT reason FROM dead_letters ORDER BY event_id")
}

/// The rows of a query for one text.
fn texts(folder: &Folder, query: &str) -> Vec<String> {
    let reader = folder.reader();
    let mut query = reader.prepare(query).unwrap();
    let texts = query.query_map([], |row| row.get(0)).unwrap();
    texts.map(Result::unwrap).collect()
}

/// Waits until the sink has so many events behind it.
async fn passed(folder: &Folder, events: i64) {
    let cursor = "SELECT cursor FROM _logeater_sinks";
    let passed = async {
        while folder.one::<i64>(cursor, []) != events {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, passed).await.expect(cursor);
}

/// What becomes of requests.
fn faults(most: usize) -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        4 => Just(Fault::None),
        2 => Just(Fault::Lost),
        1 => Just(Fault::Closes),
        1 => Just(Fault::Vanishes),
        1 => Just(Fault::Hangs),
        1 => Just(Fault::Ends(Code::Unavailable)),
        1 => Just(Fault::Error(Code::Internal)),
    ];
    vec(fault, 0..most)
}

fn proptest_config() -> ProptestConfig {
    ProptestConfig {
        cases: 8,
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

/// The program with a sink that writes to this warehouse in this way, and the schemas of a folder.
#[cfg(unix)]
fn program(warehouse: &Warehouse, folder: &Folder, write: &str) -> Program {
    let config = format!(
        r#"
        data = "data"
        catalog = "schemas"
        listen = {{ grpc = "127.0.0.1:0" }}
        [sinks.warehouse]
        type = "bigquery"
        project = "shop"
        dataset = "logeater"
        write = "{write}"
        credentials = "none"
        endpoint = "{}"
        storage_endpoint = "{}"
        batch_wait = "1ms"
        "#,
        warehouse.endpoint, warehouse.storage_endpoint
    );
    let file = folder.schemas().with_file_name("logeater.toml");
    std::fs::write(&file, config).unwrap();
    Program::start(&file)
}

impl Warehouse {
    /// Makes the tables, and tells what becomes of the next requests of this kind.
    fn fail_next(&self, rpc: Rpc, faults: impl IntoIterator<Item = Fault>) {
        self.make("events", &events_fields());
        self.make("cart", &cart_fields());
        self.set(|inside| inside.storage.fail(rpc, faults));
    }

    /// The last figures of the ids of a table's rows, each as often as it is there.
    async fn ids(&self, table: &str) -> Vec<u8> {
        ids(&self.rows(table, 0).await)
    }

    /// A sink that writes to it.
    fn sink(&self) -> BigQuery {
        BigQuery::new("shop", "logeater")
            .credentials(Credentials::none())
            .endpoint(&self.endpoint)
            .storage_endpoint(&self.storage_endpoint)
    }
}

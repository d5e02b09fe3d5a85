//! A stand-in for BigQuery, which follows Google's documentation where no emulator does. It is ours, not Google's.

pub(crate) mod storage;
mod streaming;
mod tables;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::messages;

pub(crate) use self::streaming::Fault;
pub(crate) use self::tables::{Asked, Tables, router};

/// How long something may take that comes for certain.
const PATIENCE: Duration = Duration::from_mins(1);

/// The warehouse. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Warehouse {
    /// Where its REST interface is.
    pub(crate) endpoint: String,
    /// Where its Storage Write API is.
    pub(crate) storage_endpoint: String,
    tables: Tables,
    state: Arc<Mutex<Inside>>,
    changed: Arc<watch::Sender<()>>,
}

/// What is in it.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    seen: BTreeMap<String, Seen>,
    /// What becomes of the next requests for insertAll.
    pub(crate) faults: VecDeque<Fault>,
    /// What only its Storage Write API has.
    pub(crate) storage: storage::Inside,
    /// Each request with rows: its table and how many it had.
    pub(crate) requests: Vec<(String, usize)>,
    /// One row that cannot be inserted fails its request, whatever that asks for.
    pub(crate) stops: bool,
    /// A request that has this text is refused as a whole.
    pub(crate) poison: Option<&'static str>,
    /// A request of more bytes is refused.
    pub(crate) bytes_max: Option<usize>,
    /// How many requests do not hear of a new column.
    pub(crate) lag: usize,
}

/// What those who write into a table see of it.
#[derive(Debug, Default)]
struct Seen {
    /// The fields that are known, of which version, and how many more requests do not hear of the next one.
    ///
    /// <https://cloud.google.com/bigquery/docs/troubleshoot-queries#metadata-errors-for-streaming-inserts>
    fields: Vec<Value>,
    etag: Option<String>,
    lag: usize,
    rows: Vec<Value>,
    /// A row whose id is known is dropped. Here ids are known for ever.
    ///
    /// <https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery#dataconsistency>
    ids: BTreeSet<String>,
}

impl Warehouse {
    pub(crate) async fn start() -> Self {
        let (rest, rest_address) = listen().await;
        let (storage, storage_address) = listen().await;
        let warehouse = Self {
            endpoint: rest_address,
            storage_endpoint: storage_address,
            tables: Tables::default(),
            state: Arc::default(),
            changed: Arc::new(watch::Sender::new(())),
        };
        let router = router(warehouse.tables.clone()).merge(streaming::router(warehouse.clone()));
        let router = Router::new().nest("/bigquery/v2/projects", router);
        tokio::spawn(async move { axum::serve(rest, router).await.unwrap() });
        tokio::spawn(storage::serve(storage, warehouse.clone()));
        warehouse
    }

    /// Changes what is in it.
    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        let changed = self.inside(change);
        self.changed.send_replace(());
        changed
    }

    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// Makes a table of these fields, as somebody else would.
    pub(crate) fn make(&self, table: &str, fields: &Value) {
        let resource = json!({"schema": {"fields": fields}});
        self.tables.make("shop", "logeater", table, resource);
    }

    /// Drops a table, as somebody else would, and gives the rows that are lost by it.
    pub(crate) fn drop_table(&self, table: &str) -> Vec<Value> {
        self.tables.drop_table("logeater", table);
        self.set(|inside| {
            inside.storage.drop_table(table);
            inside.seen.remove(table).unwrap_or_default().rows
        })
    }

    /// Waits until what is in it is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Inside) -> bool) {
        let mut changed = self.changed.subscribe();
        let so = changed.wait_for(|()| self.inside(|inside| is_so(inside)));
        let so = timeout(PATIENCE, so).await;
        assert!(so.is_ok(), "{:?}", self.state);
    }

    /// Waits until a table has so many rows, and gives them by their ids' order.
    pub(crate) async fn rows(&self, table: &str, count: usize) -> Vec<Value> {
        self.until(|inside| inside.rows(table).len() >= count).await;
        self.inside(|inside| {
            let mut rows = inside.rows(table).to_vec();
            rows.sort_by_key(|row| row["event_id"].as_str().unwrap().to_owned());
            rows
        })
    }

    /// How many rows each request for this table had.
    pub(crate) fn requests(&self, table: &str) -> Vec<usize> {
        self.inside(|inside| inside.requests_of(table))
    }
}

impl Inside {
    pub(crate) fn rows(&self, table: &str) -> &[Value] {
        self.seen.get(table).map_or(&[], |seen| &seen.rows)
    }

    pub(crate) fn requests_of(&self, table: &str) -> Vec<usize> {
        let requests = self.requests.iter().filter(|(of, _)| of == table);
        requests.map(|(_, rows)| *rows).collect()
    }

    /// What this request for a table sees of it, which is what the table was until the lag is over.
    fn see(&mut self, name: &str, table: &Value) -> &mut Seen {
        let seen = self.seen.entry(name.to_owned()).or_default();
        let etag = table["etag"].as_str().map(ToOwned::to_owned);
        if seen.etag != etag {
            seen.lag = if seen.etag.is_some() { self.lag } else { 0 };
            seen.etag = etag;
        }
        if seen.lag == 0 {
            let fields = table["schema"]["fields"].as_array().unwrap();
            seen.fields.clone_from(fields);
        }
        seen.lag = seen.lag.saturating_sub(1);
        seen
    }

    /// <https://cloud.google.com/bigquery/quotas#streaming_inserts>
    /// <https://cloud.google.com/bigquery/quotas#write-api-limits>
    fn bytes_max(&self) -> usize {
        self.bytes_max.unwrap_or(10 << 20)
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

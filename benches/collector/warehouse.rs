//! A BigQuery that only counts the rows that it is brought, by insertAll and by the Storage Write API, on a thread of its own.

mod storage;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::routing::post;
use axum::{Router, serve};
use logeater_benches::Failure;
use tokio::runtime;
use tokio::time::sleep;

/// The table that has a row of each event.
const EVENTS_TABLE: &str = "events";

/// What each row of insertAll begins with. In a text its quotes would be escaped.
const ROW: &[u8] = br#"{"insertId":"#;

/// Takes all rows until the process ends.
#[derive(Clone, Debug)]
pub(crate) struct Warehouse {
    address: SocketAddr,
    rows: Arc<Rows>,
    /// How many streams there are, beside the default ones.
    streams: Arc<AtomicU32>,
    wait: Duration,
}

#[derive(Debug, Default)]
struct Rows {
    events: AtomicU32,
    extended: AtomicU32,
}

impl Rows {
    fn add(&self, table: &str, rows: u32) {
        let counted = if table == EVENTS_TABLE {
            &self.events
        } else {
            &self.extended
        };
        counted.fetch_add(rows, Ordering::Relaxed);
    }
}

impl Warehouse {
    /// Starts it on a free port of the loopback; it answers each request after this wait.
    pub(crate) fn start(wait: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let warehouse = Self {
            address: listener.local_addr()?,
            rows: Arc::default(),
            streams: Arc::default(),
            wait,
        };
        let router = Router::new()
            .route(
                "/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}/insertAll",
                post(insert_all),
            )
            .route(storage::CREATE, post(storage::create_write_stream))
            .route(storage::APPEND_ROWS, post(storage::append_rows))
            .layer(DefaultBodyLimit::disable())
            .with_state(warehouse.clone());
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || {
            let served = runtime.block_on(async {
                serve(tokio::net::TcpListener::from_std(listener)?, router).await
            });
            if let Err(error) = served {
                eprintln!("error: {error}");
            }
        });
        Ok(warehouse)
    }

    /// Where both ways in are.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The events of which both rows are there, as far as none comes twice.
    pub(crate) fn events(&self) -> f64 {
        let Rows { events, extended } = &*self.rows;
        [events, extended]
            .map(|rows| f64::from(rows.load(Ordering::Relaxed)))
            .into_iter()
            .fold(f64::INFINITY, f64::min)
    }
}

async fn insert_all(
    State(warehouse): State<Warehouse>,
    Path((_, _, table)): Path<(String, String, String)>,
    body: Bytes,
) -> &'static str {
    sleep(warehouse.wait).await;
    warehouse.rows.add(&table, rows_in(&body));
    "{}"
}

fn rows_in(body: &[u8]) -> u32 {
    let starts = body.windows(ROW.len()).filter(|start| *start == ROW);
    starts.map(|_| 1).sum()
}

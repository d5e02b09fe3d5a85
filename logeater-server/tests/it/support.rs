//! A collector on a free port with a store of its own, and short names for what tests send and read.

#[cfg(all(feature = "bigquery", feature = "cli"))]
#[path = "../../src/sinks/bigquery/storage_write/messages.rs"]
mod messages;
#[cfg(all(feature = "cli", unix))]
pub(crate) mod program;
#[cfg(all(feature = "bigquery", feature = "cli"))]
mod storage_tests;
#[cfg(all(feature = "bigquery", feature = "cli"))]
pub(crate) mod warehouse;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use logeater_proto::event::event_client::EventClient;
use logeater_proto::event::{EventBatch, EventEntry};
use logeater_schema::Catalog;
use logeater_server::{Collector, Config, Control, Error, reconcile};
use rusqlite::{Connection, OpenFlags, Params};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// How long a store may be locked by nobody that matters.
const LOCKED_MAX: Duration = Duration::from_secs(10);

/// A running collector.
pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) control: Control,
    store: PathBuf,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Error>>,
}

impl Running {
    /// Starts one on a free port.
    pub(crate) async fn start(config: Config) -> Self {
        Self::serve(open(config).await).await
    }

    /// The same, with its pages: at this address.
    #[cfg(feature = "web")]
    pub(crate) async fn start_with_web(config: Config) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let collector = open(config).await.web(listener);
        (Self::serve(collector).await, address)
    }

    async fn serve(collector: Collector) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let control = collector.control();
        let store = collector.store().to_owned();
        let ended = tokio::spawn(collector.serve(listener, async { drop(stopped.await) }));
        Self {
            address,
            control,
            store,
            stop,
            ended,
        }
    }

    pub(crate) async fn client(&self) -> EventClient<Channel> {
        client(&self.address).await
    }

    /// Drains it; afterwards all that was acknowledged is in the store's one file, and its numbers add up.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stop_with(&[]).await
    }

    /// Drains it; afterwards this does not add up, because of what the test has done by hand.
    pub(crate) async fn stop_with(self, differences: &[&str]) -> Result<(), Error> {
        self.stop.send(()).ok();
        self.ended.await.unwrap()?;
        assert_eq!(reconcile(&self.store).unwrap().differences, differences);
        Ok(())
    }
}

async fn open(config: Config) -> Collector {
    tokio::task::spawn_blocking(move || {
        let since = Instant::now();
        loop {
            match Collector::open(&config) {
                // A program that another test starts has this process's files, and their locks, until it runs.
                Err(Error::Locked { .. }) if since.elapsed() < LOCKED_MAX => thread::yield_now(),
                opened => break opened.unwrap(),
            }
        }
    })
    .await
    .unwrap()
}

/// A client on a connection of its own.
pub(crate) async fn client(address: &str) -> EventClient<Channel> {
    EventClient::new(
        Endpoint::from_shared(address.to_owned())
            .unwrap()
            .connect()
            .await
            .unwrap(),
    )
}

/// A folder with a store and a folder with schemas.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn schemas(&self) -> PathBuf {
        self.0.path().join("schemas")
    }

    /// Writes the catalog's file of the table `cart`, whose event type `cart.add` declares all its columns.
    pub(crate) fn declare_cart(&self, columns: &str) {
        let names: Vec<serde_json::Value> = serde_json::from_str(&format!("[{columns}]")).unwrap();
        let names: Vec<_> = names
            .iter()
            .map(|column| column["name"].as_str().unwrap())
            .collect();
        self.declare(
            "cart",
            columns,
            &format!(r#"{{"type":"cart.add","rust_type":"CartAdd","columns":{names:?}}}"#),
        );
    }

    pub(crate) fn declare(&self, table: &str, columns: &str, events: &str) {
        let catalog = self.schemas().join("catalog");
        std::fs::create_dir_all(&catalog).unwrap();
        let file = format!(
            r#"{{"version":1,"table":"{table}","columns":[{{"name":"event_id","type":"STRING","mode":"REQUIRED"}},
            {{"name":"cluster_key","type":"DATE","mode":"REQUIRED"}},{columns}],"events":[{events}]}}"#
        );
        std::fs::write(catalog.join(format!("{table}.json")), file).unwrap();
    }

    pub(crate) fn config(&self) -> Config {
        let config = Config::new(self.data());
        if self.schemas().exists() {
            config.catalog(Catalog::read(self.schemas()).unwrap())
        } else {
            config
        }
    }

    /// Opens the store as any other program would.
    pub(crate) fn reader(&self) -> Connection {
        reader(&self.data())
    }

    /// The first column of the only row.
    pub(crate) fn one<T: rusqlite::types::FromSql>(&self, query: &str, params: impl Params) -> T {
        self.reader()
            .query_one(query, params, |row| row.get(0))
            .unwrap()
    }

    /// Every row as one text, its columns joined by `|`.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        let reader = self.reader();
        let mut query = reader.prepare(query).unwrap();
        let columns = query.column_count();
        let rows = query.query_map([], |row| {
            Ok((0..columns)
                .map(|column| show(row.get_ref(column).unwrap()))
                .collect::<Vec<_>>()
                .join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

pub(crate) fn reader(data: &Path) -> Connection {
    Connection::open_with_flags(data.join("logeater.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn show(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => format!("{value:?}"),
        ValueRef::Text(text) => format!("'{}'", str::from_utf8(text).unwrap()),
        ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
    }
}

/// An event of 2026-01-31, 12:00 UTC.
pub(crate) fn event(event_type: &str, details: &str) -> EventEntry {
    EventEntry {
        timestamp: 1_769_860_800_000,
        service: "shop".to_owned(),
        r#type: event_type.to_owned(),
        user_id: Some("u-1".to_owned()),
        details: Some(details.to_owned()),
        event_id: None,
    }
}

/// The same with an id that ends in `id`.
pub(crate) fn event_with_id(id: u8, event_type: &str, details: &str) -> EventEntry {
    let mut bytes = [0; 16];
    bytes[15] = id;
    EventEntry {
        event_id: Some(bytes.to_vec()),
        ..event(event_type, details)
    }
}

pub(crate) fn batch(entries: impl IntoIterator<Item = EventEntry>) -> EventBatch {
    EventBatch {
        entries: entries.into_iter().collect(),
    }
}

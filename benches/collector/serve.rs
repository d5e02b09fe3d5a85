//! The collector, as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, io, thread};

use logeater_benches::{Failure, Purchase};
use logeater_client::Catalog;
use logeater_server::{
    BigQuery, Collector, Config, Credentials, Delivery, Sink, SinkConfig, StoredEvent, Write,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Room for 64 clients with a batch of 2,000 each, which would be refused by the default.
const QUEUE_BYTES: usize = 256 << 20;

/// The batches that are on their way to BigQuery at once. Each waits for its answers, and they come from afar.
const WORKERS: usize = 8;

/// What the collector is told besides its folder.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setup {
    /// Whether its catalog knows the event, so that it has an extended row.
    pub(crate) rows: bool,
    pub(crate) sink: Behind,
}

/// The sink behind the collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behind {
    #[default]
    Nothing,
    /// It only counts.
    Counting,
    /// The sink `bigquery`, with a warehouse at this address.
    BigQuery(Write, SocketAddr),
}

/// The words for the ways to write.
const WAYS: [(&str, Write); 3] = [
    ("insert_all", Write::InsertAll),
    ("storage_write", Write::StorageWrite),
    ("exactly_once", Write::ExactlyOnce),
];

impl Setup {
    /// The words that [`of`](Self::of) reads.
    pub(crate) fn arguments(self) -> impl Iterator<Item = String> {
        let rows = self.rows.then(|| "rows".to_owned());
        let sink = match self.sink {
            Behind::Nothing => Vec::new(),
            Behind::Counting => vec!["counting".to_owned()],
            Behind::BigQuery(write, address) => {
                let way = WAYS.into_iter().find(|(_, way)| *way == write);
                let way = way.map(|(word, _)| word.to_owned());
                way.into_iter().chain([address.to_string()]).collect()
            }
        };
        rows.into_iter().chain(sink)
    }

    fn of(arguments: &[String]) -> Self {
        let has = |word: &str| arguments.iter().any(|argument| argument == word);
        let way = WAYS.into_iter().find(|(word, _)| has(word));
        let address = arguments.iter().find_map(|argument| argument.parse().ok());
        Self {
            rows: has("rows"),
            sink: match way.zip(address) {
                Some(((_, way), address)) => Behind::BigQuery(way, address),
                None if has("counting") => Behind::Counting,
                None => Behind::Nothing,
            },
        }
    }
}

/// This program as a collector with its store in `data`.
pub(crate) fn command(data: &Path, setup: Setup) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("serve").arg(data).args(setup.arguments());
    Ok(command)
}

/// Says where it listens, and then for each line how many events the sink that counts has; ends when there are no more lines.
pub(crate) fn serve(arguments: &[String]) -> Result<(), Failure> {
    let data = arguments
        .first()
        .ok_or("the folder of the store is missing")?;
    let setup = Setup::of(arguments);
    let mut config = Config::new(data).queue_bytes(QUEUE_BYTES);
    if setup.rows {
        config = config.catalog(Catalog::new().with::<Purchase>());
    }
    let delivered = Arc::new(AtomicU64::new(0));
    match setup.sink {
        Behind::Nothing => {}
        Behind::Counting => {
            let sink = Counting(Arc::clone(&delivered));
            config = config.sink("counting", SinkConfig::new(sink));
        }
        Behind::BigQuery(write, address) => {
            let url = format!("http://{address}");
            let sink = BigQuery::new("bench", "logeater")
                .write(write)
                .credentials(Credentials::none())
                .endpoint(&url)
                .storage_endpoint(&url)
                .build()?;
            config = config.sink("bigquery", SinkConfig::new(sink).workers(WORKERS));
        }
    }
    Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let collector = Collector::open(&config)?;
        println!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || answer(&delivered, stop));
        let served = collector.serve(listener, async { drop(stopped.await) });
        Ok(served.await?)
    })
}

fn answer(delivered: &AtomicU64, stop: oneshot::Sender<()>) {
    for _ in io::stdin().lines() {
        println!("{}", delivered.load(Ordering::Relaxed));
    }
    drop(stop);
}

/// A sink that only counts.
#[derive(Debug)]
struct Counting(Arc<AtomicU64>);

#[tonic::async_trait]
impl Sink for Counting {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        self.0.fetch_add(events.len() as u64, Ordering::Relaxed);
        Delivery::stored()
    }
}

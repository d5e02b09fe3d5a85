//! Collectors: one in this process, on a thread of its own, and the program as a process that can be killed.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use logeater_client::Catalog;
use logeater_server::Config;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::Store;

/// A collector in this process, with a store of its own and the events of this program as its catalog.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) url: String,
    data: TempDir,
    shutdown: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::start_with(|config| config)
    }

    /// Starts one that is told more.
    pub(crate) fn start_with(tell: impl FnOnce(Config) -> Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = tell(Config::new(data.path()).catalog(Catalog::registered()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (shutdown, asked) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                logeater_server::run(listener, config, async { _ = asked.await })
                    .await
                    .unwrap();
            });
        });
        Self {
            url,
            data,
            shutdown,
            thread,
        }
    }

    /// The store, while the collector writes to it.
    pub(crate) fn store(&self) -> Store {
        Store::open(self.data.path())
    }

    /// Stops it as a signal would, and gives the store to look at.
    pub(crate) fn stop(self) -> Stopped {
        self.shutdown.send(()).unwrap();
        self.thread.join().unwrap();
        Stopped {
            store: Store::open(self.data.path()),
            _data: self.data,
        }
    }
}

/// A store that outlived its collector.
#[derive(Debug)]
pub(crate) struct Stopped {
    store: Store,
    _data: TempDir,
}

impl std::ops::Deref for Stopped {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// The program `logeater serve` as a process of its own.
#[derive(Debug)]
pub(crate) struct Program {
    process: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Program {
    /// Starts it with its store in `data`, on `listen`.
    pub(crate) fn serve(data: &Path, listen: &str, catalog: Option<&Path>) -> Self {
        let mut command = Self::command();
        command.args(["--listen", listen, "--data"]).arg(data);
        if let Some(catalog) = catalog {
            command.arg("--catalog").arg(catalog);
        }
        Self::start(&mut command)
    }

    /// `logeater serve`, whose arguments are to come.
    pub(crate) fn command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_logeater-under-test"));
        command.arg("serve");
        command
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .strip_prefix("logeater is listening on ")
            .and_then(|rest| rest.split_once(','))
            .unwrap_or_else(|| panic!("it does not say where it listens: {line:?}"))
            .0
            .to_owned();
        Self { process, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) {
        self.process.wait().unwrap();
    }

    /// SIGKILL: no drain, no goodbye.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

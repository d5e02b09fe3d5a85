//! A collector inside this program. In production it is one of its own: `logeater serve`.

use std::error::Error;
use std::net::SocketAddr;

use logeater_server::Config;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A collector that listens on a free port of this machine.
pub(crate) struct Collector {
    runtime: Runtime,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), logeater_server::Error>>,
}

impl Collector {
    /// Opens its store and starts to listen.
    pub(crate) fn start(config: &Config) -> Result<Self, Box<dyn Error>> {
        let collector = logeater_server::Collector::open(config)?;
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let serving = runtime.spawn(collector.serve(listener, shutdown));
        Ok(Self {
            runtime,
            address,
            stop,
            serving,
        })
    }

    /// Where clients find it.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets it finish what it has, and close its store.
    pub(crate) fn stop(self) -> Result<(), Box<dyn Error>> {
        // It does not listen any more if it has failed, and then says why.
        let _ = self.stop.send(());
        Ok(self.runtime.block_on(self.serving)??)
    }
}

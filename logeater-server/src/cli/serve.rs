//! `logeater serve`: the collector, from its arguments to its last signal.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use logeater_schema::Catalog;
use tokio::net::TcpListener;

use crate::{Collector, Config};

/// Run the collector until SIGTERM or SIGINT.
///
/// Prints one line on stdout when it is ready: `logeater is listening on ADDRESS, store FILE`. Logs go to
/// stderr; `RUST_LOG` sets what is logged (default: info).
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Where to listen for gRPC; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50051")]
    listen: String,

    /// The folder of the store, made if it is missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// The folder of schemas that `assert_catalog_current!` keeps; without it, all details stay in `events`
    #[arg(long, value_name = "PATH")]
    catalog: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let mut config = Config::new(self.data);
        if let Some(path) = self.catalog {
            config = config.catalog(Catalog::read(path)?);
        }
        tokio::runtime::Runtime::new()?.block_on(collect(&self.listen, &config))
    }
}

async fn collect(listen: &str, config: &Config) -> Result<(), Box<dyn Error>> {
    // Signals count from here on, so that one that comes early still drains.
    let stopped = stop_signal()?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let collector = Collector::open(config)?;
    let address = listener.local_addr()?;
    let store = collector.store().display();
    // Whoever started the program may have closed its output.
    let _ = writeln!(
        std::io::stdout(),
        "logeater is listening on {address}, store {store}"
    );
    collector.serve(listener, stopped).await?;
    Ok(())
}

/// Completes at the first SIGTERM or SIGINT.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
        }
    })
}

/// Completes at the first Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

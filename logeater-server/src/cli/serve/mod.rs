//! `logeater serve`: the collector, from its arguments to its last signal.

mod loaded;
mod signals;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use crate::config::{Overrides, Settings};
use crate::{Collector, Control};
use loaded::{Loaded, pages};
use signals::{Reload, Signals};

/// Run the collector until SIGTERM or SIGINT; a second one ends it at once.
///
/// What is set by flags stands over the environment, and both over the file. SIGHUP reads it all anew: the catalog,
/// the tokens, the certificates, the rules, the rates, and how many connections and entries of a request there may be. If
/// there is a mistake, all stays as it was.
///
/// Prints one line on stdout when it is ready, `logeater is listening on ADDRESS, store FILE`, and one where its pages
/// are; on a terminal, instead of that, what it has loaded. With a sink on stdout, it prints them on stderr. Logs go to stderr; `RUST_LOG` sets what is logged (default: info).
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The configuration file, in TOML
    #[arg(long, value_name = "FILE", env = "LOGEATER_CONFIG")]
    config: Option<PathBuf>,

    #[command(flatten)]
    overrides: Overrides,

    /// Only read the configuration and all files that it names, and say every mistake
    #[arg(long)]
    check: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let settings = self.load()?;
        if self.check {
            writeln!(io::stdout(), "the configuration is right")?;
            return Ok(());
        }
        let runtime = tokio::runtime::Runtime::new()?;
        let ended = runtime.block_on(self.collect(settings));
        // A store that does not close must not keep the process.
        runtime.shutdown_background();
        ended
    }

    fn load(&self) -> Result<Settings, Box<dyn Error>> {
        Settings::load(self.config.as_deref(), &self.overrides)
    }

    async fn collect(self, settings: Settings) -> Result<(), Box<dyn Error>> {
        // Signals count from here on, so that one that comes early still drains.
        let (signals, mut reload) = (Signals::new()?, Reload::new()?);
        let (listener, address) = bind(settings.listen.grpc()).await?;
        let page_server = match &settings.listen.http {
            Some(http) => Some(bind(http).await?),
            None => None,
        };
        let collector = Collector::open(&settings.config)?;
        let http = page_server.as_ref().map(|(_, address)| address.clone());
        let collector = match page_server {
            Some((listener, _)) => with_pages(collector, listener)?,
            None => collector,
        };
        say(&settings, &address, http.as_deref(), collector.store());
        let control = collector.control();
        let reloading = tokio::spawn(async move {
            while reload.recv().await {
                self.reload(&control, &settings).await;
            }
        });
        let ended = collector.serve(listener, signals.stopped()).await;
        reloading.abort();
        Ok(ended?)
    }

    async fn reload(&self, control: &Control, started: &Settings) {
        let next = match self.load() {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(
                    "SIGHUP: all stays as it was: {}",
                    super::with_sources(&*error)
                );
                return;
            }
        };
        if let Err(error) = control.reload(next.config.clone()).await {
            tracing::error!(
                "SIGHUP: all stays as it was: {}",
                super::with_sources(&error)
            );
            return;
        }
        tracing::info!("SIGHUP: the configuration was read anew");
        for key in started.fixed_changes(&next) {
            tracing::warn!("SIGHUP: `{key}` has changed, and counts from the next start");
        }
    }
}

#[cfg(feature = "web")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "without the feature it is an error"
)]
fn with_pages(collector: Collector, listener: TcpListener) -> Result<Collector, Box<dyn Error>> {
    Ok(collector.web(listener))
}

#[cfg(not(feature = "web"))]
fn with_pages(_: Collector, _: TcpListener) -> Result<Collector, Box<dyn Error>> {
    Err("cannot serve `http`: this logeater was built without its feature `web`".into())
}

async fn bind(address: &str) -> Result<(TcpListener, String), Box<dyn Error>> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let bound = listener.local_addr()?.to_string();
    Ok((listener, bound))
}

/// Says that it serves, and to a person also what; on stderr where stdout is for events.
fn say(settings: &Settings, grpc: &str, http: Option<&str>, store: &Path) {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let (mut out, is_terminal): (Box<dyn Write>, _) = if settings.prints_events() {
        (Box::new(&stderr), stderr.is_terminal())
    } else {
        (Box::new(&stdout), stdout.is_terminal())
    };
    let more = match http {
        _ if is_terminal => Loaded::new(settings, grpc, http).to_string(),
        Some(http) => format!("logeater serves {}\n", pages(http)),
        None => String::new(),
    };
    // Whoever started the program may have closed its output.
    let _ = write!(
        out,
        "logeater is listening on {grpc}, store {}\n{more}",
        store.display()
    );
}

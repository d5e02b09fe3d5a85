//! The program `logeater`: what the command line says, and how the process ends.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use logeater_schema::Catalog;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::{Collector, Config};

/// Collects events and keeps them as typed rows.
#[derive(Debug, Parser)]
#[command(name = "logeater", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
}

/// Run the collector until SIGTERM or SIGINT.
///
/// Prints one line on stdout when it is ready: `logeater is listening on ADDRESS, store FILE`. Logs go to
/// stderr; `RUST_LOG` sets what is logged (default: info).
#[derive(Debug, clap::Args)]
struct Serve {
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

/// Does what the command line says, and gives the process's exit code: 1 for an error, 2 for a wrong
/// command line.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    let Command::Serve(serve) = arguments.command;
    match run(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_sources(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(serve: Serve) -> Result<(), Box<dyn Error>> {
    let mut config = Config::new(serve.data);
    if let Some(path) = serve.catalog {
        config = config.catalog(Catalog::read(path)?);
    }
    tokio::runtime::Runtime::new()?.block_on(collect(&serve.listen, &config))
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

fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let colors = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colors)
        .with_writer(std::io::stderr)
        .init();
}

/// The error and all that led to it, in one line.
fn with_sources(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        line.push_str(": ");
        line.push_str(&source.to_string());
        next = source.source();
    }
    line
}

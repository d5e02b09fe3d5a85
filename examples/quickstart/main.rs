//! Takes the history of a git repository through logeater: typed events in, joined rows out.
//!
//! `cargo run --example quickstart [-- PATH] [--data DIR]`
//!
//! The events are declared in `src/commit.rs`. This file starts a collector, emits them and shuts down; what
//! it prints comes from the collector's store.

mod collector;
mod queries;
mod report;
mod repository;

use std::error::Error;
use std::io::{self, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use logeater_client::{Catalog, Client, Stats, TimestampUnit};
use logeater_examples::commit::Commit;
use logeater_examples::git_log::EVENT_BYTES_MAX;
use logeater_server::Config;

use crate::collector::Collector;
use crate::repository::Repository;

/// How many events may wait for the collector.
const PENDING_MAX: usize = 256;

/// How long the collector may take for them.
const PATIENCE: Duration = Duration::from_mins(1);

/// The commits from which on a history is a long one, and has a progress bar.
const LONG_HISTORY: u64 = 2_000;

/// Turns the history of a git repository into typed events, and shows what becomes of them.
#[derive(Debug, Parser)]
struct Options {
    /// A folder in the repository.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The folder for the collector's store; a new temporary one by default.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {}", on_one_line(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let repository = Repository::open(&options.path)?;
    let catalog = catalog()?;
    let data = data_folder(options.data.as_deref())?;
    let store = new_store(&data)?;

    let collector = Collector::start(&Config::new(data).catalog(catalog.clone()))?;
    let client = Client::builder(collector.endpoint())
        .service("quickstart")
        // Git has whole seconds. They are also the only unit in which a collector that tells units apart by
        // magnitude cannot mistake a date before March 1973.
        .timestamp_unit(TimestampUnit::Seconds)
        // Room for as many events as `emit_history` lets wait, even if each were the largest.
        .buffer_bytes(PENDING_MAX * EVENT_BYTES_MAX)
        .build()?;

    let emitted = emit_history(&client, &repository);
    let stats = client.shutdown_blocking(PATIENCE);
    // A collector that failed says more than the client that waited for it.
    collector.stop()?;
    emitted?;

    let report = report::write(&repository, &store, &stats, &catalog)?;
    io::stdout().write_all(report.as_bytes())?;
    check_arrived(&stats)
}

/// The event types and tables of all code in this program that derives `Event`.
fn catalog() -> Result<Catalog, String> {
    let catalog = Catalog::registered();
    match catalog.conflicts() {
        [] => Ok(catalog),
        [conflict, ..] => Err(conflict.to_string()),
    }
}

/// Emits an event for each commit.
fn emit_history(client: &Client, repository: &Repository) -> Result<(), Box<dyn Error>> {
    let progress = progress_bar(repository.commits());
    let mut history = repository.history()?;
    for commit in progress.wrap_iter(history.commits()) {
        let commit: Commit = commit?;
        client.emit(commit);
        // `emit` never waits: it drops what finds the buffer full, and counts it. That is right for a service,
        // which must not stand still with its events. But this loop is there for nothing else, reads as fast
        // as git can list, and wants every commit, however slow the disk is. So it waits itself.
        if client.stats().pending >= PENDING_MAX as u64 {
            client.flush_blocking(PATIENCE)?;
        }
    }
    history.finish()
}

/// On stderr, if that is a terminal, and for long histories only.
fn progress_bar(commits: u64) -> ProgressBar {
    if commits < LONG_HISTORY {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(commits);
    match ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} commits, {eta} left")
    {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The folder for the store, which stays when the program ends.
fn data_folder(given: Option<&Path>) -> Result<PathBuf, String> {
    let Some(folder) = given else {
        let fresh = tempfile::Builder::new()
            .prefix("logeater-quickstart-")
            .tempdir();
        return fresh
            .map(tempfile::TempDir::keep)
            .map_err(|error| format!("there is no temporary folder: {error}"));
    };
    Ok(folder.to_owned())
}

/// The file of the store, which must not be there yet.
fn new_store(data: &Path) -> Result<PathBuf, String> {
    let store = data.join("logeater.db");
    if store.exists() {
        return Err(format!(
            "{} would have every commit twice: name another folder",
            store.display()
        ));
    }
    Ok(store)
}

fn check_arrived(stats: &Stats) -> Result<(), Box<dyn Error>> {
    if stats.delivered != stats.emitted {
        return Err(format!(
            "of {} events only {} have arrived",
            stats.emitted, stats.delivered
        )
        .into());
    }
    Ok(())
}

/// The message of an error and of its causes.
fn on_one_line(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    let messages: Vec<_> = causes
        .map(|cause| cause.to_string().replace('\n', " "))
        .collect();
    messages.join(": ")
}

//! The program `logeater`: what the command line says, and how the process ends.

mod endpoint_args;
mod output;
mod push;
mod query;
mod reconcile;
mod replay;
mod schema;
mod serve;
mod sink;
mod store_args;
mod tail;
mod token;

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Collects events and keeps them as typed rows.
#[derive(Debug, Parser)]
#[command(name = "logeater", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Tail(tail::Tail),
    Push(Box<push::Push>),
    Query(query::Query),
    Replay(replay::Replay),
    Reconcile(reconcile::Reconcile),
    /// List, pause and resume sinks
    #[command(subcommand)]
    Sink(sink::Sink),
    Token(token::Token),
    /// What people and CI do with folders of schemas
    #[command(subcommand)]
    Schema(schema::Schema),
    /// Print what completes the command line in a shell, such as for `source <(logeater completions bash)`
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Does what the command line says, and gives the process's exit code: 0, 1 for an error, 2 for a wrong
/// command line. `reconcile` and the commands of `schema` answer a question with 0 and 1, and have 2 for errors too.
#[must_use]
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(serve) => {
            log_to_stderr();
            done(serve.run())
        }
        Command::Tail(tail) => done(tail.run()),
        Command::Push(push) => done(push.run()),
        Command::Query(query) => done(query.run()),
        Command::Replay(replay) => done(replay.run()),
        Command::Reconcile(reconcile) => ended(reconcile.run(), 2),
        Command::Sink(sink) => done(sink.run()),
        Command::Token(token) => done(token.run()),
        Command::Schema(schema) => ended(schema.run(), 2),
        Command::Completions { shell } => {
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "logeater", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

fn done(result: Result<(), Box<dyn Error>>) -> ExitCode {
    ended(result.map(|()| ExitCode::SUCCESS), 1)
}

fn ended(result: Result<ExitCode, Box<dyn Error>>, trouble: u8) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {}", with_sources(&*error));
        ExitCode::from(trouble)
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
        let text = source.to_string();
        // Some errors say what their source says.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = source.source();
    }
    line
}

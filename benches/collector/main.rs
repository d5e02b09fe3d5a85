//! Durable events per second of the collector and what each costs, beside a file and plain `SQLite`.
//!
//! `cargo bench -p logeater-benches --features collector --bench collector`. The collector has a process of its own:
//! this program calls itself. Behind `--` stands what else is measured: `instructions` (needs valgrind), `sinks`, or
//! `growth` and how many millions of events.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod growth;
mod ids;
mod instructions;
mod load;
mod measure;
mod serve;
mod sinks;
mod speed;
mod warehouse;
mod yardsticks;

use std::env;
use std::process::ExitCode;

use logeater_benches::Failure;

fn main() -> ExitCode {
    run().map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn run() -> Result<(), Failure> {
    // Cargo gives the option to every benchmark.
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => serve::serve(&arguments[1..]),
        Some("instructions") => instructions::count(),
        Some("sinks") => sinks::measure(),
        Some("growth") => growth::measure(arguments.get(1)),
        _ => speed::compare(),
    }
}

//! Events per second over loopback, and their CPU time on both sides, beside OpenTelemetry's exporter.
//!
//! `cargo bench -p logeater-benches --features peers --bench end_to_end`. The server only counts, in a process of its
//! own: this program calls itself.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod senders;

use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, io};

use logeater_benches::{CountingServer, Failure, Process, median, process_seconds};

use crate::senders::{SENDERS, Sender};

const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let done = match env::args().nth(1).as_deref() {
        Some("serve") => serve(true),
        Some("serve_push_only") => serve(false),
        _ => compare(),
    };
    done.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// Says where it listens, and then for each line how many events it has; ends with its parent.
fn serve(batches: bool) -> Result<(), Failure> {
    let server = CountingServer::start(batches)?;
    println!("{}", server.url());
    for _ in io::stdin().lines() {
        println!("{}", server.events());
    }
    Ok(())
}

/// Of the events that arrived: how many in a second, and the nanoseconds of CPU time of each; and the share that did
/// not, in percent.
type Figures = [f64; 4];

fn compare() -> Result<(), Failure> {
    let mut rounds = SENDERS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (sender, rounds) in SENDERS.iter().zip(&mut rounds) {
            rounds.push(measure(sender)?);
        }
    }
    println!(
        "{:40}{:>20}{:>20}{:>20}{:>8}",
        "", "events/s", "client CPU ns", "server CPU ns", "lost"
    );
    let all: Vec<Figures> = rounds.iter().map(|rounds| medians(rounds)).collect();
    for (sender, figures) in SENDERS.iter().zip(&all) {
        print(sender.name, figures, &all[0]);
    }
    Ok(())
}

fn measure(sender: &Sender) -> Result<Figures, Failure> {
    let mode = if sender.batches {
        "serve"
    } else {
        "serve_push_only"
    };
    let mut server = Process::start(Command::new(env::current_exe()?).arg(mode))?;
    let before = (
        process_seconds("self")?,
        server.cpu_seconds()?,
        Instant::now(),
    );
    (sender.send)(server.url(), sender.events)?;
    let seconds = before.2.elapsed().as_secs_f64();
    let (client, server_cpu) = (process_seconds("self")?, server.cpu_seconds()?);
    let arrived = server.events()?;
    Ok([
        arrived / seconds,
        (client - before.0) * 1e9 / arrived,
        (server_cpu - before.1) * 1e9 / arrived,
        100.0 * (1.0 - arrived / f64::from(sender.events)),
    ])
}

fn medians(rounds: &[Figures]) -> Figures {
    std::array::from_fn(|at| median(rounds.iter().map(|figures| figures[at]).collect()))
}

fn print(name: &str, figures: &Figures, ours: &Figures) {
    print!("{name:40}");
    for (figure, ours) in figures.iter().zip(ours).take(3) {
        print!("{:>20}", format!("{figure:.0} ({:.2}×)", figure / ours));
    }
    println!("{:>7.0}%", figures[3]);
}

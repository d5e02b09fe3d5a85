//! What `emit` costs the thread that calls it, beside other ways to hand an event over.
//!
//! `cargo bench -p logeater-benches --features peers --bench emit`. It calls itself under callgrind for each of them,
//! and then measures the CPU time of threads that emit at once.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod subjects;

use std::hint::black_box;
use std::path::Path;
use std::process::{self, ExitCode};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use std::{env, io, thread};

use logeater_benches::{Failure, Purchase, costs_from, median, thread_nanos};

use crate::subjects::{SUBJECTS, Subject};

/// The events of one run under callgrind.
const COUNTED: u32 = 2_000;

/// The events of one round, of all threads together.
const EVENTS: u32 = 48_000;
const ROUNDS: usize = 9;
const THREADS: [u32; 4] = [1, 2, 4, 8];

/// How long the last event may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let named = env::args().nth(1);
    let subject = SUBJECTS
        .iter()
        .find(|(name, _)| Some(*name) == named.as_deref());
    let done = match subject {
        Some((_, make)) => make().and_then(|subject| count(&subject)),
        None => compare(),
    };
    done.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// What callgrind looks at: the first events make what later ones use again.
fn count(subject: &Subject) -> Result<(), Failure> {
    let purchase = Purchase::typical();
    for _ in 0..COUNTED {
        subject.emit(black_box(&purchase));
    }
    wait_for(subject, COUNTED.into())?;
    measured_emit(subject, &purchase);
    // What the end of a subject takes is not to count.
    process::exit(0)
}

#[inline(never)]
fn measured_emit(subject: &Subject, purchase: &Purchase) {
    for _ in 0..COUNTED {
        subject.emit(black_box(purchase));
    }
}

/// Waits until so many events have arrived; one that was lost never does.
fn wait_for(subject: &Subject, events: u64) -> Result<(), Failure> {
    let started = Instant::now();
    while subject.arrived() < events {
        if started.elapsed() > PATIENCE {
            return Err(format!("{} of {events} events arrived", subject.arrived()).into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn compare() -> Result<(), Failure> {
    let (program, folder) = (env::current_exe()?, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let mut table = Vec::new();
    for (name, make) in SUBJECTS {
        let costs = costs_from("*measured_emit*", &program, &[name], folder)?;
        let figures = [costs.instructions, costs.allocations].map(per_event);
        table.push((name, make()?, figures.to_vec()));
    }
    for threads in THREADS {
        let mut rounds = vec![Vec::new(); table.len()];
        for _ in 0..ROUNDS {
            for ((_, subject, _), rounds) in table.iter().zip(&mut rounds) {
                rounds.push(contend(subject, threads)?);
            }
        }
        for ((_, _, figures), rounds) in table.iter_mut().zip(rounds) {
            figures.push(median(rounds));
        }
    }
    print(&table);
    Ok(())
}

/// The CPU nanoseconds of an event, where so many threads emit at once.
fn contend(subject: &Subject, threads: u32) -> Result<f64, Failure> {
    let expected = subject.arrived() + u64::from(EVENTS);
    let start = Barrier::new(threads as usize);
    let nanos = thread::scope(|scope| {
        let emit = || {
            let purchase = Purchase::typical();
            start.wait();
            let before = thread_nanos()?;
            for _ in 0..EVENTS / threads {
                subject.emit(black_box(&purchase));
            }
            Ok(thread_nanos()? - before)
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(emit)).collect();
        let all = all.into_iter().map(|one| {
            let ended = one.join();
            ended.unwrap_or_else(|_| Err(io::Error::other("it panicked")))
        });
        all.sum::<io::Result<u64>>()
    })?;
    wait_for(subject, expected)?;
    Ok(u32::try_from(nanos / u64::from(EVENTS)).map_or(f64::NAN, f64::from))
}

fn per_event(count: u64) -> f64 {
    let hundredths = u32::try_from(100 * count / u64::from(COUNTED));
    hundredths.map_or(f64::NAN, f64::from) / 100.0
}

fn print(table: &[(&str, Subject, Vec<f64>)]) {
    print!("{:32}{:>24}{:>14}", "", "instructions", "allocations");
    for threads in THREADS {
        print!("{:>24}", format!("CPU ns, {threads} threads"));
    }
    println!();
    let Some((_, _, ours)) = table.first() else {
        return;
    };
    for (name, _, figures) in table {
        print!("{name:32}");
        for (at, (figure, ours)) in figures.iter().zip(ours).enumerate() {
            // There is no ratio to no allocation.
            match at {
                1 => print!("{figure:>14.2}"),
                _ => print!("{:>24}", format!("{figure:.0} ({:.2}×)", figure / ours)),
            }
        }
        println!();
    }
}

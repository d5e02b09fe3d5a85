//! Clients, batches and extended rows in all combinations, beside the yardsticks.

use logeater_benches::{Failure, median};
use tempfile::TempDir;

use crate::load::Load;
use crate::measure::Collector;
use crate::serve::{Behind, Setup};
use crate::yardsticks::YARDSTICKS;

const ROUNDS: usize = 5;

const CLIENTS: [u32; 3] = [1, 8, 64];

/// The events of one request, and those of a measurement: about a second's worth.
const BATCHES: [(u32, [u32; 3]); 3] = [
    (1, [1_000, 8_000, 20_000]),
    (100, [40_000, 128_000, 192_000]),
    (2_000, [200_000, 256_000, 256_000]),
];

/// The events of a yardstick.
const EVENTS: u32 = 200_000;

/// What is printed of a line: events per second first, then what an event or a request takes.
const COLUMNS: [&str; 7] = [
    "events/s", "CPU µs", "load µs", "written", "p50 ms", "p99 ms", "MiB",
];

type Figures = Vec<f64>;

pub(crate) fn compare() -> Result<(), Failure> {
    let cases = cases();
    let mut yardsticks = YARDSTICKS.map(|_| Vec::new());
    let mut rounds = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, write), rounds) in YARDSTICKS.iter().zip(&mut yardsticks) {
            let folder = folder()?;
            let [seconds, cpu] = write(folder.path(), EVENTS)?;
            rounds.push(vec![
                f64::from(EVENTS) / seconds,
                cpu * 1e6 / f64::from(EVENTS),
            ]);
        }
        for ((load, rows), rounds) in cases.iter().zip(&mut rounds) {
            rounds.push(measure(*load, *rows)?);
        }
    }
    print!("{:36}{:>20}", "", "spread");
    for column in COLUMNS {
        print!("{column:>10}");
    }
    println!();
    for ((name, _), rounds) in YARDSTICKS.iter().zip(&yardsticks) {
        print(name, rounds);
    }
    for ((load, rows), rounds) in cases.iter().zip(&rounds) {
        print(&name(*load, *rows), rounds);
    }
    Ok(())
}

fn cases() -> Vec<(Load, bool)> {
    let mut cases = Vec::new();
    for rows in [false, true] {
        for (batch, events) in BATCHES {
            for (clients, events) in CLIENTS.into_iter().zip(events) {
                let load = Load {
                    clients,
                    batch,
                    events,
                    rate: None,
                };
                cases.push((load, rows));
            }
        }
    }
    cases
}

fn name(load: Load, rows: bool) -> String {
    let Load { clients, batch, .. } = load;
    let rows = if rows { ", rows" } else { "" };
    match batch {
        1 => format!("{clients} × Push{rows}"),
        _ => format!("{clients} × PushBatch of {batch}{rows}"),
    }
}

/// A folder on the disk where the program is, since `/tmp` may be memory.
pub(crate) fn folder() -> Result<TempDir, Failure> {
    Ok(TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?)
}

fn measure(load: Load, rows: bool) -> Result<Figures, Failure> {
    let folder = folder()?;
    let setup = Setup {
        rows,
        sink: Behind::Nothing,
    };
    let collector = Collector::start(folder.path(), setup)?;
    let taken = collector.push(load)?;
    let memory = collector.process.memory_peak()?;
    collector.end()?;
    Ok(vec![
        taken.events_a_second(),
        taken.micros_each(),
        taken.load_cpu * 1e6 / taken.events,
        taken.written / taken.events,
        taken.waits[0],
        taken.waits[1],
        memory / f64::from(1 << 20),
    ])
}

/// The medians, and the least and the most events per second.
fn print(name: &str, rounds: &[Figures]) {
    let column = |at: usize| rounds.iter().map(move |figures| figures[at]);
    let least = column(0).fold(f64::INFINITY, f64::min);
    let most = column(0).fold(0.0, f64::max);
    print!("{name:36}{:>20}", format!("{least:.0}..{most:.0}"));
    for at in 0..rounds[0].len() {
        let figure = median(column(at).collect());
        let places = if at == 0 { 0 } else { 2 };
        print!("{figure:>10.places$}");
    }
    println!();
}

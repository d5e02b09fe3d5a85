//! What a sink behind the collector costs, and whether it keeps up.

use std::thread;
use std::time::{Duration, Instant};

use logeater_benches::{Failure, Process, median};
use logeater_server::Write;

use crate::load::Load;
use crate::measure::Collector;
use crate::serve::{Behind, Setup};
use crate::speed::folder;
use crate::warehouse::Warehouse;

const ROUNDS: usize = 5;

/// How long a sink may take for the last events.
const PATIENCE: Duration = Duration::from_mins(2);

/// A million events a minute, for six seconds.
const MINUTE: Load = Load {
    clients: 8,
    batch: 100,
    events: 100_000,
    rate: Some(16_700),
};

const FULL: Load = Load {
    clients: 8,
    batch: 2_000,
    events: 512_000,
    rate: None,
};

/// What is behind the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Counting,
    /// The sink `bigquery`, with a warehouse that answers after so long.
    BigQuery(Write, Duration),
}

/// A request to a warehouse that is far away.
const FAR: Duration = Duration::from_millis(100);

const INSERT_ALL: Kind = Kind::BigQuery(Write::InsertAll, Duration::ZERO);
const INSERT_ALL_FAR: Kind = Kind::BigQuery(Write::InsertAll, FAR);
const STORAGE_WRITE: Kind = Kind::BigQuery(Write::StorageWrite, Duration::ZERO);
const STORAGE_WRITE_FAR: Kind = Kind::BigQuery(Write::StorageWrite, FAR);
const EXACTLY_ONCE: Kind = Kind::BigQuery(Write::ExactlyOnce, Duration::ZERO);
const EXACTLY_ONCE_FAR: Kind = Kind::BigQuery(Write::ExactlyOnce, FAR);

const CASES: [(&str, Load, Kind); 16] = [
    ("16,700 events/s", MINUTE, Kind::Nothing),
    ("the same, a sink", MINUTE, Kind::Counting),
    ("the same, insertAll", MINUTE, INSERT_ALL),
    ("the same, insertAll, far", MINUTE, INSERT_ALL_FAR),
    ("the same, storage write", MINUTE, STORAGE_WRITE),
    ("the same, storage write, far", MINUTE, STORAGE_WRITE_FAR),
    ("the same, exactly once", MINUTE, EXACTLY_ONCE),
    ("the same, exactly once, far", MINUTE, EXACTLY_ONCE_FAR),
    ("full speed", FULL, Kind::Nothing),
    ("the same, a sink", FULL, Kind::Counting),
    ("the same, insertAll", FULL, INSERT_ALL),
    ("the same, insertAll, far", FULL, INSERT_ALL_FAR),
    ("the same, storage write", FULL, STORAGE_WRITE),
    ("the same, storage write, far", FULL, STORAGE_WRITE_FAR),
    ("the same, exactly once", FULL, EXACTLY_ONCE),
    ("the same, exactly once, far", FULL, EXACTLY_ONCE_FAR),
];

pub(crate) fn measure() -> Result<(), Failure> {
    let mut rounds = CASES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, load, kind), rounds) in CASES.into_iter().zip(&mut rounds) {
            rounds.push(run(load, kind)?);
        }
    }
    print!("{:30}", "");
    for column in [
        "events/s", "CPU µs", "cores", "p50 ms", "p99 ms", "left", "behind s", "MiB",
    ] {
        print!("{column:>10}");
    }
    println!();
    for ((name, ..), rounds) in CASES.into_iter().zip(&rounds) {
        print!("{name:30}");
        for at in 0..rounds[0].len() {
            print!(
                "{:>10.2}",
                median(rounds.iter().map(|figures| figures[at]).collect())
            );
        }
        println!();
    }
    Ok(())
}

fn run(load: Load, kind: Kind) -> Result<[f64; 8], Failure> {
    let folder = folder()?;
    let warehouse = match kind {
        Kind::BigQuery(_, wait) => Some(Warehouse::start(wait)?),
        Kind::Nothing | Kind::Counting => None,
    };
    let setup = Setup {
        rows: true,
        sink: match (kind, &warehouse) {
            (Kind::BigQuery(write, _), Some(warehouse)) => {
                Behind::BigQuery(write, warehouse.address())
            }
            (Kind::Counting, _) => Behind::Counting,
            _ => Behind::Nothing,
        },
    };
    let delivered = |process: &mut Process| match &warehouse {
        Some(warehouse) => Ok(warehouse.events()),
        None => process.events(),
    };
    let mut collector = Collector::start(folder.path(), setup)?;
    let taken = collector.push(load)?;
    let cpu = collector.process.cpu_seconds()?;
    let (left, behind) = if kind == Kind::Nothing {
        (0.0, 0.0)
    } else {
        let left = taken.events - delivered(&mut collector.process)?;
        let delivered = || delivered(&mut collector.process);
        (left, seconds_until(taken.events, delivered)?)
    };
    // What the sink does after the last answer is of these events as well.
    let cpu = taken.cpu + collector.process.cpu_seconds()? - cpu;
    let memory = collector.process.memory_peak()?;
    collector.end()?;
    Ok([
        taken.events_a_second(),
        cpu * 1e6 / taken.events,
        cpu / (taken.seconds + behind),
        taken.waits[0],
        taken.waits[1],
        left,
        behind,
        memory / f64::from(1 << 20),
    ])
}

/// The seconds until the sink has all events.
fn seconds_until(
    events: f64,
    mut delivered: impl FnMut() -> Result<f64, Failure>,
) -> Result<f64, Failure> {
    let started = Instant::now();
    while delivered()? < events {
        if started.elapsed() > PATIENCE {
            return Err(format!("the sink has {} of {events} events", delivered()?).into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(started.elapsed().as_secs_f64())
}

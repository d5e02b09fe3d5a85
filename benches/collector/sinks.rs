//! What a sink behind the collector costs, and whether it keeps up.

use std::thread;
use std::time::{Duration, Instant};

use logeater_benches::{Failure, Process, median};

use crate::load::Load;
use crate::measure::Collector;
use crate::serve::Setup;
use crate::speed::folder;

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

const CASES: [(&str, Load, bool); 4] = [
    ("16,700 events/s", MINUTE, false),
    ("16,700 events/s, a sink", MINUTE, true),
    ("full speed", FULL, false),
    ("full speed, a sink", FULL, true),
];

pub(crate) fn measure() -> Result<(), Failure> {
    let mut rounds = CASES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, load, sink), rounds) in CASES.into_iter().zip(&mut rounds) {
            rounds.push(run(load, sink)?);
        }
    }
    print!("{:28}", "");
    for column in [
        "events/s", "CPU µs", "cores", "p50 ms", "p99 ms", "left", "behind s", "MiB",
    ] {
        print!("{column:>10}");
    }
    println!();
    for ((name, ..), rounds) in CASES.into_iter().zip(&rounds) {
        print!("{name:28}");
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

fn run(load: Load, sink: bool) -> Result<[f64; 8], Failure> {
    let folder = folder()?;
    let setup = Setup { rows: true, sink };
    let mut collector = Collector::start(folder.path(), setup)?;
    let taken = collector.push(load)?;
    let cpu = collector.process.cpu_seconds()?;
    let (left, behind) = if sink {
        let left = taken.events - collector.process.events()?;
        (left, wait_for_sink(&mut collector.process, taken.events)?)
    } else {
        (0.0, 0.0)
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
fn wait_for_sink(process: &mut Process, events: f64) -> Result<f64, Failure> {
    let started = Instant::now();
    while process.events()? < events {
        if started.elapsed() > PATIENCE {
            return Err(format!("the sink has {} of {events} events", process.events()?).into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(started.elapsed().as_secs_f64())
}

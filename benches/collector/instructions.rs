//! The collector's instructions for one event, by callgrind: they hardly vary from run to run.

use logeater_benches::{Failure, Process, profiled_instructions, under_callgrind};

use crate::load::Load;
use crate::serve::{Behind, Setup, command};
use crate::speed::folder;

/// One client, so that each request is a transaction.
const LOAD: Load = Load {
    clients: 1,
    batch: 1_000,
    events: 20_000,
    rate: None,
};

const PUSHES: Load = Load {
    batch: 1,
    events: 500,
    ..LOAD
};

const CASES: [(&str, Load, Setup); 5] = [
    (
        "PushBatch of 1,000",
        LOAD,
        Setup {
            rows: false,
            sink: Behind::Nothing,
        },
    ),
    (
        "the same, rows",
        LOAD,
        Setup {
            rows: true,
            sink: Behind::Nothing,
        },
    ),
    (
        "the same, rows and a sink",
        LOAD,
        Setup {
            rows: true,
            sink: Behind::Counting,
        },
    ),
    (
        "Push",
        PUSHES,
        Setup {
            rows: false,
            sink: Behind::Nothing,
        },
    ),
    (
        "Push, rows",
        PUSHES,
        Setup {
            rows: true,
            sink: Behind::Nothing,
        },
    ),
];

pub(crate) fn count() -> Result<(), Failure> {
    for (name, load, setup) in CASES {
        let once = run(load, setup)?;
        let twice = run(
            Load {
                events: 2 * load.events,
                ..load
            },
            setup,
        )?;
        // The start and the end are the same in both.
        println!("{name:28}{:>12}", (twice - once) / u64::from(load.pushed()));
    }
    Ok(())
}

fn run(load: Load, setup: Setup) -> Result<u64, Failure> {
    let folder = folder()?;
    let data = folder.path().join("data");
    let profile = folder.path().join("callgrind");
    let collector = command(&data, setup)?;
    let mut process = Process::start(&mut under_callgrind(&collector, &profile))?;
    load.push(process.url())?;
    while setup.sink == Behind::Counting && process.events()? < f64::from(load.pushed()) {}
    process.end()?;
    profiled_instructions(&profile)
}

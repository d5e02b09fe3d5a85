//! What an event costs as the store grows.

use logeater_benches::Failure;

use crate::load::Load;
use crate::measure::Collector;
use crate::serve::{Behind, Setup};
use crate::speed::folder;

/// A million events by eight clients, with extended rows.
const MILLION: Load = Load {
    clients: 8,
    batch: 2_000,
    events: 1_000_000,
    rate: None,
};

/// How many millions, unless told otherwise.
const MILLIONS: u32 = 10;

pub(crate) fn measure(millions: Option<&String>) -> Result<(), Failure> {
    let millions = millions.map_or(Ok(MILLIONS), |text| text.parse())?;
    let folder = folder()?;
    let setup = Setup {
        rows: true,
        sink: Behind::Nothing,
    };
    let collector = Collector::start(folder.path(), setup)?;
    let mut stored = collector.store_bytes()?;
    println!(
        "{:>8}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "million", "events/s", "CPU µs", "bytes", "written", "p99 ms", "MiB"
    );
    for million in 1..=millions {
        let taken = collector.push(MILLION)?;
        let before = std::mem::replace(&mut stored, collector.store_bytes()?);
        println!(
            "{million:>8}{:>12.0}{:>10.2}{:>10}{:>10.0}{:>10.1}{:>10.1}",
            taken.events_a_second(),
            taken.micros_each(),
            (stored - before) / u64::from(MILLION.pushed()),
            taken.written / taken.events,
            taken.waits[1],
            collector.process.memory_peak()? / f64::from(1 << 20),
        );
    }
    let bytes = collector.end()?;
    let events = u64::from(MILLION.pushed() * millions);
    println!("{} bytes per event in the closed store", bytes / events);
    Ok(())
}

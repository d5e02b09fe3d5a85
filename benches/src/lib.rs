//! What the benchmarks share: the event, processes, and how costs are counted; with the feature `peers` also a server,
//! and the event as others have it.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::error::Error;

mod callgrind;
mod cpu;
#[cfg(any(feature = "collector", feature = "peers"))]
mod entry;
mod process;
mod purchase;
#[cfg(feature = "peers")]
mod records;
#[cfg(feature = "peers")]
mod server;

pub use callgrind::{Costs, costs_from, instructions, profiled_instructions, under_callgrind};
pub use cpu::{childrens_seconds, process_seconds, thread_nanos};
#[cfg(any(feature = "collector", feature = "peers"))]
pub use entry::entry;
pub use process::Process;
pub use purchase::Purchase;
#[cfg(feature = "peers")]
pub use records::{emit_attributes, emit_body};
#[cfg(feature = "peers")]
pub use server::CountingServer;

/// Why a benchmark has no figure.
pub type Failure = Box<dyn Error>;

/// One line of a table: a name, ours, theirs, and the ratio.
pub fn print_ratio(name: &str, unit: &str, ours: f64, theirs: f64) {
    println!(
        "{name:44}{ours:>12.2} {theirs:>12.2} {unit:14}{:.2}",
        ours / theirs
    );
}

/// The middle one of an odd number of figures.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

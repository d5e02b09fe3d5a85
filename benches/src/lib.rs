//! What the benchmarks share: instructions as callgrind counts them, and CPU time as the kernel does.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// Why a benchmark has no figure.
pub type Failure = Box<dyn Error>;

/// The instructions that a program and its children take, as `valgrind --tool=callgrind` counts them.
///
/// `only` names the functions in which it counts; `*` stands for any characters.
///
/// # Errors
///
/// When there is no valgrind, or the program fails.
pub fn instructions(
    program: &Path,
    arguments: &[&str],
    only: Option<&str>,
) -> Result<u64, Failure> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    if let Some(only) = only {
        command.arg(format!("--toggle-collect={only}"));
    }
    let output = command.arg(program).args(arguments).output();
    let output =
        output.map_err(|error| format!("valgrind: {error}; it is a package of that name"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if output.status.success() => Ok(count.trim().parse()?),
        _ => Err(format!("callgrind says nothing: {report}").into()),
    }
}

/// The CPU time of all children that have ended so far, in seconds, from Linux's `/proc`; it counts in steps of
/// 10 ms.
///
/// # Errors
///
/// Where there is no such file.
pub fn childrens_seconds() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field is the program's name in parentheses, and may hold spaces.
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = after_name.split(' ').skip(13).take(2);
    Ok(ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0)
}

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

//! CPU time, as Linux's `/proc` has it.

use std::{fs, io};

/// The CPU time of all children that have ended so far, in seconds.
///
/// # Errors
///
/// As [`process_seconds`].
pub fn childrens_seconds() -> io::Result<f64> {
    seconds("self", 13)
}

/// The CPU time of a process so far, in seconds; `self` is this one. It counts in steps of 10 ms.
///
/// # Errors
///
/// Where Linux's `/proc` has no such process.
pub fn process_seconds(process: &str) -> io::Result<f64> {
    seconds(process, 11)
}

/// The CPU time of this thread so far, in nanoseconds.
///
/// # Errors
///
/// Where there is no Linux's `/proc`.
pub fn thread_nanos() -> io::Result<u64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.ok_or_else(|| io::Error::other("no CPU time in /proc/thread-self/schedstat"))
}

/// The sum of two fields of `/proc/PROCESS/stat`, user and system: `first` says how many stand between the program's
/// name and them.
fn seconds(process: &str, first: usize) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name in parentheses, and may hold spaces.
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = after_name.split(' ').skip(first).take(2);
    Ok(ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0)
}

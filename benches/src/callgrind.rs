//! Instructions and allocations, as valgrind's callgrind counts them: they hardly vary from run to run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Failure;

/// The functions of the C library that give memory.
const ALLOCATIONS: [&str; 5] = [
    "malloc",
    "calloc",
    "realloc",
    "aligned_alloc",
    "posix_memalign",
];

/// The instructions that a program and its children take.
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
    let mut options = vec!["--callgrind-out-file=/dev/null".to_owned()];
    options.extend(only.map(|only| format!("--toggle-collect={only}")));
    callgrind(&options, program, arguments)
}

/// What a program's first thread takes from its call of a function on.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// The instructions.
    pub instructions: u64,
    /// The calls of the allocator.
    pub allocations: u64,
}

/// Counts what a program's first thread takes from its call of the function `from` on; `*` in it stands for any
/// characters. `folder` is for callgrind's files.
///
/// # Errors
///
/// As [`instructions`].
pub fn costs_from(
    from: &str,
    program: &Path,
    arguments: &[&str],
    folder: &Path,
) -> Result<Costs, Failure> {
    let options = [
        format!(
            "--callgrind-out-file={}",
            folder.join("callgrind").display()
        ),
        format!("--zero-before={from}"),
        "--separate-threads=yes".to_owned(),
        "--compress-strings=no".to_owned(),
    ];
    callgrind(&options, program, arguments)?;
    let profile = fs::read_to_string(folder.join("callgrind-01"))?;
    Ok(Costs {
        instructions: summary(&profile)?,
        allocations: allocations(&profile),
    })
}

/// The same program under callgrind, which writes its profile to a file when it ends.
#[must_use]
pub fn under_callgrind(program: &Command, profile: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program.get_program())
        .args(program.get_args());
    command
}

/// The instructions of a profile that [`under_callgrind`] has made.
///
/// # Errors
///
/// When there is no such file, or no number in it.
pub fn profiled_instructions(profile: &Path) -> Result<u64, Failure> {
    summary(&fs::read_to_string(profile)?)
}

fn summary(profile: &str) -> Result<u64, Failure> {
    let summary = profile
        .lines()
        .find_map(|line| line.strip_prefix("summary: "))
        .ok_or("callgrind's file has no summary")?;
    Ok(summary.trim().parse()?)
}

fn callgrind(options: &[String], program: &Path, arguments: &[&str]) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .args(options)
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind: {error}; it is a package of that name"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if output.status.success() => Ok(count.trim().parse()?),
        _ => Err(format!("callgrind says nothing: {report}").into()),
    }
}

/// A call in callgrind's file is a line of `cfn=` and the function, then one of `calls=` and how often.
fn allocations(profile: &str) -> u64 {
    let lines = profile.lines();
    let calls = lines.clone().zip(lines.skip(1));
    calls
        .filter(|(function, _)| {
            let name = function.strip_prefix("cfn=");
            name.is_some_and(|name| ALLOCATIONS.contains(&name))
        })
        .filter_map(|(_, calls)| calls.strip_prefix("calls=")?.split(' ').next())
        .filter_map(|count| count.parse::<u64>().ok())
        .sum()
}

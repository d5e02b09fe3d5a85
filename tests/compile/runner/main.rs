//! Holds what must not compile to the words that the compiler says then, and what must to its silence.
//!
//! A case is a file in `cases/fail` or `cases/pass`. Behind each `//~` in a line stand parts of an error that
//! is wanted there, divided by ` … `; all that the error says counts, its notes and helps as well.
//! Nothing else of the compiler's wording does, and a warning is no error.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod compiler;

use std::fs;
use std::path::{Path, PathBuf};

use compiler::{Compiler, Message};

/// What divides the parts of one wanted error.
const AND: &str = " … ";

#[test]
fn what_must_not_compile_says_what_to_write() {
    let compiler = Compiler::new();
    hold("fail", |case| {
        let wanted = wanted(case);
        assert!(!wanted.is_empty(), "{} wants no error", case.display());
        compare(&wanted, &compiler.errors(case))
    });
}

#[test]
fn what_must_compile_does() {
    let compiler = Compiler::new();
    hold("pass", |case| compare(&[], &compiler.errors(case)));
}

/// Holds all cases of a folder, and shows all problems.
fn hold(folder: &str, problems: impl Fn(&Path) -> Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases")
        .join(folder);
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no case in {}", folder.display());
    let problems: Vec<_> = cases
        .iter()
        .flat_map(|case| {
            problems(case)
                .into_iter()
                .map(|problem| format!("{}:{problem}", case.display()))
        })
        .collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The wanted errors: the line, and the parts.
fn wanted(case: &Path) -> Vec<(usize, Vec<String>)> {
    let text = fs::read_to_string(case).unwrap();
    let lines = text.lines().zip(1..);
    lines
        .flat_map(|(line, number)| {
            line.split(" //~ ")
                .skip(1)
                .map(move |parts| (number, parts))
        })
        .map(|(number, parts)| (number, parts.split(AND).map(str::to_owned).collect()))
        .collect()
}

fn compare(wanted: &[(usize, Vec<String>)], errors: &[Message]) -> Vec<String> {
    let mut left: Vec<_> = errors.iter().collect();
    let mut problems = Vec::new();
    for (line, parts) in wanted {
        let says = |error: &&Message| {
            error.line == *line && parts.iter().all(|part| error.text.contains(part.as_str()))
        };
        match left.iter().position(says) {
            Some(at) => drop(left.remove(at)),
            None => problems.push(format!("{line}: no error says {parts:?}")),
        }
    }
    let unwanted = |error: &Message| format!("{}: not wanted:\n{}", error.line, error.text);
    problems.extend(left.into_iter().map(unwanted));
    problems
}

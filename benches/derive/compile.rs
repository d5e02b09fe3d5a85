//! How long a hundred derived events take to compile, beside serde's `Serialize` of the same structs.
//!
//! `cargo bench -p logeater-benches --bench compile [-- --instructions]`
//!
//! It writes one crate for each, builds their dependencies, and then compiles the crates alone, in turns: cargo calls
//! this program in the place of rustc, and it calls rustc and looks at the CPU time, or with `--instructions` at what
//! callgrind counts.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use logeater_benches::{Failure, childrens_seconds, instructions, median, print_ratio};

const EVENTS: usize = 100;
const ROUNDS: usize = 9;

/// Where this program leaves its figure when cargo calls it in the place of rustc.
const FIGURE: &str = "LOGEATER_BENCH_FIGURE";

/// What it measures then.
const COUNT: &str = "LOGEATER_BENCH_INSTRUCTIONS";

/// A crate of structs and how it derives.
struct Subject {
    name: &'static str,
    dependency: String,
    import: &'static str,
    attributes: fn(usize) -> String,
    /// How `event` is written to `out`.
    encode: &'static str,
}

fn main() -> ExitCode {
    let done = match env::var_os(FIGURE) {
        Some(figure) => in_place_of_rustc(Path::new(&figure)),
        None => compare(env::args().any(|argument| argument == "--instructions")),
    };
    done.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn compare(count: bool) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."));
    let client = root.join("logeater-client");
    let subjects = [
        Subject {
            name: "logeater",
            // What a crate of events needs: the model, without the client.
            dependency: format!(
                "logeater-client = {{ path = '{}', default-features = false, features = [\"catalog\"] }}",
                client.display()
            ),
            import: "use logeater_client::{Event, JsonWriter};",
            attributes: |at| format!("#[derive(Event)]\n#[event(\"bench.number_{at}\")]"),
            encode: "event.write_details(&mut JsonWriter::new(out));",
        },
        Subject {
            name: "serde",
            dependency: "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\""
                .to_owned(),
            import: "use serde::Serialize;",
            attributes: |_| "#[derive(Serialize)]".to_owned(),
            encode: "let _ = serde_json::to_writer(&mut *out, event);",
        },
    ];
    let unit = if count {
        "M instructions"
    } else {
        "CPU seconds"
    };
    println!("{:44}{:>12} {:>12} {unit:14}ratio", "", "logeater", "serde");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile");
    for used in [true, false] {
        for subject in &subjects {
            subject.write(&folder, &root.join("Cargo.lock"), used)?;
        }
        compare_crates(&subjects, &folder, used, count)?;
    }
    Ok(())
}

fn compare_crates(
    subjects: &[Subject; 2],
    folder: &Path,
    used: bool,
    count: bool,
) -> Result<(), Failure> {
    let unit = if count {
        "M instructions"
    } else {
        "CPU seconds"
    };
    for arguments in [&["check"][..], &["build"], &["build", "--release"]] {
        let mut figures = [Vec::new(), Vec::new()];
        // The first round builds the dependencies too, and is no figure.
        for round in 0..=if count { 1 } else { ROUNDS } {
            for (subject, figures) in subjects.iter().zip(&mut figures) {
                let figure = subject.compile(folder, arguments, count && round > 0)?;
                if round > 0 {
                    figures.push(figure);
                }
            }
        }
        let [ours, theirs] = figures.map(median);
        let what = if used { "and encoded" } else { "alone" };
        let name = format!("declared {what}, cargo {}", arguments.join(" "));
        print_ratio(&name, unit, ours, theirs);
    }
    Ok(())
}

impl Subject {
    fn write(&self, folder: &Path, lock: &Path, used: bool) -> Result<(), Failure> {
        let folder = folder.join(self.name);
        fs::create_dir_all(folder.join("src"))?;
        let Self {
            name, dependency, ..
        } = self;
        let manifest = format!(
            "[package]\nname = \"{name}-events\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\n{dependency}\n\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        // The same versions as here; cargo takes out what the crate does not need.
        fs::copy(lock, folder.join("Cargo.lock"))?;
        Ok(fs::write(folder.join("src/lib.rs"), self.source(used))?)
    }

    fn source(&self, used: bool) -> String {
        let Self { import, encode, .. } = self;
        let mut source = format!("//! Events.\n\n#![allow(unused_imports)]\n\n{import}\n");
        for at in 0..EVENTS {
            let attributes = (self.attributes)(at);
            let _ = write!(
                source,
                "\n/// The event of number {at}.\n{attributes}\npub struct Event{at} {{\n    \
                 /// Which screen was open.\n    pub screen: String,\n    pub amount_cents: i64,\n    \
                 pub currency: String,\n    pub item_id: Option<String>,\n    pub duration_ms: u32,\n    \
                 pub first: bool,\n    pub weight: f64,\n    pub tags: Vec<String>,\n}}\n"
            );
            if used {
                // As a service does, which sends what it declares.
                let _ = write!(
                    source,
                    "\npub fn encode_{at}(event: &Event{at}, out: &mut Vec<u8>) {{\n    {encode}\n}}\n"
                );
            }
        }
        source
    }

    /// What compiling the crate alone takes.
    fn compile(&self, folder: &Path, arguments: &[&str], count: bool) -> Result<f64, Failure> {
        let target = folder.join("target");
        let folder = folder.join(self.name);
        let figure = folder.join("figure");
        // Another text is another crate for cargo, whatever the clock of its files.
        let source = folder.join("src/lib.rs");
        let text = fs::read_to_string(&source)?;
        fs::write(&source, text + "// again\n")?;
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(arguments).arg("--quiet").current_dir(&folder);
        cargo.env("CARGO_TARGET_DIR", target);
        cargo.env("CARGO_INCREMENTAL", "0");
        cargo.env("RUSTC_WORKSPACE_WRAPPER", env::current_exe()?);
        cargo
            .env(FIGURE, &figure)
            .env(COUNT, if count { "1" } else { "0" });
        if !cargo.status()?.success() {
            return Err(format!(
                "cargo {} failed in {}",
                arguments.join(" "),
                folder.display()
            )
            .into());
        }
        Ok(fs::read_to_string(&figure)?.parse()?)
    }
}

/// Cargo gives the path of rustc, then rustc's arguments.
fn in_place_of_rustc(figure: &Path) -> Result<(), Failure> {
    let mut arguments = env::args_os().skip(1);
    let rustc = PathBuf::from(arguments.next().ok_or("cargo names no rustc")?);
    let arguments: Vec<OsString> = arguments.collect();
    let is_asked_about = !arguments.iter().any(|argument| argument == "--crate-name");
    if !is_asked_about && env::var_os(COUNT).is_some_and(|count| count == "1") {
        let arguments: Vec<_> = arguments
            .iter()
            .filter_map(|argument| argument.to_str())
            .collect();
        let millions = instructions(&rustc, &arguments, None)? / 1_000_000;
        return Ok(fs::write(figure, millions.to_string())?);
    }
    let before = childrens_seconds()?;
    let status = Command::new(rustc)
        .args(arguments)
        .stdin(Stdio::null())
        .status()?;
    if !is_asked_about {
        fs::write(figure, (childrens_seconds()? - before).to_string())?;
    }
    if status.success() {
        Ok(())
    } else {
        Err("rustc failed".into())
    }
}

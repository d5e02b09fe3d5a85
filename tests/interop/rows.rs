//! Writes what the tools in this folder read: the folder of schemas of all events in `values`, and arbitrary
//! values of each event as rows.
//!
//! `interop_rows DIR [--rows N] [--seed SEED]` makes `DIR/schemas` and `DIR/rows/<event>.ndjson`, a file for each
//! Rust type. A line is `{"event_id", "cluster_key", "type", "details"}`, and `details` the very text of the wire.
//! One seed gives the same rows again.

#![expect(
    clippy::unwrap_used,
    reason = "a tool of the tests ends where it fails"
)]
#![expect(clippy::print_stdout, reason = "it says what it made")]

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use uuid::Uuid;

#[path = "../values/mod.rs"]
mod values;

use values::{Everything, Written};

const ROWS: u64 = 40;
const SEED: u64 = 1;

fn main() {
    let arguments = Arguments::of(env::args().skip(1));
    let Everything { catalog, events } = Everything::new();
    assert!(catalog.conflicts().is_empty(), "{:?}", catalog.conflicts());
    let (schemas, rows) = (
        arguments.folder.join("schemas"),
        arguments.folder.join("rows"),
    );
    fs::create_dir_all(&schemas).unwrap();
    fs::create_dir_all(&rows).unwrap();
    catalog.write(&schemas).unwrap();
    let mut runner = runner(arguments.seed);
    let mut number = 0;
    for (name, values) in events {
        let mut lines = String::new();
        for _ in 0..arguments.rows {
            number += 1;
            let written = values.new_tree(&mut runner).unwrap().current();
            writeln!(lines, "{}", line(&written, number)).unwrap();
        }
        fs::write(rows.join(format!("{name}.ndjson")), lines).unwrap();
    }
    println!(
        "{} rows of each event in {}, by seed {}",
        arguments.rows,
        arguments.folder.display(),
        arguments.seed
    );
}

struct Arguments {
    folder: PathBuf,
    rows: u64,
    seed: u64,
}

impl Arguments {
    fn of(mut arguments: impl Iterator<Item = String>) -> Self {
        let folder = arguments.next().expect("the folder to write to");
        let mut this = Self {
            folder: folder.into(),
            rows: ROWS,
            seed: SEED,
        };
        while let Some(option) = arguments.next() {
            let value = arguments.next().and_then(|value| value.parse().ok());
            let value = value.unwrap_or_else(|| panic!("{option} needs a number"));
            match option.as_str() {
                "--rows" => this.rows = value,
                "--seed" => this.seed = value,
                _ => panic!("{option} is neither --rows nor --seed"),
            }
        }
        this
    }
}

fn runner(seed: u64) -> TestRunner {
    let seed: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    TestRunner::new_with_rng(Config::default(), rng)
}

/// By hand, so that the details stand in it as the client wrote them.
fn line(written: &Written, number: u128) -> String {
    let id = Uuid::from_u128(number);
    let event_type = &written.event_type;
    let details = written.details.as_deref().unwrap_or("null");
    format!(
        r#"{{"event_id":"{id}","cluster_key":"2026-01-31","type":"{event_type}","details":{details}}}"#
    )
}

//! The instructions of `write_details`, beside `serde_json` of the same values.
//!
//! `cargo bench -p logeater-benches --bench details`. It calls itself under callgrind, which counts in the function
//! that is measured alone.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use logeater_benches::{Failure, Purchase, instructions, print_ratio};
use logeater_client::{Column, Event, JsonWriter};
use serde::Serialize;

const ROUNDS: u32 = 1_000;

#[derive(Event, Serialize)]
#[event("cart.add")]
struct Nested {
    sku: String,
    tags: Vec<String>,
    shipping: Address,
    weight: f64,
}

#[derive(Column, Serialize)]
struct Address {
    city: String,
    zip: String,
    floors: Vec<i32>,
}

fn nested() -> Nested {
    Nested {
        sku: "sku-000123456".into(),
        tags: vec!["gift".into(), "sale \"summer\"".into(), "größer".into()],
        shipping: Address {
            city: "Berlin".into(),
            zip: "10115".into(),
            floors: vec![-1, 0, 1, 2],
        },
        weight: 12.75,
    }
}

#[inline(never)]
fn measured_logeater(event: &impl Event, out: &mut Vec<u8>) {
    for _ in 0..ROUNDS {
        out.clear();
        let mut writer = JsonWriter::new(out);
        black_box(event).write_details(&mut writer);
        let _ = black_box(writer.finish());
    }
}

#[inline(never)]
fn measured_to_string(event: &impl Serialize) {
    for _ in 0..ROUNDS {
        let _ = black_box(serde_json::to_string(black_box(event)));
    }
}

#[inline(never)]
fn measured_to_writer(event: &impl Serialize, out: &mut Vec<u8>) {
    for _ in 0..ROUNDS {
        out.clear();
        let _ = black_box(serde_json::to_writer(&mut *out, black_box(event)));
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [way, event] if event == "purchase" => run(way, &Purchase::typical()),
        [way, event] if event == "nested" => run(way, &nested()),
        _ => {
            return compare().map_or_else(
                |error| {
                    eprintln!("error: {error}");
                    ExitCode::FAILURE
                },
                |()| ExitCode::SUCCESS,
            );
        }
    }
    ExitCode::SUCCESS
}

fn run(way: &str, event: &(impl Event + Serialize)) {
    let mut out = Vec::with_capacity(1_024);
    match way {
        "logeater" => measured_logeater(event, &mut out),
        "to_string" => measured_to_string(event),
        _ => measured_to_writer(event, &mut out),
    }
}

fn compare() -> Result<(), Failure> {
    let program = env::current_exe()?;
    let measure = |way: &str, event: &str| -> Result<f64, Failure> {
        let counted = instructions(&program, &[way, event], Some("*measured_*"))?;
        Ok(u32::try_from(counted / u64::from(ROUNDS)).map_or(f64::NAN, f64::from))
    };
    println!(
        "{:44}{:>12} {:>12} {:14}ratio",
        "", "logeater", "serde_json", "instructions"
    );
    for event in ["purchase", "nested"] {
        let ours = measure("logeater", event)?;
        for way in ["to_string", "to_writer"] {
            print_ratio(&format!("{event}, {way}"), "", ours, measure(way, event)?);
        }
    }
    Ok(())
}

//! Delivers the events of a file to a server, and says what became of them.
//!
//! `interop_deliver URL SERVICE FILE`, where a line of the file is `{"timestamp", "user_id", "type", "details"}`:
//! milliseconds, and no user or details where the event has none.

#![expect(
    clippy::unwrap_used,
    reason = "a tool of the tests ends where it fails"
)]
#![expect(clippy::print_stdout, reason = "it says what became of the events")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use logeater_client::{Client, Column, Event, EventExt};
use serde::Deserialize;
use serde_json::json;

/// As long as the slowest of the servers may take for all of them.
const PATIENCE: Duration = Duration::from_mins(2);

/// More than any file has.
const BUFFER_BYTES: usize = 64 << 20;

/// An event and its envelope.
#[derive(Deserialize)]
struct Line {
    timestamp: i64,
    user_id: Option<String>,
    #[serde(flatten)]
    parcel: Parcel,
}

#[derive(Deserialize, Event)]
#[event("parcel")]
#[serde(tag = "type", content = "details")]
enum Parcel {
    #[serde(rename = "parcel.sent")]
    Sent {
        number: i64,
        note: String,
        weight: Option<f64>,
        insured: bool,
        tags: Vec<String>,
        stops: Vec<Stop>,
    },
    /// It has no details.
    #[serde(rename = "parcel.lost")]
    Lost,
}

#[derive(Deserialize, Column)]
struct Stop {
    city: String,
    zip: Option<String>,
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [url, service, file] = arguments.try_into().expect("URL SERVICE FILE");
    let client = Client::builder(url)
        .service(service)
        .buffer_bytes(BUFFER_BYTES)
        .build()
        .unwrap();
    for line in fs::read_to_string(file).unwrap().lines() {
        emit(&client, serde_json::from_str(line).unwrap());
    }
    let report = client.shutdown_blocking(PATIENCE);
    let ends = json!({
        "emitted": report.emitted,
        "delivered": report.delivered,
        "rejected": report.rejected,
        "dropped": report.dropped,
        "pending": report.pending,
        "retries": report.retries,
    });
    println!("{ends}");
}

fn emit(client: &Client, line: Line) {
    let event = line.parcel.at(time(line.timestamp));
    match line.user_id {
        Some(user_id) => client.emit(event.by(user_id)),
        None => client.emit(event),
    }
}

fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

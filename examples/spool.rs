//! A server that is down for longer than the program runs: what it was not sent waits on disk for the next run.
//!
//! `cargo run --example spool`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::Path;
use std::time::Duration;

use logeater_client::{BuildError, Client, Event};
use logeater_server::Config;
use tokio::net::TcpListener;

/// A parcel was scanned at a gate.
#[derive(Event)]
#[event("parcel.scanned")]
struct Scanned {
    number: u32,
}

/// A client as each run of the program has it. Any number of programs can share the folder.
fn client(endpoint: &str, spool: &Path) -> Result<Client, BuildError> {
    Client::builder(endpoint)
        .service("gate")
        // With `spool_first` each batch would be on disk before it is sent, and so survive `kill -9`.
        .spool(spool)
        .spool_bytes(100 << 20)
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let spool = folder.path().join("spool");

    // Nobody listens there.
    let first = client("http://127.0.0.1:1", &spool)?;
    for number in 1..=3 {
        first.emit(Scanned { number });
    }
    let report = first.shutdown(Duration::from_secs(5)).await;
    println!(
        "first run: {} emitted, {} delivered, {} on disk, {} lost",
        report.emitted,
        report.delivered,
        report.spooled,
        report.lost()
    );

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let config = Config::new(folder.path().join("data"));
    let collector = tokio::spawn(logeater_server::run(
        listener,
        config,
        std::future::pending(),
    ));

    let second = client(&endpoint, &spool)?;
    second.emit(Scanned { number: 4 });
    let report = second.shutdown(Duration::from_secs(5)).await;
    println!(
        "second run: {} emitted, {} of them taken over, {} delivered, {} on disk",
        report.emitted, report.recovered, report.delivered, report.spooled
    );
    collector.abort();
    Ok(())
}

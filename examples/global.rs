//! One client for the whole process, for code that has no place to keep one.
//!
//! `cargo run --example global`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use logeater_client::{Client, Event, emit, set_global};

/// A page was shown.
#[derive(Event)]
#[event("page.view")]
struct PageView {
    path: String,
}

fn show(path: &str) {
    emit!(PageView { path: path.into() });
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // No server is there; an application neither waits for one nor fails without it.
    let client = Client::builder("http://127.0.0.1:1")
        .service("shop")
        .build()?;
    set_global(client.clone()).map_err(|_| "the process has a client already")?;

    show("/");
    show("/carts/7");

    // The global handle is never dropped, so the end is told by hand.
    let report = client.shutdown_blocking(Duration::from_millis(200));
    println!(
        "{} emitted, {} delivered, {} lost",
        report.emitted,
        report.delivered,
        report.lost()
    );
    Ok(())
}

//! The end of a service: what is in memory is delivered within a deadline, and what is lost is told.
//!
//! `cargo run --example shutdown -- http://127.0.0.1:50051`, and Ctrl-C for an early end

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use logeater_client::{Client, Event};

/// A request was answered.
#[derive(Event)]
#[event("request.answered")]
struct Answered {
    path: String,
    status: u16,
}

/// The service: it answers a few requests, and is told to stop if that takes too long.
async fn serve(events: &Client) {
    for path in ["/", "/carts/7", "/nothing"] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let status = if path == "/nothing" { 404 } else { 200 };
        events.emit(Answered {
            path: path.into(),
            status,
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1);
    let client = Client::builder(endpoint.unwrap_or("http://127.0.0.1:50051".to_owned()))
        .service("shop")
        // It has a thread of its own, so it may write to a file, or ask an alarm to be raised.
        .on_loss(|loss| {
            println!(
                "lost {} of {}: {}",
                loss.events, loss.event_type, loss.reason
            );
        })
        .build()?;

    tokio::select! {
        () = serve(&client) => println!("served"),
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            println!("told to stop");
        }
    }

    // Other parts of the service may still emit until here. Afterwards nothing is taken any more.
    let report = client.shutdown(Duration::from_secs(1)).await;
    println!(
        "{} emitted, {} delivered, {} lost",
        report.emitted,
        report.delivered,
        report.lost()
    );
    Ok(())
}

//! The sink `stdout`: each event as one line of JSON.

use std::io::Write;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::delivery::Delivery;
use super::line;
use super::sink::Sink;
use crate::StoredEvent;

/// The process has one standard output: who waits for it takes no thread, and writes nothing if it is given up.
static OUT: Mutex<()> = Mutex::const_new(());

/// Writes each event to the standard output, as one line of JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stdout;

#[tonic::async_trait]
impl Sink for Stdout {
    async fn deliver(&self, events: &[StoredEvent]) -> Delivery {
        let mut lines = Vec::new();
        for event in events {
            line::write(event, &mut lines);
        }
        let turn = OUT.lock().await;
        let write = move || {
            let _turn = turn;
            let mut out = std::io::stdout().lock();
            out.write_all(&lines).and_then(|()| out.flush())
        };
        match spawn_blocking(write).await {
            Ok(Ok(())) => Delivery::stored(),
            Ok(Err(error)) => Delivery::failed(error.to_string()),
            Err(error) => Delivery::failed(error.to_string()),
        }
    }
}

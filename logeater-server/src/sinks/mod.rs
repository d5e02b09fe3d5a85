//! Where events go from the store: each sink behind a cursor of its own, so that none delays another.

#[cfg(feature = "bigquery")]
mod bigquery;
mod config;
mod delivery;
mod journal;
mod jsonl;
mod ledger;
pub(crate) mod line;
mod pending;
mod runner;
mod runners;
mod sink;
mod status;
mod stdout;
mod window;
mod worker;

#[cfg(feature = "bigquery")]
pub use bigquery::{BigQuery, BigQuerySink, Write};
pub use config::SinkConfig;
pub use delivery::Delivery;
pub use journal::Journal;
pub use jsonl::Jsonl;
pub(crate) use runner::Context;
pub(crate) use runners::{Runners, check, set_catalog};
pub use sink::Sink;
#[cfg(feature = "web")]
pub(crate) use status::Status;
pub use stdout::Stdout;

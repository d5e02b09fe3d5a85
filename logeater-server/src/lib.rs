//! The logeater collector: stores events at once, as rows that any SQLite tool reads.
//!
//! [`run`] serves the gRPC contract of `logeater-proto` on a listener until it is told to stop. A push is
//! answered after the transaction that holds it was synced to disk. The store is one file,
//! `logeater.db` in the folder of [`Config::new`], with these tables:
//!
//! | table | columns |
//! |---|---|
//! | `events` | `event_id`, `cluster_key`, `timestamp`, `service`, `type`, `user_id`, `details` |
//! | one per namespace of the [`Config::catalog`] | `event_id`, `cluster_key`, then the catalog's columns |
//! | `dead_letters` | `event_id`, `cluster_key`, `refused_at`, `refused_by`, `reason`, `type`, `details` |
//!
//! The rowid of `events` is the sequence of insertion, and no number is ever given twice. Times are text
//! in ISO 8601, UTC, with microseconds; RECORDs and repeated columns are JSON text.

mod access;
mod arrival;
mod batch;
#[cfg(feature = "bigquery")]
mod bigquery;
#[cfg(feature = "cli")]
pub mod cli;
mod config;
mod connections;
mod control;
mod convert;
mod decimal;
mod details;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod intake;
mod limits;
mod live;
mod plan;
mod readiness;
#[cfg(feature = "reflection")]
mod reflection;
mod retention;
mod rules;
mod serve;
mod service;
mod shorten;
mod sinks;
mod stats;
mod status;
mod steady;
mod store;
#[cfg(test)]
mod testing;
mod time;
#[cfg(feature = "web")]
mod web;

pub use access::Token;
#[cfg(feature = "tls")]
pub use access::{Tls, TlsError};
#[cfg(feature = "bigquery")]
pub use bigquery::{Credentials, TargetError};
pub use config::Config;
pub use control::Control;
pub use error::Error;
pub use retention::Retention;
pub use rules::{FilterError, Rule, RuleError};
pub use serve::{Collector, run};
#[cfg(feature = "bigquery")]
pub use sinks::{BigQuery, BigQuerySink, Write};
pub use sinks::{Delivery, Journal, Jsonl, Sink, SinkConfig, Stdout};
pub use store::{
    Entries, Maintenance, Note, Reconciliation, Replayed, SinkCount, StoredEvent, TableCount,
    reconcile,
};

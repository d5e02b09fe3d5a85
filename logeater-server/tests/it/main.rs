//! The collector from outside: a real server, the generated client, and SQLite as the reader.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod access;
#[cfg(all(feature = "bigquery", feature = "cli"))]
mod bigquery;
mod broken_stores;
mod changing_catalogs;
#[cfg(feature = "cli")]
mod commands;
#[cfg(all(feature = "cli", feature = "tls"))]
mod config;
#[cfg(target_os = "linux")]
mod full_disk;
mod journal;
mod jsonl;
mod limits;
#[cfg(feature = "cli")]
mod program;
mod push;
mod replay;
mod retention;
#[cfg(feature = "cli")]
mod schema;
mod service;
#[cfg(all(feature = "cli", unix))]
mod signals;
mod sinks;
mod sinks_with_faults;
mod store;
mod support;
#[cfg(feature = "web")]
mod web;

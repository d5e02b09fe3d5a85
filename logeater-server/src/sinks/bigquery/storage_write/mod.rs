//! Rows by the Storage Write API: protobuf over gRPC, into the default stream of each table, or into streams of the sink's
//! own.
//!
//! <https://cloud.google.com/bigquery/docs/write-api>

mod append;
mod client;
mod committed_streams;
mod connection;
mod default_streams;
mod descriptor;
mod doubts;
mod intent;
mod messages;
mod rows;
mod stream;
mod trouble;
#[cfg(test)]
#[path = "../../../../tests/it/support/warehouse/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "much of it is for tests of the whole sink"
)]
mod warehouse;

pub(super) use client::Client;
pub(super) use committed_streams::CommittedStreams;
pub(super) use default_streams::DefaultStreams;
pub(super) use doubts::Unsettled;
pub(super) use rows::Forms;

//! Rows by the Storage Write API: protobuf over gRPC, into the default stream of each table.
//!
//! The default stream keeps what is written at once, and at least once: a row whose answer was lost comes again. The
//! views that `logeater schema apply --views` makes count an event once.
//!
//! <https://cloud.google.com/bigquery/docs/write-api-streaming#at-least-once>

mod client;
mod connection;
mod descriptor;
mod messages;
mod rows;
mod trouble;
mod writer;

pub(super) use client::Client;
pub(super) use rows::Forms;
pub(super) use writer::{PATIENCE, Writer};

//! A stand-in for BigQuery, which follows Google's documentation where no emulator does. It is ours, not Google's.

mod streaming;
mod tables;

pub(crate) use streaming::{Fault, Warehouse};
pub(crate) use tables::{Asked, Tables, router};

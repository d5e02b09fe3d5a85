//! What BigQuery is to the collector: its REST interface, who asks, and what its answers mean.

mod client;
mod credentials;
mod problem;

pub use client::TargetError;
pub(crate) use client::{Client, Target};
pub use credentials::Credentials;
pub(crate) use problem::{Class, Problem};

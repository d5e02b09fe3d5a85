//! What BigQuery is to the collector: its REST interface, who asks, what its answers mean, and its tables.

mod apply;
mod client;
mod credentials;
mod plan;
mod problem;
mod table;
mod views;

pub(crate) use apply::Tables;
pub use client::TargetError;
pub(crate) use client::{Client, Target, checked_endpoint};
pub use credentials::Credentials;
pub(crate) use plan::{Action, Options, Refusal, Step, Wanted};
pub(crate) use problem::{Class, Problem};

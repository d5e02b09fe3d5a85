//! What BigQuery is to the collector: its REST interface, who asks, what its answers mean, and its tables.

#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "the command alone looks at a whole dataset")
)]
mod apply;
mod client;
mod credentials;
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "the command alone looks at a whole dataset")
)]
mod plan;
mod problem;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod views;

pub(crate) use apply::Tables;
pub use client::TargetError;
pub(crate) use client::{Client, Target, checked_endpoint};
pub use credentials::Credentials;
pub(crate) use plan::Action;
#[cfg(feature = "cli")]
pub(crate) use plan::{Options, Refusal, Step, Wanted};
pub(crate) use problem::{Class, Problem};

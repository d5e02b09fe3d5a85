//! What the examples share: their event types, and what is tested apart from a terminal and a collector.

pub mod commit;
pub mod git_log;
pub mod terminal;

/// The README's code, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The code of `docs/`, likewise.
#[cfg(doctest)]
#[doc = include_str!("../../docs/from-a-struct-to-a-table.md")]
struct FromAStructToATable;

/// The guide to CI.
#[cfg(doctest)]
#[doc = include_str!("../../docs/events-in-ci.md")]
struct EventsInCi;

/// The chapter on delivery.
#[cfg(doctest)]
#[doc = include_str!("../../docs/delivery.md")]
struct Delivery;

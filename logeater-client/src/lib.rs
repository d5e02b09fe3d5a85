//! Typed product events: derive them, send them, never wait.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use logeater_client::{Client, Event};
//!
//! /// A product was put into a shopping cart.
//! #[derive(Event)]
//! #[event("cart.add")]
//! struct CartAdd {
//!     /// Stock keeping unit.
//!     sku: String,
//!     quantity: u32,
//!     #[event(user_id)]
//!     user: String,
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("http://127.0.0.1:50051").service("checkout").build()?;
//! client.emit(CartAdd { sku: "A-1".into(), quantity: 2, user: "u-42".into() });
//! let report = client.shutdown(Duration::from_secs(5)).await;
//! println!("{} delivered, {} lost", report.delivered, report.lost());
//! # Ok(())
//! # }
//! ```
//!
//! One Rust type is the event's name, its payload and its warehouse table. [`Client::emit`] writes it once,
//! into a buffer that already is a request, and a thread of the client's own delivers it: batched, retried,
//! counted. What an application must never feel is in [`Client`]'s documentation.
//!
//! # Features
//!
//! - `client` (default): the client. Without it this crate is the model alone: the traits, the derives and
//!   the catalog, with neither tokio nor tonic.
//! - `catalog` (default): derived events register themselves, and [`assert_catalog_current!`] holds a
//!   folder of schemas.
//! - `bigdecimal`, `bytes`, `chrono`, `jiff`, `rust_decimal`, `time`, `url`, `uuid`: the types of the crate of
//!   that name are columns.
//! - `gzip`, `zstd`: batches can be compressed.
//! - `metrics`: the counters of [`Stats`] as metrics of the process, by the facade of that name: install its recorder
//!   before the first event. All clients add up, and are at most five seconds late, and exact when a flush or a
//!   shutdown ends. `logeater_events_emitted_total`, `_delivered_total`, `_rejected_total`, `_dropped_total` (by
//!   `reason`), `_sampled_out_total`, `_recovered_total`, `_pending` and `_spooled`; `logeater_requests_retried_total`.
//! - `tls`: `https://` servers and client certificates, with rustls, its provider ring and the system's roots.
//! - `tracing`: a layer that makes events of what is said to `tracing`, [`tracing_layer`].
//!
//! `tls` and `zstd` need a C compiler, which nothing else here does.

#[cfg(feature = "client")]
mod blocking;
#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod clock;
#[cfg(feature = "client")]
mod codec;
#[cfg(any(feature = "gzip", feature = "zstd"))]
mod compression;
#[cfg(feature = "client")]
mod connect;
#[cfg(feature = "client")]
mod encode;
#[cfg(feature = "client")]
mod endpoint;
#[cfg(feature = "client")]
mod env;
#[cfg(feature = "client")]
mod event_id;
#[cfg(feature = "client")]
mod failure;
#[cfg(feature = "client")]
mod global;
#[cfg(feature = "client")]
mod head;
#[cfg(feature = "client")]
mod lanes;
#[cfg(feature = "client")]
mod log;
#[cfg(feature = "client")]
mod loss;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "client")]
mod queue;
#[cfg(feature = "client")]
mod recording;
#[cfg(feature = "client")]
mod retry;
#[cfg(feature = "client")]
mod sampling;
#[cfg(feature = "client")]
mod segment;
#[cfg(feature = "client")]
mod shared;
#[cfg(feature = "client")]
mod spool;
#[cfg(feature = "client")]
mod spooler;
#[cfg(feature = "client")]
mod starter;
#[cfg(feature = "client")]
mod stats;
#[cfg(feature = "client")]
mod timestamp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tracing")]
mod tracing_layer;
#[cfg(feature = "client")]
mod transport;
#[cfg(feature = "client")]
mod when_full;
#[cfg(feature = "client")]
mod word;
#[cfg(feature = "client")]
mod worker;

#[cfg(feature = "client")]
pub use builder::{BuildError, ClientBuilder};
#[cfg(feature = "client")]
pub use client::{Client, FlushError, PushError};
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use compression::Compression;
#[cfg(feature = "client")]
#[doc(hidden)]
pub use global::__emit_global;
#[cfg(feature = "client")]
pub use global::{global, set_global};
#[cfg(feature = "catalog")]
pub use logeater_schema::{
    ApprovalError, Approvals, Update, UpdateError, assert_catalog_current, assert_current,
};
pub use logeater_schema::{
    ApprovedBreak, Catalog, CatalogError, Change, Class, Column, ColumnType, Conflict, Declaration,
    EVENTS_TABLE, Enveloped, Event, EventExt, EventTime, EventType, FieldSchema, JsonWriter,
    Limits, Many, Maybe, Mode, NameError, One, Rule, Shape, Single, Source, Span, Subject,
    TableColumn, TableEvent, TableSchema, UserId, check_column_name, check_event_type,
    events_table,
};
#[cfg(feature = "client")]
pub use loss::{Loss, LossReason};
#[cfg(feature = "client")]
pub use recording::{Recorded, RecordedEvent};
#[cfg(feature = "client")]
pub use stats::Stats;
#[cfg(feature = "client")]
pub use timestamp::TimestampUnit;
#[cfg(feature = "tracing")]
pub use tracing_layer::{FieldError, FromField, Seen, tracing_layer};
#[cfg(feature = "client")]
pub use when_full::WhenFull;

#[doc(hidden)]
pub use logeater_schema::__private;

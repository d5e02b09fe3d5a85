//! The model of logeater: what an event and a column are, the tables they make, and the catalog of all.
//!
//! A type that implements [`Event`] is an event's name, its payload and its table; the [`Column`]s of its
//! fields say both what they are in the warehouse and how they are written, so that details always fit
//! their table. No task, no network; files only in the catalog.
//!
//! # Types
//!
//! | type | column |
//! |---|---|
//! | `bool` | BOOLEAN |
//! | `char`, `str`, `String`, `IpAddr`, an enum of unit variants; `url::Url`, `uuid::Uuid` | STRING |
//! | integers of up to 64 bits but for the next, and `NonZero` of them | INTEGER |
//! | `u64`, `usize`; `rust_decimal::Decimal` | NUMERIC |
//! | `i128`, `u128`; `bigdecimal::BigDecimal` | BIGNUMERIC |
//! | `f32`, `f64` | FLOAT |
//! | lists of `u8`; `bytes::Bytes` | BYTES |
//! | `Duration`; `chrono::TimeDelta`, `time::Duration`, `jiff::SignedDuration` | INTEGER, in microseconds |
//! | `SystemTime`; `chrono::DateTime`, `time::OffsetDateTime`, `time::UtcDateTime`, `jiff::Timestamp`, `jiff::Zoned` | TIMESTAMP |
//! | `chrono::NaiveDateTime`, `time::PrimitiveDateTime`, `jiff::civil::DateTime` | DATETIME |
//! | `chrono::NaiveDate`, `time::Date`, `jiff::civil::Date` | DATE |
//! | `chrono::NaiveTime`, `time::Time`, `jiff::civil::Time` | TIME |
//! | `serde_json::Value` | JSON |
//! | a struct, an enum with data | RECORD |
//! | `Option<T>`, `Box<T>`, `Arc<T>`, `Rc<T>`, `Cow<T>`, `&T` | as `T` |
//! | `Vec<T>`, `[T]`, `[T; N]`, `VecDeque<T>`, sets | REPEATED `T` |
//! | maps whose keys are text | REPEATED RECORD of `key` and `value` |
//!
//! Those of other crates need the feature of the crate's name. Times are floored to the microsecond; decimals
//! with too many digits behind the point are rounded half away from zero, as BigQuery rounds.

#[cfg(feature = "catalog")]
mod approvals;
mod bigquery;
mod catalog;
mod catalog_file;
mod change;
mod changes;
mod civil;
mod column;
mod columns;
mod const_text;
#[cfg(feature = "catalog")]
mod current;
mod derived;
mod disagreements;
mod elasticsearch;
mod event;
mod event_ext;
mod events_table;
mod field;
mod flatten;
mod folder;
mod growth;
mod json;
mod json_path;
mod json_schema;
mod json_tree;
mod limits;
mod merge;
mod name;
mod readme;
mod refined;
#[cfg(feature = "catalog")]
mod registered;
mod spans;
mod statements;
mod table;
mod terraform;
mod union;
#[cfg(feature = "catalog")]
mod update;

#[cfg(feature = "catalog")]
pub use approvals::{ApprovalError, Approvals};
pub use catalog::{Catalog, CatalogError};
pub use change::{Change, Class, Rule, Subject};
pub use column::{Column, ColumnType, Many, Maybe, Mode, One, Shape, Single};
#[cfg(feature = "catalog")]
pub use current::assert_current;
pub use event::{Event, EventTime, EventType, Source, UserId};
pub use event_ext::{Enveloped, EventExt};
pub use events_table::{EVENTS_TABLE, events_table};
pub use field::FieldSchema;
pub use json::{JsonWriter, ObjectStart};
pub use limits::Limits;
pub use logeater_derive::{Column, Event};
pub use merge::{Conflict, Declaration};
pub use name::{NameError, check_column_name, check_event_type};
pub use spans::Span;
pub use table::{ApprovedBreak, TableColumn, TableEvent, TableSchema};
#[cfg(feature = "catalog")]
pub use update::{Update, UpdateError};

/// What the derives' output names; not for people.
#[doc(hidden)]
pub mod __private;

//! The model of logeater: what an event and a column are, the tables they make, and the catalog of all.
//!
//! A type that implements [`Event`] is an event's name, its payload and its table; the [`Column`]s of its
//! fields say both what they are in the warehouse and how they are written, so that details always fit
//! their table. No task, no network; files only in the catalog.

mod bigquery;
mod catalog;
mod catalog_file;
mod civil;
mod column;
mod columns;
mod const_text;
#[cfg(feature = "catalog")]
mod current;
mod derived;
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
mod table;
mod terraform;

pub use catalog::{Catalog, CatalogError};
pub use column::{Column, ColumnType, Many, Maybe, Mode, One, Shape, Single};
#[cfg(feature = "catalog")]
pub use current::assert_current;
pub use event::{Event, EventTime, EventType, Source, UserId};
pub use event_ext::{Enveloped, EventExt};
pub use events_table::{EVENTS_TABLE, events_table};
pub use field::FieldSchema;
pub use growth::Breaking;
pub use json::{JsonWriter, ObjectStart};
pub use limits::Limits;
pub use logeater_derive::{Column, Event};
pub use merge::Conflict;
pub use name::{NameError, check_column_name, check_event_type};
pub use spans::Span;
pub use table::{TableColumn, TableEvent, TableSchema};

/// What the derives' output names; not for people.
#[doc(hidden)]
pub mod __private;

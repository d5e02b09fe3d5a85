//! What the derives' output names: one stable place, whatever moves behind it.

pub use crate::__register_events as register;
#[cfg(feature = "catalog")]
pub use crate::assert_current;
pub use crate::derived::{
    AlwaysPresent, AsDisplay, AsJson, event_type, inner_or_own, nested, nullable, required,
    same_column,
};
pub use crate::name::{check_column_name, check_event_type, check_table_column_name};
#[cfg(feature = "catalog")]
pub use crate::registered::RegisteredEvents;
pub use crate::{
    Column, ColumnType, Event, EventTime, EventType, FieldSchema, JsonWriter, Many, Maybe, Mode,
    One, Shape, Single, Source, UserId,
};
#[cfg(feature = "catalog")]
pub use inventory;
pub use serde::Serialize;
pub use std;

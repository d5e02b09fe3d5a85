//! What the derives' output names: one stable place, whatever moves behind it.

pub use crate::__register_events as register;
#[cfg(feature = "catalog")]
pub use crate::assert_current;
pub use crate::derived::{
    AlwaysPresent, AsDisplay, AsJson, Ref, columns, event_type, inner_or_own, record, required,
    same_column,
};
pub use crate::flatten::{Flat, Part, flat, flat_event_type, flat_record, one_table};
pub use crate::name::{check_column_name, check_event_type, check_table_column_name};
pub use crate::refined::{Digits, Int64, MaxLength, refined};
#[cfg(feature = "catalog")]
pub use crate::registered::RegisteredEvents;
pub use crate::spans::InUnit;
pub use crate::{
    Column, ColumnType, Event, EventTime, EventType, FieldSchema, JsonWriter, Limits, Many, Maybe,
    Mode, One, Shape, Single, Source, Span, UserId,
};
#[cfg(feature = "catalog")]
pub use inventory;
pub use serde::Serialize;
pub use std;

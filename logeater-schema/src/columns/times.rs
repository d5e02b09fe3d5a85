//! Moments and spans of the standard library, and what those of other crates have in common with them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::spans::MICROSECOND;
use crate::{Column, ColumnType, JsonWriter, Many, One, Span};

/// A TIMESTAMP: RFC 3339 in UTC with six digits, floored to the microsecond.
impl Column for SystemTime {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Timestamp;

    fn write(&self, out: &mut JsonWriter<'_>) {
        match micros_since_epoch(*self) {
            Some(micros) => out.timestamp(micros),
            None => out.timestamp(i64::MAX),
        }
    }
}

/// An INTEGER of microseconds.
impl Column for Duration {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Integer;
    const DESCRIPTION: &'static str = "In microseconds.";

    fn write(&self, out: &mut JsonWriter<'_>) {
        self.write_in(MICROSECOND, out);
    }
}

/// Microseconds since the Unix epoch, floored; `None` outside of what 64 bits hold.
fn micros_since_epoch(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).ok(),
        Err(before) => {
            let nanos = before.duration().as_nanos();
            i64::try_from(nanos.div_ceil(1000))
                .ok()
                .map(|micros| -micros)
        }
    }
}

/// What is declared of one value of another crate's type.
#[cfg(any(feature = "chrono", feature = "time", feature = "jiff"))]
macro_rules! time_columns {
    ($([$($generics:tt)*] $rust:ty => $column:ident, $value:ident, $out:ident => $write:expr;)*) => {$(
        impl<$($generics)*> crate::Column for $rust {
            type Shape = crate::One;
            type List = crate::Many;
            const TYPE: crate::ColumnType = crate::ColumnType::$column;

            fn write(&self, $out: &mut crate::JsonWriter<'_>) {
                let $value = self;
                $write
            }
        }
    )*};
}

/// A span of another crate: an INTEGER of microseconds, or of what the field's option names.
#[cfg(any(feature = "chrono", feature = "time", feature = "jiff"))]
macro_rules! span_column {
    ($rust:ty, $value:ident => $nanos:expr) => {
        impl crate::Column for $rust {
            type Shape = crate::One;
            type List = crate::Many;
            const TYPE: crate::ColumnType = crate::ColumnType::Integer;
            const DESCRIPTION: &'static str = "In microseconds.";

            fn write(&self, out: &mut crate::JsonWriter<'_>) {
                crate::Span::write_in(self, crate::spans::MICROSECOND, out);
            }
        }

        impl crate::Span for $rust {
            fn write_in(&self, nanos_per_unit: u32, out: &mut crate::JsonWriter<'_>) {
                let $value = self;
                crate::spans::write_nanos($nanos, nanos_per_unit, out);
            }
        }
    };
}

#[cfg(any(feature = "chrono", feature = "time", feature = "jiff"))]
pub(super) use {span_column, time_columns};

/// The moment that lies so many nanoseconds after the Unix epoch, or before it.
#[cfg(any(feature = "chrono", feature = "time", feature = "jiff"))]
pub(super) fn system_time(nanos: i128) -> Option<SystemTime> {
    let seconds = u64::try_from(nanos.abs() / 1_000_000_000).ok()?;
    let rest = u32::try_from(nanos.abs() % 1_000_000_000).ok()?;
    let distance = Duration::new(seconds, rest);
    if nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    }
}

//! Moments and spans of the standard library.

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

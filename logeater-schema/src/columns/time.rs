//! The types of the crate `time`.

use std::time::SystemTime;

use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, Timestamp, UtcDateTime};

use super::times::{span_column, system_time, time_columns};
use crate::EventTime;

/// 1970-01-01 as a Julian day.
const EPOCH_DAY: i32 = 2_440_588;

time_columns! {
    [] OffsetDateTime => Timestamp, value, out => out.timestamp(micros(value.unix_timestamp_nanos()));
    [] Timestamp => Timestamp, value, out => out.timestamp(micros(value.as_nanoseconds()));
    [] UtcDateTime => Timestamp, value, out => out.timestamp(micros(value.unix_timestamp_nanos()));
    [] PrimitiveDateTime => Datetime, value, out => {
        out.datetime(micros(value.as_utc().unix_timestamp_nanos()));
    };
    [] Date => Date, value, out => out.date(i64::from(value.to_julian_day()) - i64::from(EPOCH_DAY));
    [] Time => Time, value, out => {
        let (hours, minutes, seconds, micros) = value.as_hms_micro();
        let seconds = i64::from(hours) * 3_600 + i64::from(minutes) * 60 + i64::from(seconds);
        out.time(seconds * 1_000_000 + i64::from(micros));
    };
}

span_column! { Duration, value => value.whole_nanoseconds() }

/// Floored; beyond 64 bits is beyond every year that a TIMESTAMP has.
fn micros(nanos: i128) -> i64 {
    i64::try_from(nanos.div_euclid(1_000)).unwrap_or(i64::MAX)
}

impl EventTime for OffsetDateTime {
    fn event_time(&self) -> Option<SystemTime> {
        system_time(self.unix_timestamp_nanos())
    }
}

impl EventTime for UtcDateTime {
    fn event_time(&self) -> Option<SystemTime> {
        system_time(self.unix_timestamp_nanos())
    }
}

impl EventTime for Timestamp {
    fn event_time(&self) -> Option<SystemTime> {
        system_time(self.as_nanoseconds())
    }
}

//! The types of the crate `chrono`.

use std::time::SystemTime;

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike,
};

use super::times::{span_column, system_time, time_columns};
use crate::EventTime;

/// 1970-01-01, counted from the first day of the year 1.
const EPOCH_DAY: i32 = 719_163;

time_columns! {
    [Tz: TimeZone] DateTime<Tz> => Timestamp, value, out => {
        out.timestamp(micros(value.timestamp(), value.timestamp_subsec_nanos()));
    };
    [] NaiveDateTime => Datetime, value, out => {
        let value = value.and_utc();
        out.datetime(micros(value.timestamp(), value.timestamp_subsec_nanos()));
    };
    [] NaiveDate => Date, value, out => {
        out.date((value.num_days_from_ce() - EPOCH_DAY).into());
    };
    [] NaiveTime => Time, value, out => {
        out.time(micros(value.num_seconds_from_midnight().into(), value.nanosecond()));
    };
}

span_column! {
    TimeDelta, value => i128::from(value.num_seconds()) * 1_000_000_000 + i128::from(value.subsec_nanos())
}

/// A leap second, which BigQuery does not have, counts as the end of the second before it.
fn micros(seconds: i64, nanos: u32) -> i64 {
    seconds * 1_000_000 + i64::from(nanos / 1_000).min(999_999)
}

impl<Tz: TimeZone> EventTime for DateTime<Tz> {
    fn event_time(&self) -> Option<SystemTime> {
        let nanos = self.timestamp_subsec_nanos().min(999_999_999);
        system_time(i128::from(self.timestamp()) * 1_000_000_000 + i128::from(nanos))
    }
}

//! The types of the crate `jiff`. A `Span` of the calendar has no length, and is no column.

use std::time::SystemTime;

use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::times::{span_column, system_time, time_columns};
use crate::EventTime;
use crate::civil::MICROS_PER_DAY;

time_columns! {
    [] Timestamp => Timestamp, value, out => out.timestamp(micros(*value));
    [] Zoned => Timestamp, value, out => out.timestamp(micros(value.timestamp()));
    [] DateTime => Datetime, value, out => {
        out.datetime(days(value.date()) * MICROS_PER_DAY + micros_of_day(value.time()));
    };
    [] Date => Date, value, out => out.date(days(*value));
    [] Time => Time, value, out => out.time(micros_of_day(*value));
}

span_column! { SignedDuration, value => value.as_nanos() }

fn days(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_hours() / 24
}

fn micros_of_day(time: Time) -> i64 {
    let (hours, minutes) = (i64::from(time.hour()), i64::from(time.minute()));
    let seconds = hours * 3_600 + minutes * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond() / 1_000)
}

/// Floored; jiff's years end at 9999, which 64 bits hold.
fn micros(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_nanosecond().div_euclid(1_000)).unwrap_or(i64::MAX)
}

impl EventTime for Timestamp {
    fn event_time(&self) -> Option<SystemTime> {
        system_time(self.as_nanosecond())
    }
}

impl EventTime for Zoned {
    fn event_time(&self) -> Option<SystemTime> {
        self.timestamp().event_time()
    }
}

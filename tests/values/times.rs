//! Moments, days and spans of the crates that have them, in the years 1 to 9999.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use proptest::prelude::*;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::parts::{instant, moment, often};

pub(crate) fn chrono() -> impl Strategy<Value = DateTime<Utc>> {
    instant().prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

pub(crate) fn chrono_zoned() -> impl Strategy<Value = DateTime<FixedOffset>> {
    (chrono(), -86_399..86_400)
        .prop_map(|(moment, offset)| moment.with_timezone(&FixedOffset::east_opt(offset).unwrap()))
}

pub(crate) fn offset() -> impl Strategy<Value = OffsetDateTime> {
    (moment(), -23..=23_i8).prop_map(|(moment, hours)| {
        let utc = OffsetDateTime::from(moment);
        let offset = UtcOffset::from_hms(hours, 0, 0).unwrap();
        utc.checked_to_offset(offset).unwrap_or(utc)
    })
}

pub(crate) fn primitive() -> impl Strategy<Value = PrimitiveDateTime> {
    moment().prop_map(|moment| {
        let utc = OffsetDateTime::from(moment);
        PrimitiveDateTime::new(utc.date(), utc.time())
    })
}

/// jiff ends a day before the year does, for the sake of zones.
pub(crate) fn jiff() -> impl Strategy<Value = Timestamp> {
    moment().prop_map(|moment| Timestamp::try_from(moment).unwrap_or(Timestamp::MAX))
}

pub(crate) fn jiff_zoned() -> impl Strategy<Value = Zoned> {
    (jiff(), -20..=20_i8)
        .prop_map(|(moment, hours)| moment.to_zoned(TimeZone::fixed(Offset::constant(hours))))
}

pub(crate) fn civil() -> impl Strategy<Value = jiff::civil::DateTime> {
    instant().prop_map(|(seconds, nanos)| {
        let since = SignedDuration::from_secs(seconds)
            + Duration::from_nanos(nanos.into()).try_into().unwrap();
        jiff::civil::date(1970, 1, 1)
            .at(0, 0, 0, 0)
            .checked_add(since)
            .unwrap()
    })
}

/// Any INTEGER of microseconds.
pub(crate) fn micros() -> BoxedStrategy<i64> {
    often([i64::MIN, i64::MAX, 0, -1], any::<i64>())
}

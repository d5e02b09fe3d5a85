//! `chrono`, `time`, `jiff`: each by its own formatting.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use logeater_schema::{Column, ColumnType, EventTime, JsonWriter, Span};
use proptest::prelude::*;
use time::format_description::BorrowedFormatItem;
use time::{OffsetDateTime, PrimitiveDateTime, UtcDateTime, UtcOffset};

use crate::written;

const NANOS: std::ops::Range<u32> = 0..1_000_000_000;

/// Seconds of the years 1 to 9999, and a little beyond.
const SECONDS: std::ops::Range<i64> = -62_200_000_000..253_500_000_000;

fn is_valid(seconds: i64) -> bool {
    (-62_135_596_800..253_402_300_800).contains(&seconds)
}

fn description(text: &str) -> Vec<BorrowedFormatItem<'_>> {
    time::format_description::parse_borrowed::<2>(text).expect("a description")
}

fn expect(json: Result<String, String>, text: &str, valid: bool) -> Result<(), TestCaseError> {
    if valid {
        prop_assert_eq!(json, Ok(format!("\"{text}\"")));
    } else {
        prop_assert!(json.is_err_and(|reason| reason.contains("in the years 1 to 9999")));
    }
    Ok(())
}

proptest! {
    #[test]
    fn chronos_moments_and_days_are_as_chrono_formats_them(seconds in SECONDS, nanos in NANOS, offset in -86_399..86_400) {
        let utc = DateTime::from_timestamp(seconds, nanos).expect("in range");
        let zoned = utc.with_timezone(&FixedOffset::east_opt(offset).expect("in range"));
        let valid = is_valid(seconds);
        let text = utc.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        expect(written(&utc), &text, valid)?;
        expect(written(&zoned), &text, valid)?;
        let naive = utc.naive_utc();
        expect(written(&naive), &naive.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(), valid)?;
        expect(written(&naive.date()), &naive.date().format("%Y-%m-%d").to_string(), valid)?;
        expect(written(&naive.time()), &naive.time().format("%H:%M:%S%.6f").to_string(), true)?;
        prop_assert_eq!(zoned.event_time(), Some(SystemTime::from(utc)));
    }

    #[test]
    fn times_moments_and_days_are_as_time_formats_them(seconds in SECONDS, nanos in NANOS, hours in -23..=23_i8) {
        let Ok(utc) = OffsetDateTime::from_unix_timestamp(seconds) else { return Ok(()) };
        let utc = utc.replace_nanosecond(nanos).expect("in range");
        let offset = UtcOffset::from_hms(hours, 0, 0).expect("in range");
        let valid = is_valid(seconds);
        let moment = description("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
        let civil = description("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");
        let day = description("[year]-[month]-[day]");
        let clock = description("[hour]:[minute]:[second].[subsecond digits:6]");
        let text = utc.format(&moment).expect("text");
        expect(written(&utc), &text, valid)?;
        if let Some(zoned) = utc.checked_to_offset(offset) {
            expect(written(&zoned), &text, valid)?;
        }
        expect(written(&UtcDateTime::from(utc)), &text, valid)?;
        expect(written(&time::Timestamp::from(utc)), &text, valid)?;
        let naive = PrimitiveDateTime::new(utc.date(), utc.time());
        expect(written(&naive), &naive.format(&civil).expect("text"), valid)?;
        expect(written(&utc.date()), &utc.date().format(&day).expect("text"), valid)?;
        expect(written(&utc.time()), &utc.time().format(&clock).expect("text"), true)?;
        let moment = DateTime::from_timestamp(seconds, nanos).expect("in range");
        prop_assert_eq!(utc.event_time(), Some(SystemTime::from(moment)));
        prop_assert_eq!(UtcDateTime::from(utc).event_time(), utc.event_time());
        prop_assert_eq!(time::Timestamp::from(utc).event_time(), utc.event_time());
    }

    #[test]
    fn jiffs_moments_and_days_are_as_jiff_formats_them(seconds in SECONDS, nanos in NANOS) {
        let whole = Timestamp::from_second(seconds);
        let Ok(moment) = whole.and_then(|whole| whole.checked_add(Duration::from_nanos(nanos.into()))) else {
            return Ok(());
        };
        let valid = is_valid(seconds);
        let zoned = moment.to_zoned(TimeZone::fixed(jiff::tz::offset(-3)));
        let text = moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        expect(written(&moment), &text, valid)?;
        expect(written(&zoned), &text, valid)?;
        let civil = moment.to_zoned(TimeZone::UTC).datetime();
        expect(written(&civil), &civil.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string(), valid)?;
        expect(written(&civil.date()), &civil.date().strftime("%Y-%m-%d").to_string(), valid)?;
        expect(written(&civil.time()), &civil.time().strftime("%H:%M:%S.%6f").to_string(), true)?;
        prop_assert_eq!(zoned.event_time(), Some(SystemTime::from(moment)));
    }

    #[test]
    fn spans_are_floored_to_their_unit(seconds in -9_000_000_000_i64..9_000_000_000, nanos in NANOS) {
        let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let chronos = TimeDelta::new(seconds, nanos).expect("in range");
        let times = time::Duration::seconds(seconds) + Duration::from_nanos(nanos.into());
        let jiffs = SignedDuration::new(seconds, 0) + SignedDuration::from_nanos(nanos.into());
        let micros = Ok(total.div_euclid(1_000).to_string());
        prop_assert_eq!(written(&chronos), micros.clone());
        prop_assert_eq!(written(&times), micros.clone());
        prop_assert_eq!(written(&jiffs), micros);
        let seconds = total.div_euclid(1_000_000_000).to_string();
        prop_assert_eq!(in_seconds(&chronos), seconds.clone());
        prop_assert_eq!(in_seconds(&times), seconds.clone());
        prop_assert_eq!(in_seconds(&jiffs), seconds);
    }
}

fn in_seconds(span: &impl Span) -> String {
    let mut out = Vec::new();
    span.write_in(1_000_000_000, &mut JsonWriter::new(&mut out));
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn a_leap_second_counts_as_the_end_of_the_second_before_it() {
    let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).expect("a leap second");
    assert_eq!(written(&leap).as_deref(), Ok("\"23:59:59.999999\""));
    let day = NaiveDate::from_ymd_opt(2016, 12, 31).expect("a day");
    let moment = day.and_time(leap).and_utc();
    assert_eq!(
        written(&moment).as_deref(),
        Ok("\"2016-12-31T23:59:59.999999Z\"")
    );
}

#[test]
fn the_furthest_values_of_each_crate_are_refused_without_a_panic() {
    for refused in [
        written(&DateTime::<Utc>::MAX_UTC),
        written(&DateTime::<Utc>::MIN_UTC),
        written(&NaiveDateTime::MAX),
        written(&NaiveDate::MIN),
        written(&UtcDateTime::MIN),
        written(&time::Date::MIN),
        written(&jiff::civil::DateTime::MIN),
        written(&jiff::civil::Date::MIN),
        written(&Timestamp::MIN),
        written(&SignedDuration::MAX),
        written(&time::Duration::MIN),
        written(&TimeDelta::MAX),
    ] {
        assert!(refused.is_err(), "{refused:?}");
    }
    assert_eq!(
        written(&jiff::civil::DateTime::MAX).as_deref(),
        Ok("\"9999-12-31T23:59:59.999999\"")
    );
}

#[test]
fn times_are_columns_of_their_types() {
    assert_eq!(
        [
            DateTime::<Utc>::TYPE,
            NaiveDateTime::TYPE,
            NaiveDate::TYPE,
            NaiveTime::TYPE,
            TimeDelta::TYPE
        ],
        [
            ColumnType::Timestamp,
            ColumnType::Datetime,
            ColumnType::Date,
            ColumnType::Time,
            ColumnType::Integer
        ]
    );
    assert_eq!(TimeDelta::DESCRIPTION, "In microseconds.");
}

//! Which unit a timestamp is in, and what text is a time. No clock.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::civil::{self, Date, DateTime, Time};

/// The store's text of a moment: `2026-01-31T12:00:00.000000Z`.
pub(crate) type MomentText = [u8; 27];

/// Timestamps below this, whatever their sign, are seconds: until the year 5138.
const SECONDS_END: u64 = 100_000_000_000;
/// Timestamps below this are milliseconds: from 1973 if they are not seconds.
const MILLIS_END: u64 = 100_000_000_000_000;
/// Timestamps below this are microseconds; all others are nanoseconds.
const MICROS_END: u64 = 100_000_000_000_000_000;

/// What BigQuery's DATE, DATETIME and TIMESTAMP can hold:
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#timestamp_type>.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9999;

/// What timestamps count from. Sums are civil, because jiff's own timestamps end a day before the year 9999.
const EPOCH: DateTime = civil::datetime(1970, 1, 1, 0, 0, 0, 0);

/// Microseconds since the Unix epoch of a timestamp in seconds, milli-, micro- or nanoseconds.
///
/// The contract does not say the unit, so its magnitude tells. Rounds down.
pub(crate) fn micros(timestamp: i64) -> i64 {
    match timestamp.unsigned_abs() {
        0..SECONDS_END => timestamp * 1_000_000,
        SECONDS_END..MILLIS_END => timestamp * 1_000,
        MILLIS_END..MICROS_END => timestamp,
        MICROS_END.. => timestamp.div_euclid(1_000),
    }
}

/// The text of a moment in microseconds since the Unix epoch; `None` outside of the years 1 to 9999.
pub(crate) fn moment_text(micros: i64) -> Option<MomentText> {
    let utc = EPOCH
        .checked_add(SignedDuration::from_micros(micros))
        .ok()?;
    utc_text(utc)
}

fn utc_text(utc: DateTime) -> Option<MomentText> {
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    write_date(&mut text, utc.date())?;
    write_time(&mut text[11..], utc.time());
    Some(text)
}

/// A TIMESTAMP from RFC 3339 text of any offset, in UTC and rounded down to microseconds.
pub(crate) fn timestamp(text: &str) -> Option<Cow<'_, str>> {
    if let Some(civil) = text.strip_suffix(['Z', 'z']) {
        return datetime(civil).map(|kept| match kept {
            Cow::Borrowed(_) if text.ends_with('Z') => Cow::Borrowed(text),
            kept => Cow::Owned(kept.into_owned() + "Z"),
        });
    }
    let (civil, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let utc = parse_datetime(civil)?
        .checked_sub(parse_offset(offset)?)
        .ok()?;
    canonical(text, &utc_text(utc)?)
}

/// `+HH:MM` or `-HH:MM`, as what local time is ahead of UTC.
fn parse_offset(text: &str) -> Option<SignedDuration> {
    let (sign, clock) = text.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    if !is_shaped(clock, b"00:00") || hours > "23" || minutes > "59" {
        return None;
    }
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    match sign {
        "+" => Some(SignedDuration::from_mins(minutes)),
        "-" => Some(SignedDuration::from_mins(-minutes)),
        _ => None,
    }
}

/// A DATETIME: `YYYY-MM-DD`, `T` or a space, `HH:MM:SS` and up to nine digits more.
pub(crate) fn datetime(text: &str) -> Option<Cow<'_, str>> {
    let parsed = parse_datetime(text)?;
    let mut found = *b"0000-00-00T00:00:00.000000";
    write_date(&mut found, parsed.date())?;
    write_time(&mut found[11..], parsed.time());
    canonical(text, &found)
}

fn parse_datetime(text: &str) -> Option<DateTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let is_datetime = is_shaped(date, b"0000-00-00") && is_clock(clock);
    is_datetime.then(|| text.parse().ok())?
}

/// A DATE: `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Option<&str> {
    let parsed: Date = is_shaped(text, b"0000-00-00").then(|| text.parse().ok())??;
    YEARS.contains(&parsed.year()).then_some(text)
}

/// Days since the Unix epoch of a day in the store's form.
#[cfg(feature = "bigquery")]
pub(crate) fn days(text: &str) -> Option<i32> {
    let day: Date = text.parse().ok()?;
    let since = day.duration_since(EPOCH.date());
    i32::try_from(since.as_hours() / 24).ok()
}

/// Microseconds since the Unix epoch of a moment in the store's form.
#[cfg(feature = "bigquery")]
pub(crate) fn moment(text: &str) -> Option<i64> {
    let utc = parse_datetime(text.strip_suffix('Z')?)?;
    i64::try_from(utc.duration_since(EPOCH).as_micros()).ok()
}

/// A TIME: `HH:MM:SS` and up to nine digits more.
pub(crate) fn time(text: &str) -> Option<Cow<'_, str>> {
    let parsed: Time = is_clock(text).then(|| text.parse().ok())??;
    let mut found = *b"00:00:00.000000";
    write_time(&mut found, parsed);
    canonical(text, &found)
}

/// The text itself where it is in the store's form already.
fn canonical<'a>(text: &'a str, form: &[u8]) -> Option<Cow<'a, str>> {
    if text.as_bytes() == form {
        return Some(Cow::Borrowed(text));
    }
    str::from_utf8(form)
        .ok()
        .map(|form| Cow::Owned(form.to_owned()))
}

fn is_clock(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    // A leap second is no time that a warehouse keeps.
    is_shaped(clock, b"00:00:00")
        && !clock.ends_with("60")
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` has a digit wherever `shape` has a `0`, and the same bytes elsewhere.
fn is_shaped(text: &str, shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, &want)| {
            if want == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == want
            }
        })
}

fn write_date(out: &mut [u8], date: Date) -> Option<()> {
    if !YEARS.contains(&date.year()) {
        return None;
    }
    write_digits(&mut out[..4], date.year().unsigned_abs().into());
    write_digits(&mut out[5..7], date.month().unsigned_abs().into());
    write_digits(&mut out[8..10], date.day().unsigned_abs().into());
    Some(())
}

fn write_time(out: &mut [u8], time: Time) {
    write_digits(&mut out[..2], time.hour().unsigned_abs().into());
    write_digits(&mut out[3..5], time.minute().unsigned_abs().into());
    write_digits(&mut out[6..8], time.second().unsigned_abs().into());
    write_digits(
        &mut out[9..15],
        time.subsec_nanosecond().unsigned_abs() / 1_000,
    );
}

fn write_digits(place: &mut [u8], mut value: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[(value % 10) as usize];
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(timestamp: i64) -> Option<String> {
        moment_text(micros(timestamp)).map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn the_same_moment_in_four_units_is_the_same_text() {
        for timestamp in [
            1_769_860_800,
            1_769_860_800_000,
            1_769_860_800_000_000,
            1_769_860_800_000_000_000,
        ] {
            assert_eq!(
                text_of(timestamp).as_deref(),
                Some("2026-01-31T12:00:00.000000Z"),
                "{timestamp}"
            );
        }
    }

    #[test]
    fn the_unit_changes_exactly_at_its_magnitude() {
        assert_eq!(
            text_of(99_999_999_999).as_deref(),
            Some("5138-11-16T09:46:39.000000Z")
        );
        assert_eq!(
            text_of(100_000_000_000).as_deref(),
            Some("1973-03-03T09:46:40.000000Z")
        );
        assert_eq!(
            text_of(99_999_999_999_999).as_deref(),
            Some("5138-11-16T09:46:39.999000Z")
        );
        assert_eq!(
            text_of(100_000_000_000_000).as_deref(),
            Some("1973-03-03T09:46:40.000000Z")
        );
        assert_eq!(
            text_of(99_999_999_999_999_999).as_deref(),
            Some("5138-11-16T09:46:39.999999Z")
        );
        assert_eq!(
            text_of(100_000_000_000_000_000).as_deref(),
            Some("1973-03-03T09:46:40.000000Z")
        );
    }

    #[test]
    fn nanoseconds_before_the_epoch_round_down() {
        assert_eq!(
            text_of(-100_000_000_000_000_001).as_deref(),
            Some("1966-10-31T14:13:19.999999Z")
        );
    }

    #[test]
    fn the_years_1_to_9999_are_kept_and_no_others() {
        assert_eq!(
            text_of(-62_135_596_800).as_deref(),
            Some("0001-01-01T00:00:00.000000Z")
        );
        assert_eq!(text_of(-62_135_596_801), None);
        assert_eq!(
            moment_text(253_402_300_799_999_999).as_ref(),
            Some(b"9999-12-31T23:59:59.999999Z")
        );
        assert_eq!(moment_text(253_402_300_800_000_000), None);
        assert!(
            text_of(i64::MIN).is_some() && text_of(i64::MAX).is_some(),
            "nanoseconds of 1677 and 2262"
        );
    }

    #[test]
    fn a_timestamp_is_kept_in_utc_with_six_digits() {
        for (sent, kept) in [
            ("2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            (
                "2026-01-31T13:00:00.1234567+01:00",
                "2026-01-31T12:00:00.123456Z",
            ),
            (
                "1969-12-31T23:59:59.9999999Z",
                "1969-12-31T23:59:59.999999Z",
            ),
        ] {
            assert_eq!(timestamp(sent).as_deref(), Some(kept), "{sent}");
        }
        for sent in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-30T12:00:00Z",
            "0000-12-31T12:00:00Z",
            "soon",
        ] {
            assert_eq!(timestamp(sent), None, "{sent}");
        }
    }

    #[cfg(feature = "bigquery")]
    #[test]
    fn a_day_and_a_moment_count_from_the_epoch() {
        for (text, count) in [
            ("0001-01-01", -719_162),
            ("1969-12-31", -1),
            ("1970-01-01", 0),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(days(text), Some(count), "{text}");
        }
        for (text, micros) in [
            ("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2026-01-31T12:00:00.000001Z", 1_769_860_800_000_001),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ] {
            assert_eq!(moment(text), Some(micros), "{text}");
        }
        assert_eq!((days("soon"), moment("2026-01-31")), (None, None));
    }

    #[test]
    fn civil_times_have_no_zone() {
        assert_eq!(date("2024-02-29"), Some("2024-02-29"));
        assert_eq!(time("23:59:59").as_deref(), Some("23:59:59.000000"));
        assert_eq!(
            datetime("2026-01-31 12:00:00.5").as_deref(),
            Some("2026-01-31T12:00:00.500000")
        );
        for sent in [
            "2023-02-29",
            "20240229",
            "2024-2-29",
            "0000-01-01",
            "2024-02-29T00:00:00",
            "２０２４-02-29",
        ] {
            assert_eq!(date(sent), None, "{sent}");
        }
        for sent in [
            "24:00:00",
            "12:00",
            "12:00:00.",
            "12:00:00.1234567890",
            "12:00:00Z",
        ] {
            assert_eq!(time(sent), None, "{sent}");
        }
        for sent in [
            "2026-01-31",
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00+01:00",
            "2026-01-3é T12:00:00",
        ] {
            assert_eq!(datetime(sent), None, "{sent}");
        }
    }
}

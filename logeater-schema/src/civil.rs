//! The calendar: a count of microseconds as a day and a time in UTC.

use std::ops::RangeInclusive;

/// BigQuery's TIMESTAMP: from 0001-01-01 to the last microsecond of 9999-12-31, since the Unix epoch.
///
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#timestamp_type>
pub(crate) const TIMESTAMP_MICROS: RangeInclusive<i64> =
    -62_135_596_800_000_000..=253_402_300_799_999_999;

const DIGITS: &[u8; 10] = b"0123456789";

pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The days of [`TIMESTAMP_MICROS`].
pub(crate) const DATE_DAYS: RangeInclusive<i64> = -719_162..=2_932_896;

/// The microseconds of a day.
pub(crate) const TIME_MICROS: RangeInclusive<i64> = 0..=MICROS_PER_DAY - 1;

/// Appends `"2026-01-31T12:00:00.000000Z"` for a count within [`TIMESTAMP_MICROS`].
pub(crate) fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    out.extend_from_slice(&moment(micros));
}

/// Appends `"2026-01-31T12:00:00.000000"` for a count within [`TIMESTAMP_MICROS`].
pub(crate) fn write_datetime(out: &mut Vec<u8>, micros: i64) {
    out.extend_from_slice(&moment(micros)[..27]);
    out.push(b'"');
}

/// Appends `"2026-01-31"` for a count within [`DATE_DAYS`].
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    out.extend_from_slice(&moment(days * MICROS_PER_DAY)[..11]);
    out.push(b'"');
}

/// Appends `"12:00:00.000000"` for a count within [`TIME_MICROS`].
pub(crate) fn write_time(out: &mut Vec<u8>, micros: i64) {
    out.push(b'"');
    out.extend_from_slice(&moment(micros)[12..27]);
    out.push(b'"');
}

#[inline]
fn moment(micros: i64) -> [u8; 29] {
    let (year, month, day) = civil_date(micros.div_euclid(MICROS_PER_DAY));
    let time = micros.rem_euclid(MICROS_PER_DAY);
    let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
    digits(&mut text[1..5], year);
    digits(&mut text[6..8], month);
    digits(&mut text[9..11], day);
    digits(&mut text[12..14], time / 3_600_000_000);
    digits(&mut text[15..17], time / 60_000_000 % 60);
    digits(&mut text[18..20], time / 1_000_000 % 60);
    digits(&mut text[21..27], time % 1_000_000);
    text
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
///
/// Years begin in March and come in eras of 400, so that leap days fall on the end of each cycle:
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil_date(days_since_epoch: i64) -> (i64, i64, i64) {
    let days = days_since_epoch + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn digits(place: &mut [u8], mut value: i64) {
    for digit in place.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(value % 10).unwrap_or(0)];
        value /= 10;
    }
}

//! The values of each type, in the form that they have on the wire.
//!
//! <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types>

use super::json::Json;
use super::schema::Type;

/// 2^255 units of 10^-38: the end of a BIGNUMERIC, whose greatest value is a unit less.
const BIGNUMERIC_END: [&str; 2] = [
    "578960446186580977117854925043439539266",
    "34992332820282019728792003956564819968",
];

/// Why a value is not one of this type, which is neither a RECORD nor JSON.
pub(super) fn problem(column_type: &Type, value: &Json) -> Option<String> {
    let fits = match (column_type, value) {
        (Type::Integer, Json::Integer(number)) => i64::try_from(*number).is_ok(),
        (Type::Float, Json::Integer(_)) | (Type::Boolean, Json::Boolean(_)) => true,
        (Type::Float, Json::Float(number)) => number.is_finite(),
        (Type::Float, Json::Text(text)) => {
            matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity")
        }
        (Type::Numeric { whole, fraction }, Json::Text(text)) => {
            Decimal::parse(text).is_some_and(|decimal| decimal.has_at_most(*whole, *fraction))
        }
        (Type::BigNumeric { whole, fraction }, Json::Text(text)) => Decimal::parse(text)
            .is_some_and(|decimal| {
                decimal.has_at_most(*whole, *fraction) && decimal.is_bignumeric()
            }),
        (Type::String { max }, Json::Text(text)) => text.chars().count() as u64 <= *max,
        (Type::Bytes { max }, Json::Text(text)) => {
            base64_length(text).is_some_and(|length| length <= *max)
        }
        (Type::Date, Json::Text(text)) => is_date(text),
        (Type::Time, Json::Text(text)) => is_time(text),
        (Type::Datetime, Json::Text(text)) => is_datetime(text),
        (Type::Timestamp, Json::Text(text)) => text.strip_suffix('Z').is_some_and(is_datetime),
        _ => false,
    };
    (!fits).then(|| format!("not a {column_type:?}"))
}

/// A decimal's digits before and behind the point, without the zeros that say nothing.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(halves) => halves,
            None => (digits, ""),
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let valid = !whole.is_empty() && are_digits(whole) && are_digits(fraction);
        valid.then(|| Self {
            negative: text.starts_with('-'),
            whole: whole.trim_start_matches('0'),
            fraction: fraction.trim_end_matches('0'),
        })
    }

    fn has_at_most(&self, whole: usize, fraction: usize) -> bool {
        self.whole.len() <= whole && self.fraction.len() <= fraction
    }

    /// For one of at most 39 digits before the point and 38 behind it.
    fn is_bignumeric(&self) -> bool {
        let [whole, fraction] = BIGNUMERIC_END;
        let ours = format!("{:0>39}{:0<38}", self.whole, self.fraction);
        let end = format!("{whole}{fraction}");
        ours < end || (self.negative && ours == end)
    }
}

/// How many bytes padded base64 of the standard alphabet stands for; `None` if it is not that, or if bits that
/// stand for nothing are set.
fn base64_length(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let values: Option<Vec<u8>> = digits.bytes().map(base64_value).collect();
    let last = *values?.last().unwrap_or(&0);
    let (bytes, unused_bits) = match (text.len() % 4, padding) {
        (0, 0) => (text.len() / 4 * 3, 0),
        (0, 1) => (text.len() / 4 * 3 - 1, 0b11),
        (0, 2) => (text.len() / 4 * 3 - 2, 0b1111),
        _ => return None,
    };
    (last & unused_bits == 0).then_some(bytes as u64)
}

fn base64_value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn is_datetime(text: &str) -> bool {
    text.split_once('T')
        .is_some_and(|(date, time)| is_date(date) && is_time(time))
}

/// `YYYY-MM-DD`, a day of the years 1 to 9999 that the calendar has.
fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, "dddd-dd-dd") else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    year >= 1 && (1..=days).contains(&day)
}

/// `HH:MM:SS.ffffff`, before midnight and without leap seconds.
fn is_time(text: &str) -> bool {
    numbers(text, "dd:dd:dd.dddddd")
        .is_some_and(|[hour, minute, second, _]| hour < 24 && minute < 60 && second < 60)
}

/// The numbers of a text that has a digit wherever the form has a `d`, and the form's own byte elsewhere.
fn numbers<const N: usize>(text: &str, form: &str) -> Option<[u32; N]> {
    let fits = |(byte, form): (u8, u8)| match form {
        b'd' => byte.is_ascii_digit(),
        own => byte == own,
    };
    if text.len() != form.len() || !text.bytes().zip(form.bytes()).all(fits) {
        return None;
    }
    let numbers: Vec<u32> = text
        .split(|character: char| !character.is_ascii_digit())
        .map(|digits| digits.parse().ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}

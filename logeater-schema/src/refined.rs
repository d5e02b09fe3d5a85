//! Columns that hold less than their type does: what the options `max_length`, `numeric` and `int64` make.
//!
//! Each looks at the JSON that its inner column has written, so that it holds for every type which becomes
//! such a column. A value beyond the limit is reported, and never cut.

use std::borrow::Cow;

use crate::{Column, ColumnType, FieldSchema, JsonWriter, Limits, Many, Mode, Shape};

/// Lets a column be declared that is held to less than its type.
///
/// # Panics
///
/// With `problem`, the column's [`PROBLEM`](Column::PROBLEM), if it has one.
#[must_use]
pub const fn refined(column: FieldSchema, problem: Option<&'static str>) -> FieldSchema {
    match problem {
        None => column,
        Some(problem) => panic!("{}", problem),
    }
}

/// A STRING of at most `MAX` code points, or BYTES of at most `MAX` bytes.
#[derive(Debug)]
pub struct MaxLength<T: ?Sized, const MAX: u64>(pub T);

impl<T: Column + ?Sized, const MAX: u64> Column for MaxLength<T, MAX> {
    type Shape = T::Shape;
    type List = Many;
    const TYPE: ColumnType = T::TYPE;
    const FIELDS: &'static [FieldSchema] = T::FIELDS;
    const DESCRIPTION: &'static str = T::DESCRIPTION;
    const LIMITS: Limits = Limits::max_length(MAX);
    const PROBLEM: Option<&'static str> = match T::TYPE {
        ColumnType::String | ColumnType::Bytes => None,
        _ => Some("`max_length` is for text and bytes: remove it"),
    };

    fn write(&self, out: &mut JsonWriter<'_>) {
        let start = out.position();
        self.0.write(out);
        let length = match T::TYPE {
            ColumnType::Bytes => byte_count,
            _ => char_count,
        };
        let too_long = texts(out.since(start))
            .map(length)
            .find(|&length| length > MAX);
        if let Some(length) = too_long {
            let unit = match T::TYPE {
                ColumnType::Bytes => "bytes",
                _ => "characters",
            };
            out.rewind(start);
            out.invalid(format!(
                "{length} {unit} are more than its `max_length` of {MAX}"
            ));
        }
    }

    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }
}

/// A NUMERIC or BIGNUMERIC of at most `PRECISION` digits, `SCALE` of them behind the point.
#[derive(Debug)]
pub struct Digits<T: ?Sized, const PRECISION: u32, const SCALE: u32>(pub T);

impl<T: Column + ?Sized, const PRECISION: u32, const SCALE: u32> Column
    for Digits<T, PRECISION, SCALE>
{
    type Shape = T::Shape;
    type List = Many;
    const TYPE: ColumnType = T::TYPE;
    const FIELDS: &'static [FieldSchema] = T::FIELDS;
    const DESCRIPTION: &'static str = T::DESCRIPTION;
    const LIMITS: Limits = Limits::numeric(PRECISION, SCALE);
    // <https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema>
    const PROBLEM: Option<&'static str> = match (T::TYPE, PRECISION.saturating_sub(SCALE), SCALE) {
        (ColumnType::Numeric, 1..=29, 0..=9) | (ColumnType::BigNumeric, 1..=38, 0..=38) => None,
        (ColumnType::Numeric, ..) => Some(
            "a NUMERIC has 1 to 29 digits before the point and at most 9 behind it: write such a `numeric(precision, scale)`",
        ),
        (ColumnType::BigNumeric, ..) => Some(
            "a BIGNUMERIC has 1 to 38 digits before the point and at most 38 behind it: write such a `numeric(precision, scale)`",
        ),
        _ => Some("`numeric` is for decimals, u64, usize, i128 and u128: remove it"),
    };

    fn write(&self, out: &mut JsonWriter<'_>) {
        let start = out.position();
        self.0.write(out);
        let rounded: Vec<_> = texts(out.since(start))
            .map(|text| rounded(text, SCALE))
            .collect();
        if let Some(large) = rounded
            .iter()
            .find(|text| whole_digits(text) > (PRECISION - SCALE) as usize)
        {
            let reason = format!(
                "{large} does not fit {}({PRECISION}, {SCALE})",
                T::TYPE.name()
            );
            out.rewind(start);
            return out.invalid(reason);
        }
        if rounded.iter().any(|text| matches!(text, Cow::Owned(_))) {
            let rounded: Vec<_> = rounded.into_iter().map(Cow::into_owned).collect();
            out.rewind(start);
            rewrite::<T, _>(rounded, |text, out| out.string(&text), out);
        }
    }

    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }
}

/// An INTEGER of what would be a NUMERIC, since it may be beyond 63 bits.
#[derive(Debug)]
pub struct Int64<T: ?Sized>(pub T);

impl<T: Column + ?Sized> Column for Int64<T> {
    type Shape = T::Shape;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Integer;
    const DESCRIPTION: &'static str = T::DESCRIPTION;
    const PROBLEM: Option<&'static str> = match T::TYPE {
        ColumnType::Numeric | ColumnType::BigNumeric => None,
        _ => Some(
            "`int64` is for u64, usize, i128 and u128, which are no INTEGER without it: remove it",
        ),
    };

    fn write(&self, out: &mut JsonWriter<'_>) {
        let start = out.position();
        self.0.write(out);
        if T::Shape::MODE != Mode::Repeated {
            let value = texts(out.since(start)).next().map(parse);
            return match value {
                Some(Ok(value)) => {
                    out.rewind(start);
                    out.integer(value);
                }
                Some(Err(text)) => too_large(&text, start, out),
                None => {}
            };
        }
        match texts(out.since(start))
            .map(parse)
            .collect::<Result<Vec<_>, _>>()
        {
            Ok(values) => {
                out.rewind(start);
                out.elements(values, |value, out| out.integer(value));
            }
            Err(text) => too_large(&text, start, out),
        }
    }

    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }
}

fn parse(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| text.to_owned())
}

#[cold]
fn too_large(text: &str, start: usize, out: &mut JsonWriter<'_>) {
    out.rewind(start);
    out.invalid(format!(
        "{text} does not fit an INTEGER, which ends at {}: without `int64` it is a NUMERIC",
        i64::MAX
    ));
}

/// Writes one value or a list of them, as `C` does.
fn rewrite<C: Column + ?Sized, T>(
    values: Vec<T>,
    write: impl Fn(T, &mut JsonWriter<'_>),
    out: &mut JsonWriter<'_>,
) {
    if C::Shape::MODE == Mode::Repeated {
        return out.elements(values, write);
    }
    for value in values {
        write(value, out);
    }
}

/// The insides of the strings in a string or a list of strings.
fn texts(json: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let begin = rest.iter().position(|&byte| byte == b'"')? + 1;
        let mut end = begin;
        while *rest.get(end)? != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        let text = &rest[begin..end];
        rest = &rest[end + 1..];
        str::from_utf8(text).ok()
    })
}

/// How many code points a JSON string has, each escape for one but for the second half of a pair.
fn char_count(json: &str) -> u64 {
    let (mut count, mut rest) = (0, json);
    while let Some(escape) = rest.find('\\') {
        let (plain, escaped) = rest.split_at(escape);
        count += plain.chars().count() as u64;
        let second_half = matches!(
            escaped.as_bytes(),
            [_, b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..]
        );
        count += u64::from(!second_half);
        let length = if escaped.as_bytes().get(1) == Some(&b'u') {
            6
        } else {
            2
        };
        rest = escaped.get(length..).unwrap_or_default();
    }
    count + rest.chars().count() as u64
}

/// How many bytes padded base64 stands for.
fn byte_count(base64: &str) -> u64 {
    let digits = base64.trim_end_matches('=').len() as u64;
    digits * 3 / 4
}

/// The decimal with at most `scale` digits behind the point, rounded half away from zero.
fn rounded(decimal: &str, scale: u32) -> Cow<'_, str> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let scale = scale as usize;
    if fraction.len() <= scale {
        return Cow::Borrowed(decimal);
    }
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let mut digits = format!("0{whole}{}", &fraction[..scale]).into_bytes();
    if fraction.as_bytes()[scale] >= b'5' {
        increment(&mut digits);
    }
    let digits = String::from_utf8(digits).unwrap_or_default();
    let sign = if digits.trim_start_matches('0').is_empty() {
        ""
    } else {
        sign
    };
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if scale == 0 { "" } else { "." };
    Cow::Owned(format!("{sign}{whole}{point}{fraction}"))
}

/// Adds one to digits, of which the first is a zero.
fn increment(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

fn whole_digits(decimal: &str) -> usize {
    let whole = decimal.split('.').next().unwrap_or_default();
    whole.trim_start_matches(['-', '0']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_half_away_from_zero() {
        for (decimal, scale, expected) in [
            ("1", 2, "1"),
            ("1.25", 2, "1.25"),
            ("1.245", 2, "1.25"),
            ("-1.245", 2, "-1.25"),
            ("1.2449", 2, "1.24"),
            ("9.995", 2, "10.00"),
            ("-0.5", 0, "-1"),
            ("0.4", 0, "0"),
            ("-0.004", 2, "0.00"),
            ("99.5", 0, "100"),
        ] {
            assert_eq!(rounded(decimal, scale), expected, "{decimal}");
        }
    }

    #[test]
    fn lengths_are_those_of_what_the_json_says() {
        assert_eq!(char_count("aä\u{1f600}\\n\\u0001\\\\x"), 7);
        assert_eq!(char_count("\\ud83d\\ude00"), 1);
        for (base64, bytes) in [("", 0), ("QQ==", 1), ("QUI=", 2), ("QUJD", 3)] {
            assert_eq!(byte_count(base64), bytes);
        }
        let all: Vec<_> = texts(br#"["a\"b","","c"]"#).collect();
        assert_eq!(all, ["a\\\"b", "", "c"]);
    }
}

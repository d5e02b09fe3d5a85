//! How serde is to write what the warehouse wants in another form than serde's: in other words than the code
//! under test has.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

pub(crate) fn as_text<S: Serializer>(
    value: &impl ToString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

pub(crate) fn float<T: Copy + Into<f64> + Serialize, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match (*value).into() {
        f64::INFINITY => serializer.serialize_str("Infinity"),
        f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
        wide if wide.is_nan() => serializer.serialize_str("NaN"),
        _ => value.serialize(serializer),
    }
}

pub(crate) fn micros<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(value.as_micros())
}

/// By another calendar than the code under test.
pub(crate) fn rfc3339<S: Serializer>(value: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let nanos = match value.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap(),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap(),
    };
    // jiff ends a day before the year does, for the sake of zones; its civil times do not.
    let (micros, epoch) = (nanos.div_euclid(1_000), jiff::civil::date(1970, 1, 1));
    let since = jiff::SignedDuration::from_micros(i64::try_from(micros).unwrap());
    let moment = epoch.at(0, 0, 0, 0).checked_add(since).unwrap();
    serializer.serialize_str(&moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

/// By the definition in RFC 4648, bit by bit.
pub(crate) fn base64<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let alphabet: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    let bits = value
        .iter()
        .fold(String::new(), |bits, byte| format!("{bits}{byte:08b}"));
    let sextets = bits
        .as_bytes()
        .chunks(6)
        .map(|bits| format!("{:0<6}", str::from_utf8(bits).unwrap()));
    let mut text: String = sextets
        .map(|bits| alphabet[usize::from_str_radix(&bits, 2).unwrap()])
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    serializer.serialize_str(&text)
}

pub(crate) fn key_value<S: Serializer>(
    value: &BTreeMap<String, i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        value
            .iter()
            .map(|(key, value)| serde_json::json!({ "key": key, "value": value })),
    )
}

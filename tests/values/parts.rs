//! What the strategies of all events are made of, with the ends of each range more often than chance has them.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use bigdecimal::BigDecimal;
use logeater_client::Column;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

/// A newtype.
#[derive(Clone, Debug, Column, Serialize)]
pub(crate) struct Sku(pub(crate) String);

/// An enum without data.
#[derive(Clone, Copy, Debug, Column, Serialize)]
pub(crate) enum State {
    Open,
    #[column(rename = "paid \"in\" full")]
    #[serde(rename = "paid \"in\" full")]
    Paid,
}

/// The seconds since the Unix epoch at which the years 1 to 9999 begin and end.
pub(crate) const SECONDS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;

/// One of the values at the edge, or another.
pub(crate) fn often<T: Clone + Debug + 'static>(
    edges: impl Into<Vec<T>>,
    others: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![1 => prop::sample::select(edges.into()), 2 => others].boxed()
}

/// Seconds since the Unix epoch in the years 1 to 9999, and nanoseconds.
pub(crate) fn instant() -> BoxedStrategy<(i64, u32)> {
    let (first, last) = (SECONDS.start, SECONDS.end - 1);
    let edges = [
        (first, 0),
        (first, 999),
        (last, 999_999_999),
        (0, 0),
        (-1, 999_999_999),
        (951_782_399, 1_000),
    ];
    often(edges, (SECONDS, 0..1_000_000_000_u32))
}

/// Any moment of the years 1 to 9999, to the nanosecond.
pub(crate) fn moment() -> impl Strategy<Value = SystemTime> {
    instant().prop_map(|(seconds, nanos)| {
        let magnitude = Duration::from_secs(seconds.unsigned_abs());
        let whole = if seconds < 0 {
            SystemTime::UNIX_EPOCH - magnitude
        } else {
            SystemTime::UNIX_EPOCH + magnitude
        };
        whole + Duration::from_nanos(nanos.into())
    })
}

pub(crate) fn text() -> BoxedStrategy<String> {
    let edges = ["", " ", "\u{0}", "null", "\u{10ffff}\u{ffff}\u{feff}"].map(str::to_owned);
    let others = prop_oneof![
        any::<String>(),
        "[\"\\\\/\\x00-\\x20\u{7f}-\u{a0}a\u{2028}\u{1f600}]{0,12}"
    ];
    often(edges, others)
}

/// Any value; `Value::Null` is no value at all.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 4 => present_json()]
}

/// Any value but `null`, which may be in it all the same.
pub(crate) fn present_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        often([i64::MIN, i64::MAX], any::<i64>()).prop_map(Value::from),
        often([f64::MIN, f64::MIN_POSITIVE], any::<f64>()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let inside = prop_oneof![1 => Just(Value::Null), 4 => inner];
        prop_oneof![
            vec(inside.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inside, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
    .prop_filter("null is no value", |value| !value.is_null())
}

pub(crate) fn state() -> impl Strategy<Value = State> + Clone {
    prop_oneof![Just(State::Open), Just(State::Paid)]
}

pub(crate) fn sku() -> impl Strategy<Value = Sku> {
    text().prop_map(Sku)
}

/// A `u64` that is an INTEGER.
pub(crate) fn int64() -> BoxedStrategy<u64> {
    const MAX: u64 = i64::MAX.cast_unsigned();
    often([0, MAX], 0..=MAX)
}

/// Any decimal, of which a NUMERIC has nine digits behind the point.
pub(crate) fn decimal() -> BoxedStrategy<Decimal> {
    let any = (any::<i64>(), 0..19_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale));
    often([Decimal::MIN, Decimal::MAX, Decimal::ZERO], any)
}

/// Any decimal with the digits that a BIGNUMERIC has.
pub(crate) fn big_decimal() -> BoxedStrategy<BigDecimal> {
    let any = (any::<i128>(), 0..=38_i64)
        .prop_map(|(units, scale)| BigDecimal::from_bigint(units.into(), scale));
    // The ends of the range, 2^255 units of 10^-38.
    let edges = [
        "-578960446186580977117854925043439539266.34992332820282019728792003956564819968",
        "578960446186580977117854925043439539266.34992332820282019728792003956564819967",
        "0.00000000000000000000000000000000000001",
    ];
    often(edges.map(|text| text.parse().unwrap()), any)
}

/// Spans that an INTEGER of microseconds holds.
pub(crate) fn span() -> BoxedStrategy<Duration> {
    const MAX: u64 = i64::MAX.cast_unsigned();
    let edges = [
        Duration::ZERO,
        Duration::from_nanos(999),
        Duration::from_micros(MAX),
    ];
    often(edges, (0..MAX).prop_map(Duration::from_micros))
}

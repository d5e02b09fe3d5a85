//! Each type in every place that a column has: alone, optional, repeated, in maps, in the data of enums, in a
//! RECORD, and flattened.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bigdecimal::BigDecimal;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use jiff::{SignedDuration, Timestamp, Zoned, civil};
use logeater_client::{Column, Event};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime, UtcDateTime};
use url::Url;
use uuid::Uuid;

use super::containers::{Place, place};
use super::parts::{
    Sku, State, big_decimal, decimal, moment, often, present_json, sku, span, state, text,
};
use super::times;

/// One type in every place.
#[derive(Clone, Debug, Column)]
pub(crate) struct Everywhere<T> {
    alone: T,
    maybe: Option<T>,
    many: Vec<T>,
    by_name: BTreeMap<String, T>,
    choice: Choice<T>,
    record: Inside<T>,
    #[column(flatten, prefix = "flat_")]
    flat: Option<Inside<T>>,
}

#[derive(Clone, Debug, Column)]
pub(crate) enum Choice<T> {
    Nothing,
    Alone(T),
    Named { value: T, several: Vec<T> },
}

#[derive(Clone, Debug, Column)]
pub(crate) struct Inside<T> {
    alone: T,
    maybe: Option<T>,
    many: Vec<T>,
}

/// The values of one type in every place; shared, since each of them is an arbitrary value of its own.
pub(crate) fn everywhere<T: Clone + Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Everywhere<T>> {
    let value = value.boxed();
    let several = || vec(value.clone(), 0..3);
    let inside = (value.clone(), option::of(value.clone()), several())
        .prop_map(|(alone, maybe, many)| Inside { alone, maybe, many })
        .boxed();
    let choice = prop_oneof![
        Just(Choice::Nothing),
        value.clone().prop_map(Choice::Alone),
        (value.clone(), several()).prop_map(|(value, several)| Choice::Named { value, several }),
    ];
    let by_name = btree_map("[a-z\"ß]{0,3}", value.clone(), 0..3);
    let alone = (value.clone(), option::of(value.clone()), several());
    (alone, by_name, choice, inside.clone(), option::of(inside))
        .prop_map(
            |((alone, maybe, many), by_name, choice, record, flat)| Everywhere {
                alone,
                maybe,
                many,
                by_name,
                choice,
                record,
                flat,
            },
        )
        .boxed()
}

/// An event with a field `Everywhere` of each type, and the strategy for it. A tuple of strategies has ten at
/// most, so the fields come in groups.
macro_rules! event {
    ($strategy:ident, $event:ident, $name:tt: $([$($field:ident: $rust:ty = $values:expr,)*])*) => {
        #[derive(Clone, Debug, Event)]
        #[event($name)]
        pub(crate) struct $event {
            $($($field: Everywhere<$rust>,)*)*
        }

        pub(crate) fn $strategy() -> impl Strategy<Value = $event> {
            ($(($(everywhere($values),)*),)*)
                .prop_map(|($(($($field,)*),)*)| $event { $($($field,)*)* })
        }
    };
}

event! { numbers, Numbers, "numbers.all":
    [
        boolean: bool = any::<bool>(),
        tiny: i8 = any::<i8>(),
        small: i16 = any::<i16>(),
        medium: i32 = any::<i32>(),
        large: i64 = often([i64::MIN, i64::MAX, 0], any::<i64>()),
        native: isize = often([isize::MIN, isize::MAX], any::<isize>()),
        byte: u8 = any::<u8>(),
        word: u16 = any::<u16>(),
        double: u32 = often([u32::MAX], any::<u32>()),
    ]
    [
        real: f64 = often([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324], prop::num::f64::ANY),
        short: f32 = often([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN, 1e-45], prop::num::f32::ANY),
        tiny_but_zero: NonZeroI8 = any::<NonZeroI8>(),
        small_but_zero: NonZeroI16 = any::<NonZeroI16>(),
        medium_but_zero: NonZeroI32 = any::<NonZeroI32>(),
        large_but_zero: NonZeroI64 = often([NonZeroI64::MIN], any::<NonZeroI64>()),
        native_but_zero: NonZeroIsize = any::<NonZeroIsize>(),
        byte_but_zero: NonZeroU8 = any::<NonZeroU8>(),
        word_but_zero: NonZeroU16 = any::<NonZeroU16>(),
        double_but_zero: NonZeroU32 = any::<NonZeroU32>(),
    ]
}

event! { wide_numbers, WideNumbers, "wide.all":
    [
        quad: u64 = often([0, u64::MAX], any::<u64>()),
        pointer: usize = often([0, usize::MAX], any::<usize>()),
        huge: i128 = often([i128::MIN, i128::MAX], any::<i128>()),
        vast: u128 = often([0, u128::MAX], any::<u128>()),
        quad_but_zero: NonZeroU64 = often([NonZeroU64::MAX], any::<NonZeroU64>()),
        pointer_but_zero: NonZeroUsize = any::<NonZeroUsize>(),
        huge_but_zero: NonZeroI128 = often([NonZeroI128::MIN], any::<NonZeroI128>()),
        vast_but_zero: NonZeroU128 = often([NonZeroU128::MAX], any::<NonZeroU128>()),
        decimal: Decimal = decimal(),
        big_decimal: BigDecimal = big_decimal(),
    ]
}

event! { texts, Texts, "texts.all":
    [
        letter: char = often(['\0', '"', '\u{10ffff}'], any::<char>()),
        text: String = text(),
        fixed: &'static str = prop_oneof![Just(""), Just("ä\"\\\u{1f600}")],
        boxed: Box<str> = text().prop_map(Into::into),
        shared: Arc<str> = text().prop_map(Into::into),
        counted: Rc<str> = text().prop_map(Into::into),
        borrowed: Cow<'static, str> = text().prop_map(Into::into),
    ]
    [
        address: IpAddr = any::<IpAddr>(),
        address4: Ipv4Addr = any::<Ipv4Addr>(),
        address6: Ipv6Addr = any::<Ipv6Addr>(),
        state: State = state(),
        sku: Sku = sku(),
        uuid: Uuid = often([Uuid::nil(), Uuid::max()], any::<u128>().prop_map(Uuid::from_u128)),
        url: Url = text().prop_map(|path| {
            let mut url = Url::parse("https://example.com").unwrap();
            url.set_path(&path);
            url
        }),
    ]
}

event! { things, Things, "things.all":
    [
        bytes: Vec<u8> = vec(any::<u8>(), 0..9),
        four: [u8; 4] = any::<[u8; 4]>(),
        cheap: Bytes = vec(any::<u8>(), 0..9).prop_map(Bytes::from),
        mutable: BytesMut = vec(any::<u8>(), 0..9).prop_map(|bytes| BytesMut::from(&bytes[..])),
        json: Value = present_json(),
        record: Place = place(),
    ]
}

event! { moments, Moments, "moments.all":
    [
        std: SystemTime = moment(),
        chrono: DateTime<Utc> = times::chrono(),
        chrono_zoned: DateTime<FixedOffset> = times::chrono_zoned(),
        time: OffsetDateTime = times::offset(),
        time_utc: UtcDateTime = times::offset().prop_map(UtcDateTime::from),
        time_stamp: time::Timestamp = times::offset().prop_map(time::Timestamp::from),
        jiff: Timestamp = times::jiff(),
        jiff_zoned: Zoned = times::jiff_zoned(),
    ]
}

event! { calendars, Calendars, "calendars.all":
    [
        chrono: NaiveDateTime = times::chrono().prop_map(|moment| moment.naive_utc()),
        time: PrimitiveDateTime = times::primitive(),
        jiff: civil::DateTime = times::civil(),
        chrono_day: NaiveDate = times::chrono().prop_map(|moment| moment.date_naive()),
        time_day: time::Date = times::primitive().prop_map(PrimitiveDateTime::date),
        jiff_day: civil::Date = times::civil().prop_map(civil::DateTime::date),
        chrono_clock: NaiveTime = times::chrono().prop_map(|moment| moment.time()),
        time_clock: time::Time = times::primitive().prop_map(PrimitiveDateTime::time),
        jiff_clock: civil::Time = times::civil().prop_map(civil::DateTime::time),
    ]
}

event! { spans, Spans, "spans.all":
    [
        std: Duration = span(),
        chrono: TimeDelta = times::micros().prop_map(TimeDelta::microseconds),
        time: time::Duration = times::micros().prop_map(time::Duration::microseconds),
        jiff: SignedDuration = times::micros().prop_map(SignedDuration::from_micros),
    ]
}

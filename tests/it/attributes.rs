//! Details of fields with attributes, of enums with data, and of other crates' types, against serde's writing.
//!
//! As in `details`, the warehouse's form is spelled out here in other words than in the code under test.

use std::time::{Duration, SystemTime};

use bigdecimal::BigDecimal;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use logeater_client::{Client, Column, Event};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::details::{as_text, base64, both, moment, rfc3339, text};

#[derive(Clone, Debug, Event, Serialize)]
#[event("attributes.all")]
struct Attributes {
    #[event(int64)]
    count: u64,
    #[event(int64)]
    counts: Vec<u64>,
    #[event(millis)]
    #[serde(serialize_with = "millis")]
    took: Duration,
    #[event(max_length = 12)]
    code: String,
    #[event(numeric(20))]
    #[serde(serialize_with = "as_text")]
    whole: u64,
    #[event(numeric(20, 2))]
    #[serde(serialize_with = "cents")]
    price: Decimal,
    #[event(flatten)]
    #[serde(flatten)]
    home: Home,
    #[event(flatten, prefix = "work_")]
    #[serde(flatten, serialize_with = "work")]
    work: Option<Home>,
    #[serde(serialize_with = "tagged")]
    payment: Payment,
    #[serde(serialize_with = "all_tagged")]
    payments: Vec<Payment>,
}

#[derive(Clone, Debug, Column, Serialize)]
struct Home {
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<u32>,
    #[serde(serialize_with = "all_tagged")]
    paid: Vec<Payment>,
}

#[derive(Clone, Debug, Column, Serialize)]
enum Payment {
    Cash,
    Card {
        number: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        holder: Option<String>,
    },
    Voucher(String),
    Account(Account),
}

#[derive(Clone, Debug, Column, Serialize)]
struct Account {
    iban: String,
}

#[derive(Clone, Debug, Event, Serialize)]
#[event("attributes.foreign")]
struct Foreign {
    #[serde(serialize_with = "as_text")]
    uuid: Uuid,
    #[serde(serialize_with = "as_text")]
    url: Url,
    #[serde(serialize_with = "base64")]
    bytes: Bytes,
    #[serde(serialize_with = "as_text")]
    decimal: Decimal,
    #[serde(serialize_with = "plain")]
    big_decimal: BigDecimal,
    #[serde(serialize_with = "chronos")]
    chrono: DateTime<Utc>,
    #[serde(serialize_with = "chronos_civil")]
    civil: NaiveDateTime,
    #[serde(serialize_with = "as_text")]
    day: NaiveDate,
    #[serde(serialize_with = "chronos_clock")]
    clock: NaiveTime,
    #[serde(serialize_with = "times")]
    time: time::OffsetDateTime,
    #[serde(serialize_with = "jiffs")]
    jiff: jiff::Timestamp,
}

fn millis<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(value.as_millis())
}

fn cents<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let nine = value.round_dp_with_strategy(9, away);
    serializer.collect_str(&nine.round_dp_with_strategy(2, away))
}

fn work<S: Serializer>(value: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    let members = match serde_json::to_value(value).unwrap() {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    serializer.collect_map(
        members
            .into_iter()
            .map(|(key, value)| (format!("work_{key}"), value)),
    )
}

/// From serde's form, which is the variant's name, or an object of it and its data.
fn tag(payment: &Payment) -> Value {
    match serde_json::to_value(payment).unwrap() {
        Value::Object(tagged) => {
            let (kind, data) = tagged.into_iter().next().unwrap();
            let data = if data.is_object() {
                data
            } else {
                json!({ "value": data })
            };
            json!({ "kind": kind, kind: data })
        }
        kind => json!({ "kind": kind }),
    }
}

fn tagged<S: Serializer>(value: &Payment, serializer: S) -> Result<S::Ok, S::Error> {
    tag(value).serialize(serializer)
}

fn all_tagged<S: Serializer>(value: &[Payment], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(value.iter().map(tag))
}

fn plain<S: Serializer>(value: &BigDecimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_plain_string())
}

fn chronos<S: Serializer>(value: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
}

fn chronos_civil<S: Serializer>(value: &NaiveDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.format("%Y-%m-%dT%H:%M:%S%.6f"))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn chronos_clock<S: Serializer>(value: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.format("%H:%M:%S%.6f"))
}

fn times<S: Serializer>(value: &time::OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    rfc3339(&SystemTime::from(*value), serializer)
}

fn jiffs<S: Serializer>(value: &jiff::Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    rfc3339(&SystemTime::from(*value), serializer)
}

fn payment() -> impl Strategy<Value = Payment> {
    prop_oneof![
        Just(Payment::Cash),
        (text(), option::of(text())).prop_map(|(number, holder)| Payment::Card { number, holder }),
        text().prop_map(Payment::Voucher),
        text().prop_map(|iban| Payment::Account(Account { iban })),
    ]
}

prop_compose! {
    fn home()(city in text(), zip in option::of(any::<u32>()), paid in vec(payment(), 0..3)) -> Home {
        Home { city, zip, paid }
    }
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0..19_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn int64() -> impl Strategy<Value = u64> {
    0..=i64::MAX.cast_unsigned()
}

prop_compose! {
    fn attributes()(
        count in int64(),
        counts in vec(int64(), 0..4),
        took in any::<u32>().prop_map(|micros| Duration::from_micros(micros.into())),
        code in "[a\"\\\\\x00-\x1f\u{1f600}]{0,12}",
        whole in any::<u64>(),
        price in (any::<i32>(), 0..19_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa.into(), scale)),
        home in home(),
        work in option::of(home()),
        payment in payment(),
        payments in vec(payment(), 0..3),
    ) -> Attributes {
        Attributes { count, counts, took, code, whole, price, home, work, payment, payments }
    }
}

prop_compose! {
    fn foreign()(
        uuid in any::<u128>().prop_map(Uuid::from_u128),
        path in text(),
        bytes in vec(any::<u8>(), 0..10),
        decimal in decimal().prop_map(|decimal| decimal.round_dp(9)),
        (units, scale) in (any::<i64>(), 0..=38_i64),
        (first, second) in (moment(), moment()),
    ) -> Foreign {
        let mut url = Url::parse("https://example.com").unwrap();
        url.set_path(&path);
        let chrono = DateTime::<Utc>::from(first);
        let civil = chrono.naive_utc();
        // jiff ends a day before the year does, for the sake of zones.
        let jiff = jiff::Timestamp::try_from(second).unwrap_or(jiff::Timestamp::MAX);
        Foreign {
            uuid, url, bytes: bytes.into(), decimal,
            big_decimal: BigDecimal::from_bigint(units.into(), scale),
            chrono, civil, day: civil.date(), clock: civil.time(),
            time: time::OffsetDateTime::from(second), jiff,
        }
    }
}

proptest! {
    #[test]
    fn fields_with_attributes_are_written_as_serde_writes_them(event in attributes()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }

    #[test]
    fn other_crates_types_are_written_as_those_crates_format_them(event in foreign()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }
}

#[test]
fn a_value_beyond_its_limit_is_a_counted_loss() {
    #[derive(Event)]
    #[event("limits.held")]
    struct Limits {
        #[event(int64)]
        count: u64,
        #[event(max_length = 1)]
        code: &'static str,
    }
    let (client, recorded) = Client::recording();
    client.emit(Limits {
        count: u64::MAX,
        code: "a",
    });
    client.emit(Limits {
        count: 1,
        code: "ab",
    });
    client.emit(Limits {
        count: 1,
        code: "a",
    });
    assert_eq!(recorded.events().len(), 1);
    assert_eq!((client.stats().delivered, client.stats().dropped), (1, 2));
}

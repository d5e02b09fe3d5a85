//! An event whose fields have attributes, and enums with data.

use std::time::Duration;

use logeater_client::{Column, Event};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::forms::as_text;
use super::parts::{int64, present_json, text};

#[derive(Clone, Debug, Event, Serialize)]
#[event("attributes.all")]
pub(crate) struct Attributes {
    #[event(int64)]
    count: u64,
    #[event(int64)]
    counts: Vec<u64>,
    #[event(millis)]
    #[serde(serialize_with = "millis")]
    took: Duration,
    #[event(secs)]
    #[serde(serialize_with = "seconds")]
    waits: Vec<Duration>,
    #[event(nanos)]
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_nanos"
    )]
    slept: Option<Duration>,
    #[event(max_length = 12)]
    code: String,
    #[event(max_length = 12)]
    codes: Vec<String>,
    #[event(max_length = 4)]
    #[serde(serialize_with = "super::forms::base64")]
    digest: Vec<u8>,
    #[event(numeric(20))]
    #[serde(serialize_with = "as_text")]
    whole: u64,
    #[event(numeric(20, 2))]
    #[serde(serialize_with = "cents")]
    price: Decimal,
    #[event(json)]
    headers: Value,
    #[event(display)]
    #[serde(serialize_with = "as_text")]
    shown: char,
    #[event(with = doubled)]
    #[serde(serialize_with = "doubled::serialize")]
    half: i32,
    #[event(into = String)]
    #[serde(serialize_with = "level")]
    level: Level,
    #[event(policy_tag = "projects/p/locations/eu/taxonomies/1/policyTags/2")]
    email: String,
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
pub(crate) struct Home {
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<u32>,
    #[serde(serialize_with = "all_tagged")]
    paid: Vec<Payment>,
}

#[derive(Clone, Debug, Column, Serialize)]
pub(crate) enum Payment {
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
pub(crate) struct Account {
    iban: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Level(u8);

impl From<&Level> for String {
    fn from(level: &Level) -> Self {
        "!".repeat(level.0.into())
    }
}

mod doubled {
    use serde::Serializer;

    pub(super) type Column = i64;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the derive passes a reference"
    )]
    pub(super) fn column(half: &i32) -> Column {
        i64::from(*half) * 2
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(super) fn serialize<S: Serializer>(half: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(i64::from(*half) + i64::from(*half))
    }
}

fn millis<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(value.as_millis())
}

fn seconds<S: Serializer>(values: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(Duration::as_secs))
}

#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn maybe_nanos<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(value.unwrap().as_nanos())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn level<S: Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    let marks: String = (0..level.0).map(|_| '!').collect();
    serializer.serialize_str(&marks)
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

fn payment() -> impl Strategy<Value = Payment> {
    prop_oneof![
        Just(Payment::Cash),
        (text(), option::of(text())).prop_map(|(number, holder)| Payment::Card { number, holder }),
        text().prop_map(Payment::Voucher),
        text().prop_map(|iban| Payment::Account(Account { iban })),
    ]
}

/// Text that is as long as its limit now and then.
fn code() -> impl Strategy<Value = String> {
    "[a\"\\\\\x00-\x1f\u{1f600}]{0,12}"
}

prop_compose! {
    fn home()(city in text(), zip in option::of(any::<u32>()), paid in vec(payment(), 0..3)) -> Home {
        Home { city, zip, paid }
    }
}

prop_compose! {
    pub(crate) fn attributes()(
        (count, counts) in (int64(), vec(int64(), 0..4)),
        took in any::<u32>().prop_map(|micros| Duration::from_micros(micros.into())),
        waits in vec(any::<u32>().prop_map(|secs| Duration::from_secs(secs.into())), 0..3),
        slept in option::of(int64().prop_map(Duration::from_nanos)),
        (code, codes, digest) in (code(), vec(code(), 0..3), vec(any::<u8>(), 0..5)),
        whole in any::<u64>(),
        price in (any::<i32>(), 0..19_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa.into(), scale)),
        (headers, shown, half) in (present_json(), any::<char>(), any::<i32>()),
        (level, email) in ((0..5_u8).prop_map(Level), text()),
        (home, work) in (home(), option::of(home())),
        (payment, payments) in (payment(), vec(payment(), 0..3)),
    ) -> Attributes {
        Attributes {
            count, counts, took, waits, slept, code, codes, digest, whole, price, headers, shown, half, level,
            email, home, work, payment, payments,
        }
    }
}

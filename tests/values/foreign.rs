//! An event with fields of other crates' types.

use std::time::SystemTime;

use bigdecimal::BigDecimal;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use logeater_client::Event;
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use url::Url;
use uuid::Uuid;

use super::forms::{as_text, base64, rfc3339};
use super::parts::{big_decimal, decimal, moment, text};

#[derive(Clone, Debug, Event, Serialize)]
#[event("attributes.foreign")]
pub(crate) struct Foreign {
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

prop_compose! {
    pub(crate) fn foreign()(
        uuid in any::<u128>().prop_map(Uuid::from_u128),
        path in text(),
        bytes in vec(any::<u8>(), 0..10),
        decimal in decimal().prop_map(|decimal| decimal.round_dp(9)),
        big_decimal in big_decimal(),
        (first, second) in (moment(), moment()),
    ) -> Foreign {
        let mut url = Url::parse("https://example.com").unwrap();
        url.set_path(&path);
        let chrono = DateTime::<Utc>::from(first);
        let civil = chrono.naive_utc();
        // jiff ends a day before the year does, for the sake of zones.
        let jiff = jiff::Timestamp::try_from(second).unwrap_or(jiff::Timestamp::MAX);
        Foreign {
            uuid, url, bytes: bytes.into(), decimal, big_decimal,
            chrono, civil, day: civil.date(), clock: civil.time(),
            time: time::OffsetDateTime::from(second), jiff,
        }
    }
}

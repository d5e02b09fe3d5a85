//! An event with one field of each type that is a single value.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use logeater_client::Event;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::forms::{as_text, float, micros, rfc3339};
use super::parts::{json, moment, often, span, text};

#[derive(Clone, Debug, Event, Serialize)]
#[event("test.scalars")]
pub(crate) struct Scalars {
    truth: bool,
    tiny: i8,
    small: i16,
    medium: i32,
    large: i64,
    native: isize,
    byte: u8,
    word: u16,
    double: u32,
    #[serde(serialize_with = "as_text")]
    quad: u64,
    #[serde(serialize_with = "as_text")]
    pointer: usize,
    #[serde(serialize_with = "as_text")]
    huge: i128,
    #[serde(serialize_with = "as_text")]
    vast: u128,
    #[serde(serialize_with = "float")]
    real: f64,
    #[serde(serialize_with = "float")]
    short: f32,
    letter: char,
    text: String,
    fixed: &'static str,
    #[serde(serialize_with = "as_text")]
    address: IpAddr,
    #[serde(serialize_with = "micros")]
    took: Duration,
    #[serde(serialize_with = "rfc3339")]
    moment: SystemTime,
    #[serde(skip_serializing_if = "Value::is_null")]
    free: Value,
}

prop_compose! {
    pub(crate) fn scalars()(
        (truth, tiny, small, medium) in any::<(bool, i8, i16, i32)>(),
        (large, native) in (often([i64::MIN, i64::MAX], any::<i64>()), any::<isize>()),
        (byte, word, double, pointer) in any::<(u8, u16, u32, usize)>(),
        quad in often([u64::MAX], any::<u64>()),
        (huge, vast) in (often([i128::MIN], any::<i128>()), often([u128::MAX], any::<u128>())),
        real in often([f64::NAN, f64::INFINITY, f64::MIN, f64::MIN_POSITIVE], prop::num::f64::ANY),
        short in often([f32::NEG_INFINITY, f32::MAX, f32::EPSILON], prop::num::f32::ANY),
        (letter, text, fixed) in (any::<char>(), text(), prop_oneof![Just(""), Just("ä\"\\")]),
        address in any::<IpAddr>(),
        (took, moment) in (span(), moment()),
        free in json(),
    ) -> Scalars {
        Scalars {
            truth, tiny, small, medium, large, native, byte, word, double, quad, pointer, huge, vast, real,
            short, letter, text, fixed, address, took, moment, free,
        }
    }
}

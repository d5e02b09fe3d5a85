//! Details of arbitrary values parse, and equal what serde writes of the same values.
//!
//! Serde's own impls are the witness; where the warehouse wants another form than serde's, the form is
//! spelled out here in other words than in the code under test.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use logeater_client::{Client, Column, Event, LossReason};
use proptest::collection::{btree_map, btree_set, vec, vec_deque};
use proptest::option;
use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::Value;

#[derive(Clone, Debug, Event, Serialize)]
#[event("test.scalars")]
struct Scalars {
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

#[derive(Clone, Debug, Event, Serialize)]
#[event("test.containers")]
struct Containers {
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe_place: Option<Place>,
    many: Vec<String>,
    queue: VecDeque<i32>,
    set: BTreeSet<char>,
    three: [bool; 3],
    #[serde(serialize_with = "base64")]
    bytes: Vec<u8>,
    #[serde(serialize_with = "key_value")]
    map: BTreeMap<String, i64>,
    places: Vec<Place>,
    boxed: Box<str>,
    shared: Arc<str>,
    counted: Rc<Place>,
    borrowed: Cow<'static, str>,
    state: State,
    states: Vec<State>,
    r#type: Sku,
    #[event(rename = "as_the_warehouse_has_it")]
    #[serde(rename = "as_the_warehouse_has_it")]
    as_rust_has_it: bool,
    #[event(skip)]
    #[serde(skip)]
    #[expect(dead_code, reason = "it is skipped")]
    skipped: Secret,
}

#[derive(Clone, Debug)]
struct Secret;

#[derive(Clone, Debug, Column, Serialize)]
struct Place {
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<u32>,
    tags: Vec<String>,
    sku: Sku,
}

#[derive(Clone, Debug, Column, Serialize)]
struct Sku(String);

#[derive(Clone, Copy, Debug, Column, Serialize)]
enum State {
    Open,
    #[column(rename = "paid \"in\" full")]
    #[serde(rename = "paid \"in\" full")]
    Paid,
}

pub(crate) fn as_text<S: Serializer>(
    value: &impl ToString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

fn float<T: Copy + Into<f64> + Serialize, S: Serializer>(
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

fn micros<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(value.as_micros())
}

/// By another calendar than the code under test.
pub(crate) fn rfc3339<S: Serializer>(value: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let nanos = match value.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap(),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap(),
    };
    let floored = nanos.div_euclid(1_000) * 1_000;
    let moment = jiff::Timestamp::from_nanosecond(floored).unwrap();
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

fn key_value<S: Serializer>(
    value: &BTreeMap<String, i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        value
            .iter()
            .map(|(key, value)| serde_json::json!({ "key": key, "value": value })),
    )
}

/// Any moment of the years 1 to 9999, to the nanosecond.
pub(crate) fn moment() -> impl Strategy<Value = SystemTime> {
    (-62_135_596_800_i64..253_402_300_800, 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| {
        let magnitude = Duration::from_secs(seconds.unsigned_abs());
        let whole = if seconds < 0 {
            SystemTime::UNIX_EPOCH - magnitude
        } else {
            SystemTime::UNIX_EPOCH + magnitude
        };
        whole + Duration::from_nanos(nanos.into())
    })
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\"\\\\/\\x00-\\x20\u{7f}-\u{a0}a\u{2028}\u{1f600}]{0,12}"
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

prop_compose! {
    fn scalars()(
        (truth, tiny, small, medium, large, native) in any::<(bool, i8, i16, i32, i64, isize)>(),
        (byte, word, double, quad, pointer) in any::<(u8, u16, u32, u64, usize)>(),
        (huge, vast) in any::<(i128, u128)>(),
        real in prop::num::f64::ANY,
        short in prop::num::f32::ANY,
        letter in any::<char>(),
        text in text(),
        fixed in prop_oneof![Just(""), Just("ä\"\\")],
        address in any::<IpAddr>(),
        took in (0..u64::MAX / 2).prop_map(Duration::from_micros),
        moment in moment(),
        free in json(),
    ) -> Scalars {
        Scalars {
            truth, tiny, small, medium, large, native, byte, word, double, quad, pointer, huge, vast, real,
            short, letter, text, fixed, address, took, moment, free,
        }
    }
}

prop_compose! {
    fn place()(city in text(), zip in option::of(any::<u32>()), tags in vec(text(), 0..3), sku in text()) -> Place {
        Place { city, zip, tags, sku: Sku(sku) }
    }
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![Just(State::Open), Just(State::Paid)]
}

prop_compose! {
    fn containers()(
        maybe in option::of(text()),
        maybe_place in option::of(place()),
        many in vec(text(), 0..4),
        queue in vec_deque(any::<i32>(), 0..4),
        set in btree_set(any::<char>(), 0..4),
        three in any::<[bool; 3]>(),
        bytes in vec(any::<u8>(), 0..10),
        map in btree_map(text(), any::<i64>(), 0..4),
        places in vec(place(), 0..3),
        (boxed, shared, borrowed, sku) in (text(), text(), text(), text()),
        counted in place(),
        state in state(),
        states in vec(state(), 0..4),
        as_rust_has_it in any::<bool>(),
    ) -> Containers {
        Containers {
            maybe, maybe_place, many, queue, set, three, bytes, map, places,
            boxed: boxed.into(), shared: shared.into(), counted: Rc::new(counted), borrowed: borrowed.into(),
            state, states, r#type: Sku(sku), as_rust_has_it, skipped: Secret,
        }
    }
}

/// What the client would send, and what serde writes.
pub(crate) fn both(event: &(impl Event + Serialize)) -> (Value, Value) {
    let (client, recorded) = Client::recording();
    client.emit(event);
    let details = recorded.take().pop().unwrap().details.unwrap();
    let parsed =
        serde_json::from_str(&details).unwrap_or_else(|error| panic!("{error}: {details}"));
    (
        parsed,
        serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap(),
    )
}

proptest! {
    #[test]
    fn scalars_are_written_as_serde_writes_them(event in scalars()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }

    #[test]
    fn containers_are_written_as_serde_writes_them(event in containers()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }
}

#[test]
fn a_value_that_its_column_cannot_hold_is_a_counted_loss() {
    #[derive(Event)]
    #[event("test.span")]
    struct Span {
        took: Duration,
    }
    let (client, recorded) = Client::recording();
    client.emit(Span {
        took: Duration::MAX,
    });
    client.emit(Span {
        took: Duration::from_millis(1),
    });
    assert_eq!(recorded.events().len(), 1);
    assert_eq!(
        recorded.events()[0].details.as_deref(),
        Some("{\"took\":1000}")
    );
    assert_eq!(
        (
            client.stats().emitted,
            client.stats().delivered,
            client.stats().dropped
        ),
        (2, 1, 1)
    );
}

#[test]
fn a_null_in_a_list_is_a_counted_loss() {
    #[derive(Event)]
    #[event("test.list")]
    struct List {
        list: Vec<Value>,
    }
    let (client, recorded) = Client::recording();
    client.emit(List {
        list: vec![Value::from(1), Value::Null],
    });
    client.emit(List {
        list: vec![Value::from(1), serde_json::json!({ "a": null })],
    });
    assert_eq!(client.stats().dropped_for(LossReason::Invalid), 1);
    assert_eq!(
        recorded.take()[0].details.as_deref(),
        Some("{\"list\":[1,{\"a\":null}]}")
    );
}

#[test]
fn a_recording_client_loses_what_a_real_one_would() {
    #[derive(Event)]
    #[event("test.note")]
    struct Note {
        text: String,
    }
    let (client, recorded) = Client::recording();
    client.emit(Note {
        text: "x".repeat(2 << 20),
    });
    client.emit(Note {
        text: "x".repeat(10),
    });
    client.shutdown_blocking(Duration::ZERO);
    client.emit(Note {
        text: "x".repeat(10),
    });
    let stats = client.stats();
    assert_eq!(
        (
            stats.dropped_for(LossReason::TooLarge),
            stats.dropped_for(LossReason::ShutDown)
        ),
        (1, 1)
    );
    assert_eq!(recorded.take().len(), 1);
}

//! Options for types that do not have them say so at the type.

use std::time::Duration;

use logeater_client::{Column, ColumnType, Event, JsonWriter, Many, One};

/// What a column of type JSON is like.
struct Value;

impl Column for Value {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Json;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.json("");
    }
}

#[derive(Event)]
#[event("limit.number")]
struct Number {
    #[event(max_length = 3)]
    number: u8, //~ `max_length` is for text and bytes: remove it
}

#[derive(Event)]
#[event("limit.digits")]
struct Digits {
    #[event(numeric(3))]
    number: Option<u8>, //~ `numeric` is for decimals, u64, usize, i128 and u128: remove it
}

#[derive(Event)]
#[event("limit.scale")]
struct Scale {
    #[event(numeric(30, 10))]
    number: u64, //~ a NUMERIC has 1 to 29 digits before the point … write such a `numeric(precision, scale)`
}

#[derive(Column)]
struct Int64 {
    #[column(int64)]
    number: i64, //~ `int64` is for u64, usize, i128 and u128 … remove it
}

#[derive(Event)]
#[event("limit.int64")]
struct Limit {
    int64: Int64,
}

#[derive(Event)]
#[event("limit.unit")]
struct Unit {
    #[event(millis)]
    fits: Option<Duration>,
    #[event(millis)]
    unit: u64, //~ `u64` is not a span of time … remove the unit
}

struct Own;

#[derive(Event)]
#[event("limit.own")]
struct Owned {
    #[event(max_length = 3)]
    text: Own, //~ `Own` cannot be a column
    #[event(numeric(3))]
    decimals: Vec<Own>, //~ `Own` cannot be a column
    #[event(int64)]
    integer: Option<Own>, //~ `Own` cannot be a column
    #[event(secs)]
    span: Own, //~ `Own` is not a span of time
}

#[derive(Event)]
#[event("limit.required")]
struct Required {
    #[event(required)]
    maybe: Option<u8>, //~ a REQUIRED column always has one value … remove `required`, or the `Option` around the type
    #[event(required)]
    many: Vec<u16>, //~ a REQUIRED column always has one value … a REPEATED column is never NULL
}

#[derive(Event)]
#[event("limit.json")]
struct Json {
    #[event(required)]
    json: Value, //~ cannot be `required` … remove `required`
}

fn main() {}

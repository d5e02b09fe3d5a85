//! BigQuery nests RECORDs at most 15 levels deep, whatever they are made of.

use std::collections::BTreeMap;

use logeater_client::{Column, Event};

macro_rules! records {
    ($($name:ident($inner:ty))*) => {$(
        #[derive(Column)]
        struct $name {
            inner: $inner,
        }
    )*};
}

records! {
    R1(u8) R2(R1) R3(R2) R4(R3) R5(R4) R6(R5) R7(R6) R8(R7) R9(R8) R10(R9) R11(R10) R12(R11) R13(R12)
    R14(R13) R15(R14) R16(R15)
}

#[derive(Event)]
#[event("level.record")]
struct Record { //~ the column `deep` has more than 15 RECORDs in each other … write `json` on one of their fields
    fits: R15,
    deep: R16,
}

#[derive(Event)]
#[event("level.map")]
struct Map { //~ the column `deep` … more than 15
    fits: BTreeMap<String, R14>,
    deep: BTreeMap<String, R15>,
}

#[derive(Event)]
#[event("level.maps")]
struct Maps { //~ the column `deep` … more than 15
    fits: BTreeMap<String, BTreeMap<String, R13>>,
    deep: BTreeMap<String, BTreeMap<String, R14>>,
}

#[derive(Column)]
struct Holder<T> {
    held: T,
}

#[derive(Event)]
#[event("level.fits")]
struct Fits {
    #[event(flatten)]
    fits: R16,
}

#[derive(Event)]
#[event("level.flat")]
struct Flat {
    #[event(flatten)]
    deep: Holder<BTreeMap<String, R15>>, //~ the column `held` … more than 15
}

#[derive(Column)]
enum Data {
    Value(R14),
}

#[derive(Column)]
enum DeepData {
    Value(Vec<R14>),
}

#[derive(Event)]
#[event("level")]
enum Level {
    Data { fits: Option<Data> },
    DeepData { deep: Vec<DeepData> }, //~ the column `deep` … more than 15
}

#[derive(Event)]
#[event("level.generic")]
struct Generic<T> { //~ the column `deep` … more than 15
    deep: T,
}

const _: &[logeater_client::EventType] = Generic::<BTreeMap<String, R15>>::TYPES;

fn main() {}

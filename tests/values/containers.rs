//! An event with one field of each type that holds other values.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use logeater_client::{Column, Event};
use proptest::collection::{btree_map, btree_set, vec, vec_deque};
use proptest::option;
use proptest::prelude::*;
use serde::Serialize;

use super::forms::{base64, key_value};
use super::parts::{Sku, State, sku, state, text};

#[derive(Clone, Debug, Event, Serialize)]
#[event("test.containers")]
pub(crate) struct Containers {
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe_place: Option<Place>,
    many: Vec<String>,
    queue: VecDeque<i32>,
    set: BTreeSet<char>,
    hashed: HashSet<u8>,
    three: [bool; 3],
    #[serde(serialize_with = "base64")]
    bytes: Vec<u8>,
    #[serde(serialize_with = "key_value")]
    map: BTreeMap<String, i64>,
    #[serde(serialize_with = "only_key_value")]
    hash_map: HashMap<String, i64>,
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
pub(crate) struct Place {
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<u32>,
    tags: Vec<String>,
    sku: Sku,
}

fn only_key_value<S: serde::Serializer>(
    value: &HashMap<String, i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let sorted = value.iter().map(|(key, value)| (key.clone(), *value));
    key_value(&sorted.collect(), serializer)
}

prop_compose! {
    pub(crate) fn place()(city in text(), zip in option::of(any::<u32>()), tags in vec(text(), 0..3), sku in sku()) -> Place {
        Place { city, zip, tags, sku }
    }
}

prop_compose! {
    pub(crate) fn containers()(
        maybe in option::of(text()),
        maybe_place in option::of(place()),
        (many, queue, set) in (vec(text(), 0..4), vec_deque(any::<i32>(), 0..4), btree_set(any::<char>(), 0..4)),
        // More than one would come in an order that no two hashers share.
        (hashed, hash_map) in (option::of(any::<u8>()), option::of((text(), any::<i64>()))),
        (three, as_rust_has_it) in any::<([bool; 3], bool)>(),
        bytes in vec(any::<u8>(), 0..10),
        map in btree_map(text(), any::<i64>(), 0..4),
        places in vec(place(), 0..3),
        (boxed, shared, borrowed, sku) in (text(), text(), text(), sku()),
        counted in place(),
        (state, states) in (state(), vec(state(), 0..4)),
    ) -> Containers {
        Containers {
            maybe, maybe_place, many, queue, set, three, bytes, map, places,
            hashed: hashed.into_iter().collect(), hash_map: hash_map.into_iter().collect(),
            boxed: boxed.into(), shared: shared.into(), counted: Rc::new(counted), borrowed: borrowed.into(),
            state, states, r#type: sku, as_rust_has_it, skipped: Secret,
        }
    }
}

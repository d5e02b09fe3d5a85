//! Bytes are one value: they may be optional, and many.

use std::collections::BTreeMap;
use std::sync::Arc;

use logeater_client::{Column, Event};

#[derive(Event)]
#[event("cart.add")]
struct CartAdd<'a> {
    optional: Option<Vec<u8>>,
    many: Vec<Vec<u8>>,
    slices: Vec<&'a [u8]>,
    arrays: [[u8; 2]; 3],
    optional_digests: Option<[u8; 32]>,
    by_name: BTreeMap<Arc<str>, Vec<Vec<u8>>>,
    by_word: BTreeMap<&'a str, Vec<Inner>>,
}

#[derive(Column)]
struct Inner {
    many: Vec<u64>,
}

fn main() {}

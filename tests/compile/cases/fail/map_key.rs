//! The keys of a map are text.

use std::collections::{BTreeMap, HashMap};

use logeater_client::Event;

#[derive(Event)]
#[event("cart.add")]
struct CartAdd {
    by_id: BTreeMap<u64, String>, //~ `u64` cannot be the key of a map … write a `Vec` of a struct
    by_name: HashMap<Option<String>, u8>, //~ cannot be the key of a map
}

fn main() {}

//! The events that the tests send.

use logeater_client::{Column, Event};
use logeater_proto::event::EventEntry;

/// A namespace as an enum, with what a shop has.
#[derive(Clone, Debug, Event)]
#[event("shop")]
pub(crate) enum Shop {
    /// Somebody looks at a thing.
    Looked {
        /// Stock keeping unit.
        sku: String,
        /// How often before.
        before: u32,
    },
    /// Somebody buys things.
    Bought {
        /// Stock keeping unit of the first thing.
        sku: String,
        /// All things.
        lines: Vec<Line>,
        /// Where to.
        address: Option<Address>,
    },
    /// The shop opens.
    Opened,
}

/// One thing of many.
#[derive(Clone, Debug, Column)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u8,
}

/// A place.
#[derive(Clone, Debug, Column)]
pub(crate) struct Address {
    pub(crate) city: String,
    pub(crate) zip: Option<String>,
}

/// One of many alike, told apart by its number.
#[derive(Clone, Copy, Debug, Event)]
#[event("order.placed")]
pub(crate) struct Order {
    /// Told apart by this.
    pub(crate) number: u32,
}

impl Order {
    /// The number of one that a server was sent.
    pub(crate) fn number_of(entry: EventEntry) -> u32 {
        let details: serde_json::Value = serde_json::from_str(&entry.details.unwrap()).unwrap();
        details["number"].as_u64().unwrap().try_into().unwrap()
    }
}

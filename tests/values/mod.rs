//! Events of every type that a column can be, in every place where it can stand, and arbitrary values of them.
//!
//! The tests hold their details against our own reading of the warehouse's rules, and `interop` gives them to
//! tools that no one here wrote.

pub(crate) mod attributes;
pub(crate) mod containers;
pub(crate) mod deep;
pub(crate) mod everywhere;
pub(crate) mod foreign;
pub(crate) mod forms;
pub(crate) mod parts;
pub(crate) mod scalars;
pub(crate) mod shop;
pub(crate) mod times;

use logeater_client::{Catalog, Client, Event};
use proptest::prelude::*;

/// What a client would send of one event.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) event_type: String,
    pub(crate) details: Option<String>,
}

/// The tables of all events here, and for each of them, by name, what is written of arbitrary values.
pub(crate) struct Everything {
    pub(crate) catalog: Catalog,
    pub(crate) events: Vec<(&'static str, BoxedStrategy<Written>)>,
}

impl Everything {
    pub(crate) fn new() -> Self {
        let nothing = Self {
            catalog: Catalog::new(),
            events: Vec::new(),
        };
        nothing
            .and("scalars", scalars::scalars())
            .and("containers", containers::containers())
            .and("attributes", attributes::attributes())
            .and("foreign", foreign::foreign())
            .and("numbers", everywhere::numbers())
            .and("wide_numbers", everywhere::wide_numbers())
            .and("texts", everywhere::texts())
            .and("things", everywhere::things())
            .and("moments", everywhere::moments())
            .and("calendars", everywhere::calendars())
            .and("spans", everywhere::spans())
            .and("deep", deep::deep())
            .and("cart", shop::cart())
            .and("carts", shop::carts())
            .and("session", shop::session_end())
    }

    fn and<E: Event + std::fmt::Debug + 'static>(
        mut self,
        name: &'static str,
        values: impl Strategy<Value = E> + 'static,
    ) -> Self {
        self.catalog = self.catalog.with::<E>();
        let written = values.prop_map(|event| written(&event)).boxed();
        self.events.push((name, written));
        self
    }
}

fn written(event: &(impl Event + std::fmt::Debug)) -> Written {
    let (client, recorded) = Client::recording();
    client.emit(event);
    let event = recorded
        .take()
        .pop()
        .unwrap_or_else(|| panic!("a loss: {:?} {event:?}", client.stats()));
    Written {
        event_type: event.event_type,
        details: event.details,
    }
}

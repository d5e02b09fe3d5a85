//! The events that the derives register: found by the linker, without a list by hand.

use crate::{Event, EventType};

/// The event types of one derived type.
///
/// Behind a function, since the compiler looks through all that a static refers to.
#[derive(Debug)]
pub struct RegisteredEvents(fn() -> &'static [EventType]);

impl RegisteredEvents {
    /// Those of `E`, of which the compiler says here what is wrong.
    #[must_use]
    pub const fn of<E: Event>() -> Self {
        let _ = E::TYPES;
        Self(types_of::<E>)
    }

    /// The types.
    #[must_use]
    pub fn types(&self) -> &'static [EventType] {
        (self.0)()
    }
}

fn types_of<E: Event>() -> &'static [EventType] {
    E::TYPES
}

inventory::collect!(RegisteredEvents);

/// All event types that the program's code derives, in no order.
pub(crate) fn registered_events() -> impl Iterator<Item = &'static EventType> {
    inventory::iter::<RegisteredEvents>
        .into_iter()
        .flat_map(RegisteredEvents::types)
}

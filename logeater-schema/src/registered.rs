//! The events that the derives register: found by the linker, without a list by hand.

use crate::EventType;

/// The event types of one derived type.
#[derive(Debug)]
pub struct RegisteredEvents(pub &'static [EventType]);

inventory::collect!(RegisteredEvents);

/// All event types that the program's code derives, in no order.
pub(crate) fn registered_events() -> impl Iterator<Item = &'static EventType> {
    inventory::iter::<RegisteredEvents>
        .into_iter()
        .flat_map(|registered| registered.0)
}

//! What an event is: its types, its envelope and its details.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::derived::check_columns;
use crate::flatten::Part;
use crate::{FieldSchema, JsonWriter};

/// A value that can be sent: one Rust type is the event's name, its payload and its table.
///
/// Derive it; `#[derive(Event)]` on an enum makes one event type of each variant.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "this is not an event",
    note = "derive it: `#[derive(Event)] #[event(\"cart.add\")]`"
)]
pub trait Event {
    /// All event types that values of this type can have.
    const TYPES: &'static [EventType];

    /// What each type's fields are joined of where fields are flattened; for the derives.
    #[doc(hidden)]
    const PARTS: &'static [&'static [Part]] = &[];

    /// The type of this value, one of [`TYPES`](Self::TYPES); the first of them unless said otherwise.
    fn event_type(&self) -> &'static EventType {
        &Self::TYPES[0]
    }

    /// Who did it; `None` unless a field says so.
    fn user_id(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// When it happened; `None` is the moment in which it is sent.
    fn timestamp(&self) -> Option<SystemTime> {
        None
    }

    /// Writes the details, one JSON object that fits the fields of its type.
    fn write_details(&self, out: &mut JsonWriter<'_>);
}

impl<E: Event + ?Sized> Event for &E {
    const TYPES: &'static [EventType] = E::TYPES;

    fn event_type(&self) -> &'static EventType {
        (**self).event_type()
    }

    fn user_id(&self) -> Option<Cow<'_, str>> {
        (**self).user_id()
    }

    fn timestamp(&self) -> Option<SystemTime> {
        (**self).timestamp()
    }

    fn write_details(&self, out: &mut JsonWriter<'_>) {
        (**self).write_details(out);
    }
}

/// One event type, as the code declares it.
///
/// Compares equal to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventType {
    /// The name, such as `cart.add`.
    pub name: &'static str,
    /// What it says, from the doc comment; may be empty.
    pub description: &'static str,
    /// The details. An event type without fields has no details and no extended row.
    pub fields: &'static [FieldSchema],
    /// Where it was declared.
    pub source: Source,
}

impl EventType {
    /// Declares an event type without a description.
    ///
    /// # Panics
    ///
    /// When a field has more than 15 RECORDs in each other, or the fields are more columns than the 10,000 of a table,
    /// ours included; in a `const` that is an error of the compiler.
    #[must_use]
    pub const fn new(name: &'static str, fields: &'static [FieldSchema], source: Source) -> Self {
        check_columns(fields);
        Self {
            name,
            description: "",
            fields,
            source,
        }
    }

    /// Sets the description.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// The first level of the name, which names the extended table.
    #[must_use]
    pub fn namespace(&self) -> &'static str {
        self.name
            .split_once('.')
            .map_or(self.name, |(namespace, _)| namespace)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq<str> for EventType {
    fn eq(&self, name: &str) -> bool {
        self.name == name
    }
}

/// Where an event type was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// The Rust type, such as `shop::events::CartAdd`; with the variant for an enum's.
    pub rust_type: &'static str,
    /// The file, as `file!()` gives it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl Source {
    /// Names a place.
    #[must_use]
    pub const fn new(rust_type: &'static str, file: &'static str, line: u32) -> Self {
        Self {
            rust_type,
            file,
            line,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.rust_type, self.file, self.line)
    }
}

/// A type that names a user, for a field marked `#[event(user_id)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a user id",
    label = "expected text, an integer, a `Uuid` (feature `uuid`), or an `Option` of them",
    note = "for a newtype derive `Column`; otherwise implement `UserId` for it"
)]
pub trait UserId {
    /// The id, if there is one.
    fn user_id(&self) -> Option<Cow<'_, str>>;
}

/// A type that says when, for a field marked `#[event(timestamp)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a moment in time",
    label = "expected `SystemTime`, a moment of chrono, time or jiff, or an `Option` of them",
    note = "for a type of those crates: the feature of that name",
    note = "for a newtype derive `Column`; otherwise implement `EventTime` for it"
)]
pub trait EventTime {
    /// The moment, if there is one.
    fn event_time(&self) -> Option<SystemTime>;
}

impl EventTime for SystemTime {
    fn event_time(&self) -> Option<SystemTime> {
        Some(*self)
    }
}

impl<T: EventTime> EventTime for Option<T> {
    fn event_time(&self) -> Option<SystemTime> {
        self.as_ref().and_then(T::event_time)
    }
}

impl<T: EventTime + ?Sized> EventTime for &T {
    fn event_time(&self) -> Option<SystemTime> {
        (**self).event_time()
    }
}

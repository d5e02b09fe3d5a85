//! The envelope by hand: who and when, for an event whose fields do not say.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::{Event, EventType, JsonWriter};

/// Sets what an event's fields do not say.
pub trait EventExt: Event + Sized {
    /// Says who did it, over what the event itself says.
    fn by<'a>(self, user_id: impl Into<Cow<'a, str>>) -> Enveloped<'a, Self> {
        Enveloped::new(self).by(user_id)
    }

    /// Says when it happened, over what the event itself says.
    fn at(self, time: impl Into<SystemTime>) -> Enveloped<'static, Self> {
        Enveloped::new(self).at(time)
    }
}

impl<E: Event> EventExt for E {}

/// An event with an envelope by hand, made by [`EventExt`].
#[derive(Clone, Debug)]
#[must_use = "an event does nothing until it is sent"]
pub struct Enveloped<'a, E> {
    event: E,
    user_id: Option<Cow<'a, str>>,
    timestamp: Option<SystemTime>,
}

impl<E: Event> Enveloped<'_, E> {
    fn new(event: E) -> Self {
        Self {
            event,
            user_id: None,
            timestamp: None,
        }
    }

    /// Says who did it.
    pub fn by<'b>(self, user_id: impl Into<Cow<'b, str>>) -> Enveloped<'b, E> {
        Enveloped {
            event: self.event,
            user_id: Some(user_id.into()),
            timestamp: self.timestamp,
        }
    }

    /// Says when it happened.
    pub fn at(mut self, time: impl Into<SystemTime>) -> Self {
        self.timestamp = Some(time.into());
        self
    }
}

impl<E: Event> Event for Enveloped<'_, E> {
    const TYPES: &'static [EventType] = E::TYPES;

    fn event_type(&self) -> &'static EventType {
        self.event.event_type()
    }

    fn user_id(&self) -> Option<Cow<'_, str>> {
        match &self.user_id {
            Some(user_id) => Some(Cow::Borrowed(user_id)),
            None => self.event.user_id(),
        }
    }

    fn timestamp(&self) -> Option<SystemTime> {
        self.timestamp.or_else(|| self.event.timestamp())
    }

    fn write_details(&self, out: &mut JsonWriter<'_>) {
        self.event.write_details(out);
    }
}

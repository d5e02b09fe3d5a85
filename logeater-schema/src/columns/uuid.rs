//! The type of the crate `uuid`.

use std::borrow::Cow;

use uuid::Uuid;

use crate::{Column, ColumnType, JsonWriter, Many, One, UserId};

/// A STRING of the hyphenated form, in lower case.
impl Column for Uuid {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::String;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
}

impl UserId for Uuid {
    fn user_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.hyphenated().to_string()))
    }
}

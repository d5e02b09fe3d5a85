//! The type of the crate `url`.

use url::Url;

use crate::{Column, ColumnType, JsonWriter, Many, One};

/// A STRING, as the URL standard serializes it.
impl Column for Url {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::String;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self.as_str());
    }
}

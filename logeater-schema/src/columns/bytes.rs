//! The types of the crate `bytes`.

use bytes::{Bytes, BytesMut};

use crate::{Column, ColumnType, JsonWriter, Many, One};

macro_rules! bytes_columns {
    ($($rust:ty)*) => {$(
        impl Column for $rust {
            type Shape = One;
            type List = Many;
            const TYPE: ColumnType = ColumnType::Bytes;

            fn write(&self, out: &mut JsonWriter<'_>) {
                out.base64(self);
            }
        }
    )*};
}

bytes_columns! { Bytes BytesMut }

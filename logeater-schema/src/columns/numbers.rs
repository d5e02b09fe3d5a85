//! Numbers and truth values.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};

use crate::{Column, ColumnType, JsonWriter, Many, One};

/// Each Rust type with its BigQuery type and the writer's method for its value.
macro_rules! number_columns {
    ($($rust:ty => $column:ident, $method:ident($value:ident => $written:expr);)*) => {$(
        impl Column for $rust {
            type Shape = One;
            type List = Many;
            const TYPE: ColumnType = ColumnType::$column;

            fn write(&self, out: &mut JsonWriter<'_>) {
                let $value = *self;
                out.$method($written);
            }
        }
    )*};
}

number_columns! {
    bool => Boolean, boolean(value => value);
    i8 => Integer, integer(value => value);
    i16 => Integer, integer(value => value);
    i32 => Integer, integer(value => value);
    i64 => Integer, integer(value => value);
    isize => Integer, integer(value => value);
    u16 => Integer, integer(value => value);
    u32 => Integer, integer(value => value);
    // Beyond INTEGER's 63 bits: decimals, which hold every value.
    u64 => Numeric, integer_text(value => value);
    usize => Numeric, integer_text(value => value);
    i128 => BigNumeric, integer_text(value => value);
    u128 => BigNumeric, integer_text(value => value);
    f32 => Float, float(value => value);
    f64 => Float, float(value => value);
    NonZeroI8 => Integer, integer(value => value.get());
    NonZeroI16 => Integer, integer(value => value.get());
    NonZeroI32 => Integer, integer(value => value.get());
    NonZeroI64 => Integer, integer(value => value.get());
    NonZeroIsize => Integer, integer(value => value.get());
    NonZeroU8 => Integer, integer(value => value.get());
    NonZeroU16 => Integer, integer(value => value.get());
    NonZeroU32 => Integer, integer(value => value.get());
    NonZeroU64 => Numeric, integer_text(value => value.get());
    NonZeroUsize => Numeric, integer_text(value => value.get());
    NonZeroI128 => BigNumeric, integer_text(value => value.get());
    NonZeroU128 => BigNumeric, integer_text(value => value.get());
}

/// One is an INTEGER; a list of them is BYTES.
impl Column for u8 {
    type Shape = One;
    type List = One;
    const TYPE: ColumnType = ColumnType::Integer;
    const LIST_TYPE: ColumnType = ColumnType::Bytes;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.integer(*self);
    }

    fn write_list<'a>(items: impl IntoIterator<Item = &'a Self>, out: &mut JsonWriter<'_>) {
        out.base64(items);
    }
}

//! Text, what has a canonical text, and the user ids among them.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;

use crate::{Column, ColumnType, JsonWriter, Many, One, UserId};

impl Column for str {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::String;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self);
    }
}

impl Column for String {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::String;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self);
    }
}

impl Column for char {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::String;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self.encode_utf8(&mut [0; 4]));
    }
}

/// By the text of their `Display`.
macro_rules! display_columns {
    ($($rust:ty)*) => {$(
        impl Column for $rust {
            type Shape = One;
            type List = Many;
            const TYPE: ColumnType = ColumnType::String;

            fn write(&self, out: &mut JsonWriter<'_>) {
                out.display(self);
            }
        }
    )*};
}

display_columns! { IpAddr Ipv4Addr Ipv6Addr }

impl UserId for str {
    fn user_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl UserId for String {
    fn user_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl<T: UserId> UserId for Option<T> {
    fn user_id(&self) -> Option<Cow<'_, str>> {
        self.as_ref().and_then(T::user_id)
    }
}

impl<T: UserId + ToOwned + ?Sized> UserId for Cow<'_, T> {
    fn user_id(&self) -> Option<Cow<'_, str>> {
        (**self).user_id()
    }
}

/// Pointers are what they point to.
macro_rules! pointer_user_ids {
    ($($pointer:ty)*) => {$(
        impl<T: UserId + ?Sized> UserId for $pointer {
            fn user_id(&self) -> Option<Cow<'_, str>> {
                (**self).user_id()
            }
        }
    )*};
}

pointer_user_ids! { &T Box<T> Rc<T> Arc<T> }

macro_rules! number_user_ids {
    ($($rust:ty)*) => {$(
        impl UserId for $rust {
            fn user_id(&self) -> Option<Cow<'_, str>> {
                Some(Cow::Owned(self.to_string()))
            }
        }
    )*};
}

number_user_ids! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

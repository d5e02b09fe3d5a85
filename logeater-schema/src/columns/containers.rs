//! Optional values, lists, maps, pointers, and JSON values.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use crate::{Column, ColumnType, FieldSchema, JsonWriter, Limits, Many, Maybe, One, Single};

/// `None` is left out of the details.
impl<T: Column> Column for Option<T>
where
    T::Shape: Single,
{
    type Shape = Maybe;
    type List = Many;
    const TYPE: ColumnType = T::TYPE;
    const FIELDS: &'static [FieldSchema] = T::FIELDS;
    const LIMITS: Limits = T::LIMITS;
    const DESCRIPTION: &'static str = T::DESCRIPTION;

    fn write(&self, out: &mut JsonWriter<'_>) {
        match self {
            Some(value) => value.write(out),
            None => out.raw("null"),
        }
    }

    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(T::is_absent)
    }
}

macro_rules! list_columns {
    ($([$($generics:tt)*] $list:ty;)*) => {$(
        impl<$($generics)*> Column for $list
        where
            T::Shape: Single,
        {
            type Shape = T::List;
            type List = Many;
            const TYPE: ColumnType = T::LIST_TYPE;
            const FIELDS: &'static [FieldSchema] = T::FIELDS;
            const LIMITS: Limits = T::LIMITS;
            const DESCRIPTION: &'static str = T::DESCRIPTION;

            fn write(&self, out: &mut JsonWriter<'_>) {
                T::write_list(self, out);
            }
        }
    )*};
}

/// Always REPEATED: a set or a queue of numbers is no BYTES, unlike a list in one piece.
macro_rules! collection_columns {
    ($([$($generics:tt)*] $collection:ty;)*) => {$(
        impl<$($generics)*> Column for $collection
        where
            T::Shape: Single,
        {
            type Shape = Many;
            type List = Many;
            const TYPE: ColumnType = T::TYPE;
            const FIELDS: &'static [FieldSchema] = T::FIELDS;
            const LIMITS: Limits = T::LIMITS;
            const DESCRIPTION: &'static str = T::DESCRIPTION;

            fn write(&self, out: &mut JsonWriter<'_>) {
                out.array(self);
            }
        }
    )*};
}

list_columns! {
    [T: Column] [T];
    [T: Column, const N: usize] [T; N];
    [T: Column] Vec<T>;
}

collection_columns! {
    [T: Column] VecDeque<T>;
    [T: Column] BTreeSet<T>;
    [T: Column, S] HashSet<T, S>;
}

/// Pointers are what they point to.
macro_rules! pointer_columns {
    ($([$($generics:tt)*] $pointer:ty;)*) => {$(
        impl<$($generics)*> Column for $pointer {
            type Shape = T::Shape;
            type List = Many;
            const TYPE: ColumnType = T::TYPE;
            const FIELDS: &'static [FieldSchema] = T::FIELDS;
            const LIMITS: Limits = T::LIMITS;
            const DESCRIPTION: &'static str = T::DESCRIPTION;

            fn write(&self, out: &mut JsonWriter<'_>) {
                (**self).write(out);
            }

            fn is_absent(&self) -> bool {
                (**self).is_absent()
            }
        }
    )*};
}

pointer_columns! {
    [T: Column + ?Sized] &T;
    [T: Column + ?Sized] Box<T>;
    [T: Column + ?Sized] Rc<T>;
    [T: Column + ?Sized] Arc<T>;
    [T: Column + ToOwned + ?Sized] Cow<'_, T>;
}

/// The key of a map that is a column: text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a map",
    label = "the keys of this map are no text",
    note = "a map is a REPEATED RECORD of `key`, a STRING, and `value`: write a map whose keys are `AsRef<str>`, such as `String`",
    note = "for other keys: write a `Vec` of a struct that derives `Column` and has the key and the value as its fields",
    note = "for anything with `serde::Serialize`: `#[event(json)]`"
)]
pub trait MapKey: AsRef<str> {}

#[diagnostic::do_not_recommend]
impl<K: AsRef<str>> MapKey for K {}

/// A REPEATED RECORD of `key` and `value`: BigQuery has no maps.
macro_rules! map_columns {
    ($([$($generics:tt)*] $map:ty;)*) => {$(
        impl<K: MapKey, V: Column, $($generics)*> Column for $map {
            type Shape = Many;
            type List = Many;
            const TYPE: ColumnType = ColumnType::Record;
            const FIELDS: &'static [FieldSchema] =
                &[FieldSchema::of::<String>("key"), FieldSchema::of::<V>("value")];

            fn write(&self, out: &mut JsonWriter<'_>) {
                out.entries(self);
            }
        }
    )*};
}

map_columns! {
    [] BTreeMap<K, V>;
    [S] HashMap<K, V, S>;
}

/// `Value::Null` is SQL's NULL, and left out.
impl Column for serde_json::Value {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Json;

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.json(self);
    }

    fn is_absent(&self) -> bool {
        self.is_null()
    }
}

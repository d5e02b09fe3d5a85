//! Items of every shape as events and as columns: generics, raw names, parts that are configured out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;

use logeater_schema::{Column, ColumnType, Event, EventTime, Mode, UserId};

use crate::{details, types, written};

fn names<E: Event>(index: usize) -> Vec<&'static str> {
    E::TYPES[index]
        .fields
        .iter()
        .map(|field| field.name)
        .collect()
}

/// What a generic type has to do with columns.
trait Shop {
    type Sku;
    const ID: u8;
}

struct Corner;

impl Shop for Corner {
    type Sku = u32;
    const ID: u8 = 1;
}

#[derive(Event)]
#[event("items.generic", crate = logeater_schema)]
struct Generic<'a, 'b: 'a, S: Shop, T = u8, const N: usize = 2>
where
    T: Copy + 'static,
    for<'any> &'any T: PartialEq,
{
    sku: S::Sku,
    qualified: Option<<S as Shop>::Sku>,
    values: [T; N],
    #[event(flatten, prefix = "pair_")]
    pair: Pair<'b, T>,
    #[event(json)]
    json: T,
    #[event(into = String)]
    into: Shown<T>,
    #[event(with = first)]
    with: (T, T),
    #[event(user_id)]
    user: &'a T,
    #[event(skip)]
    shop: PhantomData<S>,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Pair<'a, T: ?Sized>
where
    T: 'a,
{
    left: &'a T,
    right: Cow<'a, str>,
}

struct Shown<T>(T);

impl<T: std::fmt::Display> From<&Shown<T>> for String {
    fn from(shown: &Shown<T>) -> Self {
        shown.0.to_string()
    }
}

mod first {
    pub(super) type Column = bool;

    pub(super) fn column<T>(pair: &(T, T)) -> Column
    where
        for<'any> &'any T: PartialEq,
    {
        &pair.0 == &pair.1
    }
}

#[test]
fn the_bounds_of_an_event_are_those_that_its_columns_need() {
    let (left, user) = (5, 9);
    let event = Generic::<'_, '_, Corner> {
        sku: 1,
        qualified: None,
        values: [2, 3],
        pair: Pair {
            left: &left,
            right: "r".into(),
        },
        json: 6,
        into: Shown(7),
        with: (8, 8),
        user: &user,
        shop: PhantomData,
    };
    assert_eq!(Corner::ID, 1);
    let expected = r#"{"sku":1,"values":"AgM=","pair_left":5,"pair_right":"r","json":6,"into":"7","with":true}"#;
    assert_eq!(details(&event), expected);
    assert_eq!(event.user_id().as_deref(), Some("9"));
}

#[derive(Column)]
#[column(crate = logeater_schema)]
enum Either<'a, L, R: Copy = u8, const N: usize = 1>
where
    L: 'a,
{
    Left(&'a L),
    Right { right: [R; N] },
    Neither,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Key<T, const N: usize = 1>(pub T);

#[derive(Event)]
#[event("generic", crate = logeater_schema)]
enum GenericEnum<T, U: Shop> {
    One {
        value: T,
    },
    Two {
        #[event(flatten)]
        key: Option<T>,
        sku: U::Sku,
    },
}

#[test]
fn enums_and_newtypes_can_be_generic() {
    type Concrete = GenericEnum<Pair<'static, bool>, Corner>;
    let left: Either<'_, String> = Either::Left(&"l".to_owned());
    assert_eq!(written(&left), r#"{"kind":"Left","Left":{"value":"l"}}"#);
    let right: Either<'_, String, u16, 2> = Either::Right { right: [1, 2] };
    assert_eq!(
        written(&right),
        r#"{"kind":"Right","Right":{"right":[1,2]}}"#
    );
    assert_eq!(
        written(&Either::<'_, Key<u8>>::Neither),
        r#"{"kind":"Neither"}"#
    );
    assert_eq!(<Key<Option<bool>>>::TYPE, ColumnType::Boolean);
    assert_eq!(Key::<_, 3>("u").user_id().as_deref(), Some("u"));
    assert_eq!(
        Key::<_>(std::time::SystemTime::UNIX_EPOCH).event_time(),
        Some(std::time::SystemTime::UNIX_EPOCH)
    );
    let event = Concrete::Two {
        key: Some(Pair {
            left: &true,
            right: "r".into(),
        }),
        sku: 1,
    };
    assert_eq!(details(&event), r#"{"left":true,"right":"r","sku":1}"#);
    assert_eq!(names::<Concrete>(0), ["value"]);
    assert_eq!(names::<Concrete>(1), ["left", "right", "sku"]);
}

#[derive(Event)]
#[event("raw", crate = logeater_schema)]
#[expect(non_camel_case_types, reason = "words that are keywords")]
enum r#enum {
    r#Type { r#match: u8, r#crate_: r#struct },
    r#move,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
#[expect(non_camel_case_types, reason = "words that are keywords")]
struct r#struct {
    r#fn: r#trait,
    #[column(flatten, prefix = "as_")]
    r#as: r#loop,
}

#[derive(Column)]
#[column(crate = logeater_schema, rename_all = "UPPERCASE")]
#[expect(non_camel_case_types, reason = "words that are keywords")]
enum r#trait {
    r#dyn { r#in: u8 },
    r#where,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
#[expect(non_camel_case_types, reason = "words that are keywords")]
struct r#loop {
    r#async: r#const,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
#[expect(non_camel_case_types, reason = "words that are keywords")]
struct r#const(u8);

#[test]
fn raw_names_are_names_without_their_mark() {
    let event = r#enum::r#Type {
        r#match: 1,
        r#crate_: r#struct {
            r#fn: r#trait::r#dyn { r#in: 2 },
            r#as: r#loop {
                r#async: r#const(3),
            },
        },
    };
    let expected = r#"{"match":1,"crate_":{"fn":{"kind":"DYN","DYN":{"in":2}},"as_async":3}}"#;
    assert_eq!(details(&event), expected);
    assert_eq!(event.event_type().name, "raw.type");
    assert_eq!(
        event.event_type().source.rust_type,
        "derive::items::enum::Type"
    );
    assert_eq!(r#enum::r#move.event_type().name, "raw.move");
    assert_eq!(written(&r#trait::r#where), r#"{"kind":"WHERE"}"#);
}

#[derive(Event)]
#[event("configured.event", crate = logeater_schema)]
#[cfg_attr(not(any()), event(rename_all = "camelCase"))]
struct ConfiguredEvent {
    #[cfg(any())]
    never_here: Missing,
    #[cfg(not(any()))]
    always_here: bool,
    #[cfg_attr(not(any()), event(skip))]
    #[expect(dead_code, reason = "it is skipped")]
    not_written: bool,
    #[cfg(any())]
    #[event(flatten)]
    flat: Missing,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
enum ConfiguredColumn {
    #[cfg(any())]
    Never(Missing),
    #[cfg(not(any()))]
    #[cfg_attr(not(any()), column(rename = "named"))]
    Some {
        #[cfg(any())]
        missing: Missing,
        #[cfg(not(any()))]
        here: ConfiguredRecord,
    },
    One(#[cfg(not(any()))] bool, #[cfg(any())] Missing),
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct ConfiguredRecord {
    #[cfg(any())]
    missing: Missing,
    #[cfg(not(any()))]
    here: ConfiguredNewtype,
    #[cfg_attr(any(), column(rename = "elsewhere"))]
    other: ConfiguredText,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct ConfiguredNewtype(#[cfg(any())] Missing, #[cfg(not(any()))] u8);

#[derive(Column)]
#[column(crate = logeater_schema)]
enum ConfiguredText {
    #[cfg(any())]
    Never,
    Always,
}

#[test]
fn what_is_configured_out_of_a_column_is_not_there() {
    let event = ConfiguredEvent {
        always_here: true,
        not_written: false,
    };
    assert_eq!(details(&event), r#"{"alwaysHere":true}"#);
    let column = ConfiguredColumn::Some {
        here: ConfiguredRecord {
            here: ConfiguredNewtype(1),
            other: ConfiguredText::Always,
        },
    };
    let expected = r#"{"kind":"named","named":{"here":{"here":1,"other":"Always"}}}"#;
    assert_eq!(written(&column), expected);
    assert_eq!(
        written(&ConfiguredColumn::One(true)),
        r#"{"kind":"One","One":{"value":true}}"#
    );
    assert_eq!(ConfiguredText::DESCRIPTION, "One of: `Always`.");
    assert_eq!(ConfiguredColumn::FIELDS.len(), 3);
}

#[derive(Event)]
#[event("items.unit", crate = logeater_schema)]
struct Unit;

#[derive(Event)]
#[event("items.empty", crate = logeater_schema)]
struct Empty {}

#[derive(Event)]
#[event("itemsdiscriminants", crate = logeater_schema)]
#[repr(u8)]
enum Discriminants {
    One = 1,
    Two {} = 7,
    Three { a: u8 } = 9,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
#[repr(i8)]
enum Numbered {
    One = -1,
    Two() = 7,
}

#[test]
fn items_without_fields_and_with_discriminants_are_items() {
    assert_eq!(details(&Unit), "{}");
    assert_eq!(details(&Empty {}), "{}");
    assert_eq!(details(&Discriminants::Two {}), "{}");
    assert_eq!(details(&Discriminants::One), "{}");
    assert_eq!(details(&Discriminants::Three { a: 1 }), r#"{"a":1}"#);
    assert_eq!(
        written(&[Numbered::One, Numbered::Two()]),
        r#"["One","Two"]"#
    );
}

#[derive(Event)]
#[event("items.types", crate = logeater_schema)]
struct Types<'a> {
    array: [[u8; 1 + 1]; 1],
    path: ::std::vec::Vec<::std::string::String>,
    dynamic: HashMap<&'a str, <u8 as ToOwned>::Owned>,
    macro_type: text!(),
    nested: Vec<Pair<'a, [u8]>>,
}

macro_rules! text {
    () => {
        String
    };
}
use text;

#[test]
fn the_types_of_fields_can_be_written_in_any_way() {
    let modes: Vec<_> = types(Types::TYPES[0].fields)
        .into_iter()
        .map(|(_, column_type, mode)| (column_type, mode))
        .collect();
    assert_eq!(modes[1], (ColumnType::String, Mode::Repeated));
}

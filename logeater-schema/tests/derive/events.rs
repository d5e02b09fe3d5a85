//! Structs and enums as events.

use std::time::SystemTime;

use logeater_schema::{Column, ColumnType, Event, Mode};

use crate::{details, types};

/// A product was put into
/// a shopping cart.
///
/// By a person.
#[derive(Event)]
#[event("cart.add", crate = logeater_schema)]
struct CartAdd {
    /// Stock keeping unit.
    sku: Sku,
    quantity: u32,
    status: Status,
    gift_for: Option<String>,
    tags: Vec<String>,
    shipping: Address,
    #[event(user_id)]
    user: String,
    #[event(timestamp)]
    at: SystemTime,
    #[event(skip)]
    _session: Session,
}

#[derive(Default)]
struct Session;

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Sku(String);

/// How far the order is.
#[derive(Column)]
#[column(crate = logeater_schema)]
enum Status {
    Open,
    #[column(rename = "paid_in_full")]
    Paid,
}

/// Where it goes.
#[derive(Column)]
#[column(crate = logeater_schema)]
struct Address {
    city: String,
    zip: Option<String>,
}

#[derive(Event)]
#[event("cart", crate = logeater_schema)]
enum Cart {
    /// A product was taken out.
    Remove {
        sku: String,
        #[event(user_id)]
        by: u64,
    },
    Reset,
    #[event("add.from_mobile")]
    AddFromMobile {
        sku: Sku,
        app: &'static str,
    },
}

fn cart_add() -> CartAdd {
    CartAdd {
        sku: Sku("A\"1".to_owned()),
        quantity: 2,
        status: Status::Paid,
        gift_for: None,
        tags: vec!["new".to_owned()],
        shipping: Address {
            city: "Bonn".to_owned(),
            zip: None,
        },
        user: "u-42".to_owned(),
        at: SystemTime::UNIX_EPOCH,
        _session: Session,
    }
}

#[test]
fn the_details_are_the_columns_that_have_a_value() {
    let expected = r#"{"sku":"A\"1","quantity":2,"status":"paid_in_full","tags":["new"],"shipping":{"city":"Bonn"}}"#;
    assert_eq!(details(&cart_add()), expected);
}

#[test]
fn an_event_declares_a_column_for_each_field_that_is_not_marked_otherwise() {
    assert_eq!(
        types(CartAdd::TYPES[0].fields),
        [
            ("sku", ColumnType::String, Mode::Nullable),
            ("quantity", ColumnType::Integer, Mode::Nullable),
            ("status", ColumnType::String, Mode::Nullable),
            ("gift_for", ColumnType::String, Mode::Nullable),
            ("tags", ColumnType::String, Mode::Repeated),
            ("shipping", ColumnType::Record, Mode::Nullable),
        ]
    );
}

#[test]
fn doc_comments_are_descriptions() {
    let [cart_add] = CartAdd::TYPES else {
        panic!("one event type")
    };
    assert_eq!(
        cart_add.description,
        "A product was put into a shopping cart.\n\nBy a person."
    );
    assert_eq!(cart_add.fields[0].description, "Stock keeping unit.");
    assert_eq!(cart_add.fields[1].description, "");
    assert_eq!(cart_add.fields[5].type_description, "Where it goes.");
    assert_eq!(Cart::TYPES[0].description, "A product was taken out.");
}

#[test]
fn the_description_of_an_enum_lists_its_values() {
    assert_eq!(
        Status::DESCRIPTION,
        "How far the order is. One of: `Open`, `paid_in_full`."
    );
}

#[test]
fn the_envelope_comes_from_the_marked_fields() {
    let event = cart_add();
    assert_eq!(event.user_id().as_deref(), Some("u-42"));
    assert_eq!(event.timestamp(), Some(SystemTime::UNIX_EPOCH));
    assert_eq!(event.event_type().name, "cart.add");
    assert_eq!(event.event_type(), &CartAdd::TYPES[0]);
}

const HERE: u32 = line!();

#[derive(Event)]
#[event("where.struct", crate = logeater_schema)]
struct Located;

#[derive(Event)]
#[event("where", crate = logeater_schema)]
enum LocatedParts {
    First,
    Second,
}

#[test]
fn an_event_type_knows_where_it_was_declared() {
    let source = Located::TYPES[0].source;
    assert_eq!(
        (source.rust_type, source.file, source.line),
        ("derive::events::Located", file!(), HERE + 4)
    );
    let source = LocatedParts::TYPES[1].source;
    assert_eq!(
        (source.rust_type, source.line),
        ("derive::events::LocatedParts::Second", HERE + 10)
    );
}

#[test]
fn each_variant_of_an_enum_is_an_event_type() {
    let names: Vec<_> = Cart::TYPES
        .iter()
        .map(|event_type| event_type.name)
        .collect();
    assert_eq!(names, ["cart.remove", "cart.reset", "cart.add.from_mobile"]);
    let event = Cart::Remove {
        sku: "A1".to_owned(),
        by: 7,
    };
    assert_eq!(event.event_type().name, "cart.remove");
    assert_eq!(event.user_id().as_deref(), Some("7"));
    assert_eq!(event.timestamp(), None);
    assert_eq!(details(&event), r#"{"sku":"A1"}"#);
    let event = Cart::AddFromMobile {
        sku: Sku("A1".to_owned()),
        app: "ios",
    };
    assert_eq!(event.event_type().name, "cart.add.from_mobile");
    assert_eq!(event.user_id(), None);
    assert_eq!(details(&event), r#"{"sku":"A1","app":"ios"}"#);
    assert_eq!(Cart::Reset.event_type().fields, []);
    assert_eq!(details(&Cart::Reset), "{}");
}

/// Generic events are declared for each of their types.
#[derive(Event)]
#[event("generic.pair", crate = logeater_schema)]
struct Pair<'a, T, U, const N: usize>
where
    T: Clone,
{
    first: T,
    second: Option<U>,
    #[event(required)]
    third: Wrapper<T>,
    #[event(display)]
    fourth: Option<T>,
    #[event(user_id)]
    user: &'a T,
    bytes: [u8; N],
    #[event(skip)]
    _other: &'a str,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Wrapper<T>(T);

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Both<'a, T: ?Sized> {
    left: &'a T,
    right: &'a str,
}

#[test]
fn bounds_of_generic_types_are_inferred() {
    type Texts<'a> = Pair<'a, String, Both<'a, str>, 3>;
    let user = "u-1".to_owned();
    let event: Texts<'_> = Pair {
        first: "a".to_owned(),
        second: Some(Both {
            left: "l",
            right: "r",
        }),
        third: Wrapper("c".to_owned()),
        fourth: Some("d".to_owned()),
        user: &user,
        bytes: [1, 2, 3],
        _other: "",
    };
    assert_eq!(event.user_id().as_deref(), Some("u-1"));
    assert_eq!(
        details(&event),
        r#"{"first":"a","second":{"left":"l","right":"r"},"third":"c","fourth":"d","bytes":"AQID"}"#
    );
    assert_eq!(Texts::TYPES[0].fields[2].mode, Mode::Required);
    assert_eq!(
        types(Texts::TYPES[0].fields[1].fields)[1],
        ("right", ColumnType::String, Mode::Nullable)
    );
}

#[derive(Event)]
#[event("generic.text", crate = logeater_schema)]
struct Text<'a, 'b: 'a> {
    left: &'a str,
    right: &'b str,
}

#[cfg(feature = "catalog")]
#[test]
fn events_register_unless_they_are_generic() {
    use logeater_schema::__private::{RegisteredEvents, inventory};

    #[derive(Event)]
    #[event("inside.function", crate = logeater_schema)]
    struct Inside;

    let registered: Vec<_> = inventory::iter::<RegisteredEvents>
        .into_iter()
        .flat_map(RegisteredEvents::types)
        .map(|known| known.name)
        .collect();
    for name in [
        "cart.add",
        "cart.remove",
        "cart.reset",
        "inside.function",
        "generic.text",
        "shadow.prelude",
    ] {
        assert_eq!(
            registered.iter().filter(|known| **known == name).count(),
            1,
            "{name}"
        );
    }
    assert!(!registered.contains(&"generic.pair"));
}

#[derive(Event)]
#[event("empty.details", crate = logeater_schema)]
struct OnlyUser {
    #[event(user_id)]
    user: Option<u64>,
    #[event(skip)]
    skipped: Session,
}

#[test]
fn an_event_without_columns_has_no_fields() {
    assert_eq!(OnlyUser::TYPES[0].fields, []);
    let event = OnlyUser {
        user: Some(1),
        skipped: Session,
    };
    assert_eq!(details(&event), "{}");
    assert_eq!(event.user_id().as_deref(), Some("1"));
}

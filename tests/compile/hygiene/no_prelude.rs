//! Derives where nothing is there but what is named.

#![no_implicit_prelude]

use ::logeater_compile_tests::passed_on::{Column, Event};
use ::std::primitive::{bool, u8, u16, u64};

#[derive(Event)]
#[event("no.prelude", crate = ::logeater_compile_tests::passed_on)]
struct NoPrelude<'a, T> {
    #[event(required)]
    record: Record,
    generic: ::std::option::Option<T>,
    data: ::std::vec::Vec<Data<'a>>,
    text: Text,
    #[event(json)]
    json: ::std::option::Option<u8>,
    #[event(display, max_length = 3)]
    display: ::std::option::Option<u8>,
    #[event(into = ::std::string::String)]
    into: Shown,
    #[event(with = adapter)]
    with: (u8, u8),
    #[event(int64)]
    int64: u64,
    #[event(numeric(3))]
    numeric: u64,
    #[event(secs)]
    took: ::std::time::Duration,
    #[event(flatten, prefix = "flat_")]
    flat: ::std::option::Option<Record>,
    #[event(user_id)]
    user: Newtype<'a>,
    #[event(timestamp)]
    at: ::std::time::SystemTime,
}

#[derive(Event)]
#[event("noprelude", crate = ::logeater_compile_tests::passed_on)]
enum Variants {
    One {
        field: bool,
        #[event(user_id)]
        user: u8,
    },
    Two {
        #[event(flatten)]
        record: Record,
        #[event(timestamp)]
        at: ::std::time::SystemTime,
    },
    Three,
}

#[derive(Column)]
#[column(crate = ::logeater_compile_tests::passed_on)]
struct Record {
    #[column(policy_tag = "projects/p/locations/eu/taxonomies/1/policyTags/2")]
    number: u16,
}

#[derive(Column)]
#[column(crate = ::logeater_compile_tests::passed_on)]
struct Newtype<'a>(&'a ::std::primitive::str);

#[derive(Column)]
#[column(crate = ::logeater_compile_tests::passed_on)]
enum Data<'a> {
    Named { named: Newtype<'a> },
    Unnamed(u8),
    Nothing,
}

#[derive(Column)]
#[column(crate = ::logeater_compile_tests::passed_on)]
enum Text {
    One,
}

struct Shown;

impl ::std::convert::From<&Shown> for ::std::string::String {
    fn from(_: &Shown) -> Self {
        ::std::convert::From::from("shown")
    }
}

mod adapter {
    pub(super) type Column = ::std::primitive::u8;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "an adapter gets a reference"
    )]
    pub(super) fn column(pair: &(Column, Column)) -> Column {
        pair.0
    }
}

#[::core::prelude::v1::test]
fn derives_need_nothing_of_the_prelude() {
    let at = ::std::time::SystemTime::UNIX_EPOCH;
    let event = NoPrelude {
        record: Record { number: 1 },
        generic: ::std::option::Option::Some(2_u8),
        data: ::std::vec![
            Data::Named {
                named: Newtype("n")
            },
            Data::Unnamed(3),
            Data::Nothing
        ],
        text: Text::One,
        json: ::std::option::Option::Some(4),
        display: ::std::option::Option::Some(5),
        into: Shown,
        with: (6, 0),
        int64: 7,
        numeric: 8,
        took: ::std::time::Duration::from_secs(9),
        flat: ::std::option::Option::Some(Record { number: 10 }),
        user: Newtype("u"),
        at,
    };
    let expected = ::std::concat!(
        r#"{"record":{"number":1},"generic":2,"data":[{"kind":"Named","Named":{"named":"n"}},"#,
        r#"{"kind":"Unnamed","Unnamed":{"value":3}},{"kind":"Nothing"}],"text":"One","json":4,"display":"5","#,
        r#""into":"shown","with":6,"int64":7,"numeric":"8","took":9,"flat_number":10}"#
    );
    ::std::assert_eq!(crate::details(&event), expected);
    ::std::assert_eq!(event.timestamp(), ::std::option::Option::Some(at));
    let record = Record { number: 1 };
    for (event, details) in [
        (
            Variants::One {
                field: true,
                user: 1,
            },
            r#"{"field":true}"#,
        ),
        (Variants::Two { record, at }, r#"{"number":1}"#),
        (Variants::Three, "{}"),
    ] {
        ::std::assert_eq!(crate::details(&event), details);
    }
}

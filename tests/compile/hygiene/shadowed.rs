//! Derives where all that their output could name is something else.

/// The names of the prelude, of primitive types, of crates, of macros and of our own.
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "to be shadowed"
)]
mod names {
    macro_rules! types {
        ($($name:ident)*) => {$(
            #[derive(Debug)]
            pub(super) struct $name;
        )*};
    }

    types! {
        Option Some None Result Ok Err String Vec Box Cow Column Event EventType FieldSchema JsonWriter
        Limits Part Source One Maybe Many Shape str u8 u16 u32 u64 usize i64 bool char f64
        field record key value object out Self_
    }

    macro_rules! traits {
        ($($name:ident)*) => {$(pub(super) trait $name {})*};
    }

    traits! {
        Default Send Sync Sized Copy Clone Drop Fn FnOnce FnMut From Into AsRef Iterator IntoIterator ToString
        ToOwned Extend Eq PartialEq Ord PartialOrd Debug Display Serialize UserId EventTime Span Flat Single
    }

    macro_rules! modules {
        ($($name:ident)*) => {$(pub(super) mod $name {})*};
    }

    modules! { core std alloc analytics logeater_client logeater_schema logeater_derive serde inventory __private }

    macro_rules! constants {
        ($($name:ident)*) => {$(pub(super) const $name: () = ();)*};
    }

    constants! { TYPE TYPES FIELD FIELDS PARTS LIMITS DESCRIPTION VARIANT sku number }

    macro_rules! macros {
        ($dollar:tt $($name:ident)*) => {$(
            macro_rules! $name {
                ($dollar($dollar any:tt)*) => { compile_error!("the output of a derive is not to name this") };
            }
            pub(super) use $name;
        )*};
    }

    macros! {
        $ assert assert_eq panic concat include_str stringify module_path file line column matches vec format
        write unreachable todo env option_env debug_assert println const_format register submit
    }
}

mod derived {
    #[expect(unused_imports, reason = "nobody means these names")]
    use super::names::*;
    use ::std::primitive as p;

    #[derive(::analytics::Event)]
    #[event("shadowed.all", crate = ::analytics)]
    pub(in super::super) struct Everything<'a, T> {
        #[event(required)]
        pub(in super::super) number: p::u8,
        pub(in super::super) sku: ::std::option::Option<&'a p::str>,
        pub(in super::super) generic: T,
        pub(in super::super) all: ::std::vec::Vec<Kinds<'a, T>>,
        pub(in super::super) words: Words,
        #[event(json)]
        pub(in super::super) json: p::bool,
        #[event(display)]
        pub(in super::super) display: ::std::option::Option<p::char>,
        #[event(max_length = 3)]
        pub(in super::super) code: ::std::string::String,
        #[event(int64)]
        pub(in super::super) long: p::u64,
        #[event(numeric(4, 2))]
        pub(in super::super) decimal: p::u64,
        #[event(nanos)]
        pub(in super::super) took: ::std::time::Duration,
        #[event(flatten, prefix = "flat_")]
        pub(in super::super) flat: Record<T>,
        #[event(user_id)]
        pub(in super::super) user: Newtype<p::u8>,
        #[event(timestamp)]
        pub(in super::super) at: ::std::time::SystemTime,
    }

    #[derive(::analytics::Event)]
    #[event("shadowed", crate = ::analytics)]
    #[expect(clippy::upper_case_acronyms, reason = "names that the derives mean")]
    pub(in super::super) enum Types {
        Some {
            number: p::u8,
            #[event(user_id)]
            user: p::u8,
            #[event(timestamp)]
            at: ::std::time::SystemTime,
        },
        None,
        Event {
            #[event(flatten)]
            number: Record<p::u8>,
        },
        TYPES,
    }

    #[derive(::analytics::Column)]
    #[column(crate = ::analytics)]
    #[expect(clippy::upper_case_acronyms, reason = "names that the derives mean")]
    pub(in super::super) enum Kinds<'a, T> {
        Ok(Newtype<T>),
        Err { number: T, sku: Newtype<&'a p::str> },
        Shape,
        List(p::u8),
        FIELDS { value: p::u8 },
        Self_,
    }

    #[derive(::analytics::Column)]
    #[column(crate = ::analytics)]
    #[expect(clippy::upper_case_acronyms, reason = "names that the derives mean")]
    pub(in super::super) enum Words {
        Some,
        None,
        Shape,
        TYPE,
        List,
    }

    #[derive(::analytics::Column)]
    #[column(crate = ::analytics)]
    pub(in super::super) struct Newtype<T>(pub(in super::super) T);

    #[derive(::analytics::Column)]
    #[column(crate = ::analytics)]
    pub(in super::super) struct Record<Column> {
        pub(in super::super) number: Column,
    }
}

use self::derived::{Everything, Kinds, Newtype, Record, Types, Words};
use crate::details;

#[test]
fn names_of_users_may_be_those_that_the_derives_mean() {
    let at = std::time::SystemTime::UNIX_EPOCH;
    let event = Everything {
        number: 1,
        sku: Some("s"),
        generic: 2_i8,
        all: vec![
            Kinds::Ok(Newtype(3)),
            Kinds::Err {
                number: 4,
                sku: Newtype("n"),
            },
            Kinds::Shape,
            Kinds::List(5),
            Kinds::FIELDS { value: 6 },
            Kinds::Self_,
        ],
        words: Words::Some,
        json: true,
        display: Some('d'),
        code: "abc".to_owned(),
        long: 7,
        decimal: 8,
        took: std::time::Duration::from_nanos(9),
        flat: Record { number: 10 },
        user: Newtype(11),
        at,
    };
    let expected = concat!(
        r#"{"number":1,"sku":"s","generic":2,"all":[{"kind":"Ok","Ok":{"value":3}},"#,
        r#"{"kind":"Err","Err":{"number":4,"sku":"n"}},{"kind":"Shape"},{"kind":"List","List":{"value":5}},"#,
        r#"{"kind":"FIELDS","FIELDS":{"value":6}},{"kind":"Self_"}],"words":"Some","json":true,"display":"d","#,
        r#""code":"abc","long":7,"decimal":"8","took":9,"flat_number":10}"#
    );
    assert_eq!(details(&event), expected);
}

#[test]
fn variants_may_have_names_that_the_derives_mean() {
    let at = std::time::SystemTime::UNIX_EPOCH;
    for (event, expected) in [
        (
            Types::Some {
                number: 1,
                user: 2,
                at,
            },
            r#"{"number":1}"#,
        ),
        (Types::None, "{}"),
        (
            Types::Event {
                number: Record { number: 3 },
            },
            r#"{"number":3}"#,
        ),
        (Types::TYPES, "{}"),
    ] {
        assert_eq!(details(&event), expected);
    }
    for words in [Words::None, Words::Shape, Words::TYPE, Words::List] {
        let event = Everything {
            number: 1,
            sku: None,
            generic: 1_u8,
            all: vec![],
            words,
            json: true,
            display: None,
            code: String::new(),
            long: 1,
            decimal: 1,
            took: std::time::Duration::ZERO,
            flat: Record { number: 1 },
            user: Newtype(1),
            at,
        };
        assert!(details(&event).contains("\"words\":"));
    }
}

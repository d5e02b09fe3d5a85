//! Derives amid what else may stand in a user's code: `cfg`, deprecation, macros, shadowed names.

use std::time::{Duration, SystemTime};

use logeater_schema::{Column, Event};

use crate::details;

/// Parts that are configured out have no column.
#[derive(Event)]
#[event("configured.fields", crate = logeater_schema)]
enum Configured {
    #[cfg(any())]
    Never { missing: Missing },
    Some {
        #[cfg(any())]
        #[event(user_id)]
        missing: Missing,
        #[cfg(not(any()))]
        here: bool,
        #[cfg_attr(not(any()), event(rename = "there"))]
        other: bool,
    },
}

#[test]
fn parts_that_are_configured_out_have_no_column() {
    assert_eq!(Configured::TYPES.len(), 1);
    assert_eq!(
        details(&Configured::Some {
            here: true,
            other: false
        }),
        r#"{"here":true,"there":false}"#
    );
}

#[derive(Event)]
#[event("deprecated.parts", crate = logeater_schema)]
enum Deprecated {
    #[deprecated]
    Old {
        #[deprecated]
        field: bool,
    },
}

#[derive(Event)]
#[event("deprecated.all", crate = logeater_schema)]
#[deprecated]
struct DeprecatedAll {
    #[deprecated]
    field: bool,
    #[deprecated]
    #[event(user_id)]
    user: u8,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
#[deprecated]
struct DeprecatedColumn(u8);

macro_rules! event_of {
    ($(#[$attribute:meta])* $name:ident, $event_type:literal, $field:ident: $ty:ty) => {
        $(#[$attribute])*
        #[derive(Event)]
        #[event($event_type, crate = logeater_schema)]
        struct $name {
            #[event(display)]
            $field: $ty,
        }
    };
}

event_of! {
    /// Declared by a macro.
    Declared, "declared.by_macro", field: Option<u8>
}

#[test]
fn a_macro_can_declare_an_event() {
    assert_eq!(details(&Declared { field: None }), "{}");
    assert_eq!(details(&Declared { field: Some(1) }), r#"{"field":"1"}"#);
    assert_eq!(Declared::TYPES[0].description, "Declared by a macro.");
}

/// A user may call anything like something of the prelude.
mod shadowed {
    use logeater_schema::{Column, Event};

    pub(super) struct Option;
    pub(super) struct Result;
    pub(super) struct String;
    pub(super) struct Vec;
    pub(super) struct Some;
    pub(super) struct None;
    #[expect(non_camel_case_types, reason = "to be shadowed")]
    pub(super) struct str;
    #[expect(non_camel_case_types, reason = "to be shadowed")]
    pub(super) struct bool;
    mod core {}
    mod std {}
    mod alloc {}
    mod logeater_client {}
    trait From {}
    trait Iterator {}
    trait IntoIterator {}
    #[expect(
        non_upper_case_globals,
        reason = "a pattern of this name is a constant"
    )]
    const sku: u8 = 0;
    #[expect(unused_macros, reason = "to be shadowed")]
    macro_rules! concat {
        () => {};
    }

    #[derive(Event)]
    #[event("shadow", crate = logeater_schema)]
    pub(super) enum Shadow {
        Prelude {
            sku: u8,
            #[event(required)]
            word: Word,
            #[event(display)]
            shown: ::std::option::Option<u8>,
            #[event(user_id)]
            user: u8,
            #[event(timestamp)]
            at: ::std::time::SystemTime,
            #[event(flatten, prefix = "flat_")]
            flat: Flat,
        },
    }

    #[derive(Column)]
    #[column(crate = logeater_schema)]
    pub(super) struct Flat {
        #[column(int64)]
        pub(super) long: u64,
        #[column(display, max_length = 3)]
        pub(super) code: u8,
        #[column(millis)]
        pub(super) took: ::std::time::Duration,
        pub(super) data: Data,
    }

    #[derive(Column)]
    #[column(crate = logeater_schema)]
    pub(super) enum Data {
        Some { sku: u8 },
        Ok(u8),
        None,
    }

    #[derive(Column)]
    #[column(crate = logeater_schema)]
    pub(super) struct Word(pub(super) u8);

    #[derive(Column)]
    #[column(crate = logeater_schema)]
    pub(super) struct Words {
        out: Word,
        level: Level,
    }

    /// How high.
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    pub(super) enum Level {
        Ok,
        Err,
        Some,
        None,
    }
}

#[test]
fn names_of_the_prelude_may_be_shadowed() {
    use shadowed::{Data, Flat, Shadow, Word};
    let at = SystemTime::UNIX_EPOCH;
    let event = Shadow::Prelude {
        sku: 1,
        word: Word(2),
        shown: Some(3),
        user: 4,
        at,
        flat: Flat {
            long: 5,
            code: 6,
            took: Duration::from_millis(7),
            data: Data::Some { sku: 8 },
        },
    };
    let expected = concat!(
        r#"{"sku":1,"word":2,"shown":"3","flat_long":5,"flat_code":"6","flat_took":7,"#,
        r#""flat_data":{"kind":"Some","Some":{"sku":8}}}"#
    );
    assert_eq!(details(&event), expected);
}

/// The names that the derives' own output might use.
#[test]
fn the_fields_of_variants_may_have_any_name() {
    #[derive(Event)]
    #[event("hygiene", crate = logeater_schema)]
    enum Names {
        Taken {
            out: String,
            variant: u8,
            object: u8,
            value: u8,
            logeater: u8,
            start: u8,
            this: u8,
        },
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    enum Data {
        Taken {
            out: String,
            variant: u8,
            object: u8,
            value: u8,
            logeater: u8,
            start: u8,
            this: u8,
        },
    }
    #[derive(Event)]
    #[event("hygiene.data", crate = logeater_schema)]
    struct Holder {
        data: Data,
    }
    let numbers = r#""variant":1,"object":2,"value":3,"logeater":4,"start":5,"this":6"#;
    let event = Names::Taken {
        out: "a".to_owned(),
        variant: 1,
        object: 2,
        value: 3,
        logeater: 4,
        start: 5,
        this: 6,
    };
    assert_eq!(details(&event), format!(r#"{{"out":"a",{numbers}}}"#));
    let data = Data::Taken {
        out: "a".to_owned(),
        variant: 1,
        object: 2,
        value: 3,
        logeater: 4,
        start: 5,
        this: 6,
    };
    assert_eq!(
        details(&Holder { data }),
        format!(r#"{{"data":{{"kind":"Taken","Taken":{{"out":"a",{numbers}}}}}}}"#)
    );
}

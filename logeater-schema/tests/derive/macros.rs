//! Events and columns that macros and functions declare.

use std::collections::BTreeMap;
use std::time::Duration;

use logeater_schema::{Column, Event};

use crate::details;

/// Every fragment that a macro can pass on, each of which may come in a group without delimiters.
macro_rules! declare {
    (
        $event_type:literal $rename:literal $prefix:literal $(#[$attribute:meta])*
        $vis:vis $event:ident { $first:ident: $first_type:ty, $($field:ident: $type:ty),* }
        $record:ident $newtype:ident($inner:ty) $data:ident { $variant:ident($value:ty) }
        $lifetime:lifetime $adapter:path, $max:literal $tokens:tt
    ) => {
        $(#[$attribute])*
        #[derive(Event)]
        #[event($event_type, crate = logeater_schema)]
        $vis struct $event<$lifetime> {
            #[event(rename = $rename, description = $rename)]
            $first: $first_type,
            $($field: $type,)*
            option: Option<$first_type>,
            list: Vec<$inner>,
            borrowed: &$lifetime $value,
            #[event(json)]
            json: $first_type,
            #[event(display)]
            display: $first_type,
            #[event(into = $inner)]
            into: Wide,
            #[event(with = $adapter)]
            with: $inner,
            #[event(max_length = $max)]
            code: $value,
            #[event(millis)]
            took: std::time::Duration,
            #[event(user_id)]
            user: $inner,
            #[event(flatten, prefix = $prefix)]
            record: $record,
        }

        $(#[$attribute])*
        #[derive(Column)]
        #[column(crate = logeater_schema)]
        $vis struct $record {
            #[column(rename = $rename, required)]
            $first: $first_type,
            data: $data,
            tokens: $tokens,
        }

        #[derive(Column, PartialEq)]
        #[column(crate = logeater_schema)]
        $vis struct $newtype($inner);

        #[derive(Column, PartialEq)]
        #[column(crate = logeater_schema)]
        $vis enum $data {
            $variant($value),
            Fields { $first: $first_type, newtype: $newtype },
        }
    };
}

mod doubled {
    pub(super) type Column = i64;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "an adapter gets a reference"
    )]
    pub(super) fn column(value: &u32) -> Column {
        i64::from(*value) * 2
    }
}

#[derive(PartialEq)]
struct Wide(u64);

impl From<&Wide> for u32 {
    fn from(wide: &Wide) -> Self {
        u32::try_from(wide.0).unwrap_or(u32::MAX)
    }
}

declare! {
    "declared.fragments" "named" "record_"
    /// Declared by a macro.
    #[derive(PartialEq)]
    pub(crate) Fragments { number: u8, maybe: Option<u16>, map: BTreeMap<String, u8> }
    FragmentRecord FragmentNewtype(u32) FragmentData { Value(String) }
    'a doubled, 3 bool
}

#[test]
fn a_macro_can_declare_events_and_columns_of_fragments() {
    let text = "t".to_owned();
    let event = Fragments {
        number: 1,
        maybe: Some(2),
        map: BTreeMap::from([("k".to_owned(), 3)]),
        option: Some(4),
        list: vec![5],
        borrowed: &text,
        json: 6,
        display: 7,
        into: Wide(8),
        with: 9,
        code: "abc".to_owned(),
        took: Duration::from_millis(10),
        user: 11,
        record: FragmentRecord {
            number: 12,
            data: FragmentData::Fields {
                number: 13,
                newtype: FragmentNewtype(14),
            },
            tokens: true,
        },
    };
    let expected = concat!(
        r#"{"named":1,"maybe":2,"map":[{"key":"k","value":3}],"option":4,"list":[5],"borrowed":"t","json":6,"#,
        r#""display":"7","into":8,"with":18,"code":"abc","took":10,"#,
        r#""record_named":12,"record_data":{"kind":"Fields","Fields":{"number":13,"newtype":14}},"record_tokens":true}"#
    );
    assert_eq!(details(&event), expected);
    assert_eq!(event.user_id().as_deref(), Some("11"));
    let [declared] = Fragments::TYPES else {
        panic!("one event type")
    };
    assert_eq!(declared.description, "Declared by a macro.");
    assert_eq!(declared.fields[0].description, "named");
}

macro_rules! declare_enum {
    ($event_type:literal $event:ident { $($variant:ident { $($field:ident: $type:ty),* })* } $text:ident { $($value:ident)* }) => {
        #[derive(Event)]
        #[event($event_type, crate = logeater_schema)]
        enum $event {
            $($variant { $($field: $type),* },)*
        }

        #[derive(Column)]
        #[column(crate = logeater_schema)]
        enum $text {
            $($value),*
        }
    };
}

declare_enum! {
    "declaredenum" DeclaredEnum { One { text: DeclaredText } Two { text: Option<DeclaredText>, out: u8 } Three {} }
    DeclaredText { First Second }
}

#[test]
fn a_macro_can_declare_enums() {
    assert_eq!(
        details(&DeclaredEnum::One {
            text: DeclaredText::First
        }),
        r#"{"text":"First"}"#
    );
    let two = DeclaredEnum::Two {
        text: Some(DeclaredText::Second),
        out: 1,
    };
    assert_eq!(details(&two), r#"{"text":"Second","out":1}"#);
    assert_eq!(
        DeclaredEnum::Three {}.event_type().name,
        "declaredenum.three"
    );
}

/// A macro that declares all of an item has names of its own in it.
macro_rules! declare_whole {
    ($name:ident) => {
        #[derive(Event)]
        #[event("declared.whole", crate = logeater_schema)]
        struct $name {
            own: u8,
            #[event(user_id)]
            user: u8,
        }

        impl $name {
            fn new(own: u8) -> Self {
                Self { own, user: own }
            }
        }
    };
}

#[test]
fn a_function_can_declare_events_and_columns() {
    declare_whole!(Whole);
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Inside {
        newtype: Newtype,
        text: Text,
        data: Vec<Data>,
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Newtype(u8);
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    enum Text {
        One,
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    enum Data {
        One(Newtype),
    }
    #[derive(Event)]
    #[event("inside.an_expression", crate = logeater_schema)]
    struct Flat {
        #[event(flatten)]
        inside: Inside,
    }
    let event = {
        #[derive(Event)]
        #[event("inside", crate = logeater_schema)]
        enum Block {
            Deep { flat: Option<Newtype> },
        }
        details(&Block::Deep { flat: None })
    };
    assert_eq!(event, "{}");
    let closure = || {
        #[derive(Event)]
        #[event("closure.inside_it", crate = logeater_schema)]
        struct Closure {
            inside: Newtype,
        }
        details(&Closure { inside: Newtype(1) })
    };
    assert_eq!(closure(), r#"{"inside":1}"#);
    let inside = Inside {
        newtype: Newtype(2),
        text: Text::One,
        data: vec![Data::One(Newtype(3))],
    };
    assert_eq!(
        details(&Flat { inside }),
        r#"{"newtype":2,"text":"One","data":[{"kind":"One","One":{"value":3}}]}"#
    );
    assert_eq!(details(&Whole::new(1)), r#"{"own":1}"#);
}

//! What the derives read is not dead code, and what nobody reads still is.

use logeater_compile_tests::passed_on::{Column, Event};

use crate::details;

#[derive(Event)]
#[event("dead.code", crate = logeater_compile_tests::passed_on)]
struct Written {
    record: Record,
    data: Data,
    text: Text,
    #[event(user_id)]
    user: u8,
    #[event(skip)]
    #[expect(dead_code, reason = "nobody reads it")]
    skipped: u8,
}

#[derive(Column)]
#[column(crate = logeater_compile_tests::passed_on)]
struct Record {
    newtype: Newtype,
    #[column(flatten)]
    flat: Flat,
}

#[derive(Column)]
#[column(crate = logeater_compile_tests::passed_on)]
struct Newtype(u8);

#[derive(Column)]
#[column(crate = logeater_compile_tests::passed_on)]
struct Flat {
    inside: bool,
}

#[derive(Column)]
#[column(crate = logeater_compile_tests::passed_on)]
enum Data {
    Named { named: u8 },
    Unnamed(u8),
}

#[derive(Column)]
#[column(crate = logeater_compile_tests::passed_on)]
enum Text {
    One,
    #[expect(dead_code, reason = "nobody makes it")]
    Two,
}

#[test]
fn fields_that_only_a_derive_reads_are_not_dead() {
    let event = |data| Written {
        record: Record {
            newtype: Newtype(1),
            flat: Flat { inside: true },
        },
        data,
        text: Text::One,
        user: 2,
        skipped: 3,
    };
    let expected = |data: &str| {
        format!(r#"{{"record":{{"newtype":1,"inside":true}},"data":{{{data}}},"text":"One"}}"#)
    };
    assert_eq!(
        details(&event(Data::Named { named: 4 })),
        expected(r#""kind":"Named","Named":{"named":4}"#)
    );
    assert_eq!(
        details(&event(Data::Unnamed(5))),
        expected(r#""kind":"Unnamed","Unnamed":{"value":5}"#)
    );
}

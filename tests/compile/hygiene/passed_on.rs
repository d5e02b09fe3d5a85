//! The client by another name: one that the crate's manifest gives it, and one of a crate that passes it on.

use logeater_compile_tests::passed_on as ours;

use crate::details;

#[derive(ours::Event)]
#[event("names.renamed", crate = analytics)]
struct Renamed {
    inner: Inner,
}

#[derive(ours::Column)]
#[column(crate = ::analytics)]
enum Inner {
    One(Newtype),
}

#[derive(ours::Column)]
#[column(crate = ours)]
struct Newtype(u8);

#[derive(ours::Event)]
#[event("passed", crate = self::inside::events)]
enum PassedOn {
    On {
        #[event(flatten)]
        inner: Inner,
    },
}

mod inside {
    pub(super) use crate::passed_on::ours as events;
}

#[test]
fn the_client_may_have_any_name() {
    let inner = || Inner::One(Newtype(1));
    assert_eq!(
        details(&Renamed { inner: inner() }),
        r#"{"inner":{"kind":"One","One":{"value":1}}}"#
    );
    assert_eq!(
        details(&PassedOn::On { inner: inner() }),
        r#"{"kind":"One","One":{"value":1}}"#
    );
}

/// A macro of a crate that passes the client on names it from there.
#[test]
fn a_macro_may_name_the_client_by_its_own_crate() {
    macro_rules! event {
        ($name:ident) => {
            #[derive(ours::Event)]
            #[event("names.by_macro", crate = $crate::passed_on::ours)]
            struct $name {
                field: u8,
            }
        };
    }
    event!(ByMacro);
    assert_eq!(details(&ByMacro { field: 1 }), r#"{"field":1}"#);
}

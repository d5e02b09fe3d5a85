//! Enums with data as columns: which variant it is, and a RECORD for each variant with data.

use logeater_schema::{Column, ColumnType, Event, FieldSchema};

use crate::{details, types, written};

/// How it was paid.
#[derive(Column)]
#[column(crate = logeater_schema)]
enum Payment<'a> {
    Cash,
    /// By card.
    Card {
        number: &'a str,
        #[column(max_length = 5)]
        holder: Option<&'a str>,
        #[column(skip)]
        secret: u8,
    },
    Voucher(u64),
    Transfer(Account),
    Later(Option<Account>),
    Vouchers(Vec<Account>),
    Nothing {
        #[column(skip)]
        secret: u8,
    },
}

/// An account.
#[derive(Column)]
#[column(crate = logeater_schema)]
struct Account {
    iban: String,
}

fn account() -> Account {
    Account {
        iban: "DE1".to_owned(),
    }
}

fn names(fields: &[FieldSchema]) -> Vec<&str> {
    fields.iter().map(|field| field.name).collect()
}

#[test]
fn an_enum_with_data_is_a_record_of_its_kind_and_its_variants() {
    let fields = Payment::FIELDS;
    assert_eq!(
        (Payment::TYPE, Payment::DESCRIPTION),
        (ColumnType::Record, "How it was paid.")
    );
    assert_eq!(
        names(fields),
        ["kind", "Card", "Voucher", "Transfer", "Later", "Vouchers"]
    );
    let kinds: Vec<_> = types(fields)
        .iter()
        .map(|(_, column_type, _)| column_type.name())
        .collect();
    assert_eq!(
        kinds,
        ["STRING", "RECORD", "RECORD", "RECORD", "RECORD", "RECORD"]
    );
    assert!(fields.iter().all(|field| field.mode.name() == "NULLABLE"));
    assert_eq!(
        fields[0].description,
        "One of: `Cash`, `Card`, `Voucher`, `Transfer`, `Later`, `Vouchers`, `Nothing`."
    );
    assert_eq!(fields[1].description, "By card.");
    assert_eq!(names(fields[1].fields), ["number", "holder"]);
    assert_eq!(fields[1].fields[1].limits.max_length, Some(5));
    assert_eq!(names(fields[2].fields), ["value"]);
    assert_eq!(
        (names(fields[3].fields), fields[3].type_description),
        (vec!["iban"], "An account.")
    );
    assert_eq!(names(fields[4].fields), ["iban"]);
    assert_eq!(names(fields[5].fields), ["value"]);
    assert_eq!(fields[5].fields[0].mode.name(), "REPEATED");
}

#[test]
fn a_variant_is_written_as_its_kind_and_its_data() {
    let card = |holder| Payment::Card {
        number: "1",
        holder,
        secret: 0,
    };
    for (payment, expected) in [
        (Payment::Cash, r#"{"kind":"Cash"}"#),
        (
            card(Some("a")),
            r#"{"kind":"Card","Card":{"number":"1","holder":"a"}}"#,
        ),
        (card(None), r#"{"kind":"Card","Card":{"number":"1"}}"#),
        (
            Payment::Voucher(7),
            r#"{"kind":"Voucher","Voucher":{"value":"7"}}"#,
        ),
        (
            Payment::Transfer(account()),
            r#"{"kind":"Transfer","Transfer":{"iban":"DE1"}}"#,
        ),
        (
            Payment::Later(Some(account())),
            r#"{"kind":"Later","Later":{"iban":"DE1"}}"#,
        ),
        (Payment::Later(None), r#"{"kind":"Later"}"#),
        (
            Payment::Vouchers(vec![account()]),
            r#"{"kind":"Vouchers","Vouchers":{"value":[{"iban":"DE1"}]}}"#,
        ),
        (Payment::Nothing { secret: 1 }, r#"{"kind":"Nothing"}"#),
    ] {
        assert_eq!(written(&payment), expected);
    }
}

#[derive(Column)]
#[column(crate = logeater_schema, kind = "shape", rename_all = "snake_case")]
enum Shape<T> {
    #[column(rename_all = "camelCase")]
    RoundThing {
        half_width: T,
    },
    #[column(rename = "other")]
    SquareThing(T),
    Empty,
}

#[derive(Event)]
#[event("enums.drawn", crate = logeater_schema)]
struct Drawn<T> {
    shape: Shape<T>,
    more: Vec<Shape<T>>,
    #[event(flatten, prefix = "flat_")]
    flat: Option<Shape<T>>,
}

#[test]
fn names_of_variants_and_of_the_kind_can_be_changed() {
    let event = Drawn {
        shape: Shape::RoundThing { half_width: 1_u8 },
        more: vec![Shape::SquareThing(2), Shape::Empty],
        flat: Some(Shape::SquareThing(3)),
    };
    let expected = concat!(
        r#"{"shape":{"shape":"round_thing","round_thing":{"halfWidth":1}},"#,
        r#""more":[{"shape":"other","other":{"value":2}},{"shape":"empty"}],"#,
        r#""flat_shape":"other","flat_other":{"value":3}}"#
    );
    assert_eq!(details(&event), expected);
    assert_eq!(
        names(Drawn::<u8>::TYPES[0].fields),
        [
            "shape",
            "more",
            "flat_shape",
            "flat_round_thing",
            "flat_other"
        ]
    );
}

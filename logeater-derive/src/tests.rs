//! The messages of the derives, each with the text that it points at.

use syn::{DeriveInput, Result};

/// The messages for `item`, each behind the text that it stands at.
fn messages(
    derive: fn(&DeriveInput) -> Result<proc_macro2::TokenStream>,
    item: &str,
) -> Vec<(String, String)> {
    let input = syn::parse_str(item).unwrap();
    let Err(errors) = derive(&input) else {
        return Vec::new();
    };
    errors
        .into_iter()
        .map(|error| (error.span().source_text().unwrap(), error.to_string()))
        .collect()
}

/// Expects exactly these messages for an event: the text each points at, and a part of it.
#[track_caller]
fn event(item: &str, expected: &[(&str, &str)]) {
    expect(&messages(crate::event::derive, item), expected);
}

/// Expects exactly these messages for a column.
#[track_caller]
fn column(item: &str, expected: &[(&str, &str)]) {
    expect(&messages(crate::column::derive, item), expected);
}

#[track_caller]
fn expect(messages: &[(String, String)], expected: &[(&str, &str)]) {
    let fits = |((place, message), (at, part)): (&(String, String), &(&str, &str))| {
        place == at && message.contains(part)
    };
    let all = messages.len() == expected.len() && messages.iter().zip(expected).all(fits);
    assert!(all, "got {messages:#?}, expected {expected:#?}");
}

#[test]
fn a_good_event_has_no_messages() {
    event("#[event(\"cart.add\")] struct A { a: u8 }", &[]);
    event(
        "#[event(\"cart\")] enum A { B { a: u8 }, #[event(\"add.b\")] C }",
        &[],
    );
    column("struct A(u8);", &[]);
}

#[test]
fn an_event_without_a_name_says_what_to_write() {
    event(
        "struct CartAdd;",
        &[(
            "CartAdd",
            "write `#[event(\"namespace.cart_add\")]` above it",
        )],
    );
    event(
        "enum Cart { A }",
        &[("Cart", "write `#[event(\"cart\")]` above it")],
    );
    event(
        "#[event = \"cart.add\"] struct A;",
        &[
            ("event = \"cart.add\"", "write `#[event(\"cart.add\")]`"),
            ("A", "an event needs the name of its type"),
        ],
    );
}

#[test]
fn names_of_event_types_are_checked() {
    let long = format!("cart.{}", "a".repeat(251));
    let cases = [
        ("cart", "two or more levels"),
        ("", "two or more levels"),
        ("cart.", "two or more levels"),
        (".cart", "two or more levels"),
        ("cart..add", "two or more levels"),
        ("Cart.add", "two or more levels"),
        ("cart.1", "two or more levels"),
        ("cart._a", "two or more levels"),
        ("cart.ä", "two or more levels"),
        ("cart-x.add", "two or more levels"),
        ("events.add", "logeater's own"),
        ("dead_letters.add", "logeater's own"),
        ("sqlite_x.add", "logeater's own"),
        (&long, "at most 255 bytes"),
    ];
    for (name, part) in cases {
        event(
            &format!("#[event({name:?})] struct A;"),
            &[(&format!("{name:?}"), part)],
        );
    }
    event(&format!("#[event({:?})] struct A;", &long[..255]), &[]);
    event("#[event(\"events_x.add\")] struct A;", &[]);
}

#[test]
fn names_of_variants_are_checked_with_their_namespace() {
    event(
        "#[event(\"Cart\")] enum A { B, C }",
        &[("\"Cart\"", "expected lowercase levels")],
    );
    event(
        "#[event(\"cart\")] enum A { #[event(\"B\")] B }",
        &[("\"B\"", "expected lowercase levels")],
    );
    event(
        "#[event(\"cart\")] enum A { Ä }",
        &[("Ä", "two or more levels")],
    );
    event(
        "#[event(\"events\")] enum A { B }",
        &[("B", "logeater's own")],
    );
    event(
        "#[event(\"cart\")] enum A { AddItem, #[event(\"add_item\")] B }",
        &[("B", "`AddItem` is `cart.add_item` already")],
    );
}

#[test]
fn names_of_columns_are_checked() {
    let long = "a".repeat(301);
    let cases = [
        ("", "starts with a letter or `_`"),
        ("1a", "starts with a letter or `_`"),
        ("a-b", "starts with a letter or `_`"),
        ("größe", "starts with a letter or `_`"),
        ("_Table_x", "begin with `_TABLE_`"),
        ("_file_x", "begin with `_FILE_`"),
        ("_PARTITIONTIME", "begin with `_PARTITION`"),
        ("_row_timestamp", "begin with `_ROW_TIMESTAMP`"),
        ("__ROOT__", "begin with `__ROOT__`"),
        ("_colidentifier_x", "begin with `_COLIDENTIFIER`"),
        ("_CHANGE_TYPE", "begin with `_CHANGE_TYPE`"),
        ("_change_timestamp", "begin with `_CHANGE_TIMESTAMP`"),
        (
            "_CHANGE_SEQUENCE_NUMBER",
            "begin with `_CHANGE_SEQUENCE_NUMBER`",
        ),
        (&long, "at most 300 bytes"),
    ];
    for (name, part) in cases {
        let place = format!("{name:?}");
        event(
            &format!("#[event(\"a.b\")] struct A {{ #[event(rename = {name:?})] f: u8 }}"),
            &[(&place, part)],
        );
        column(
            &format!("struct A {{ #[column(rename = {name:?})] f: u8 }}"),
            &[(&place, part)],
        );
    }
    event(
        &format!("#[event(\"a.b\")] struct A {{ {}: u8 }}", &long[..300]),
        &[],
    );
}

#[test]
fn an_event_has_no_column_that_every_table_has_or_that_hides_it() {
    event(
        "#[event(\"cart.add\")] struct A { event_id: u8, Cluster_Key: u8, CART: u8 }",
        &[
            ("event_id", "every table has a column `event_id` already"),
            (
                "Cluster_Key",
                "every table has a column `Cluster_Key` already",
            ),
            ("CART", "the table is called `cart`"),
        ],
    );
    column("struct Address { event_id: u8, address: u8 }", &[]);
}

#[test]
fn columns_differ_in_more_than_their_case() {
    event(
        "#[event(\"a.b\")] struct A { sku: u8, #[event(rename = \"SKU\")] other: u8 }",
        &[("\"SKU\"", "`sku` is the column `SKU` already")],
    );
    column(
        "#[column(rename_all = \"camelCase\")] struct A { one_two: u8, one__two: u8 }",
        &[("one__two", "`one_two` is the column `oneTwo` already")],
    );
    event(
        "#[event(\"a\")] enum A { B { sku: u8 }, C { SKU: u8 } }",
        &[("SKU", "`B` spells this column `sku`")],
    );
    event(
        "#[event(\"a\")] enum A { B { sku: u8 }, C { sku: u8 } }",
        &[],
    );
}

#[test]
fn an_event_has_one_user_and_one_moment() {
    event(
        "#[event(\"a.b\")] struct A { #[event(user_id)] a: u8, #[event(user_id)] b: u8, #[event(timestamp)] c: T, #[event(timestamp)] d: T }",
        &[
            ("user_id", "`a` is the `user_id` already"),
            ("timestamp", "`c` is the `timestamp` already"),
        ],
    );
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    event(
        "#[event(\"a.b\")] struct A { #[event(skip, rename = \"b\")] a: u8 }",
        &[(
            "rename",
            "`skip` leaves the field out, so that `rename` says nothing: remove one",
        )],
    );
    event(
        "#[event(\"a.b\")] struct A { #[event(required, description = \"x\", user_id, timestamp)] a: u8 }",
        &[
            ("timestamp", "`user_id` puts the field into the envelope"),
            ("description", "so that `description` says nothing"),
            ("required", "so that `required` says nothing"),
        ],
    );
    event(
        "#[event(\"a.b\")] struct A { #[event(json, display)] x: u8 }",
        &[("display", "keep one")],
    );
    event(
        "#[event(\"a.b\")] struct A { #[event(json, required)] x: u8 }",
        &[("required", "remove `required`")],
    );
}

#[test]
fn unknown_repeated_and_malformed_options_are_reported_together() {
    event(
        "#[event(\"a.b\", nope = 1, \"c.d\", crate = \"x\", rename_all = \"Camel\", rename_all)]
         struct A {
             #[event(renam = \"b\", rename = \"x\", rename = \"d\", skip = true)]
             a: u8,
             #[event(\"b\")]
             b: u8,
             #[event(rename = c)]
             c: u8,
             #[event(flattn)]
             d: u8,
             #[event(user_id user_id)]
             e: u8,
         }",
        &[
            (
                "nope",
                "`#[event(…)]` on a type does not know `nope`: it takes `crate`, `description`, `rename_all`",
            ),
            ("\"c.d\"", "given twice"),
            ("\"x\"", "write `crate = path`"),
            ("\"Camel\"", "write one of `lowercase`"),
            ("rename_all", "write `rename_all = \"camelCase\"`"),
            (
                "renam",
                "on a field does not know `renam`: it takes `rename`",
            ),
            ("rename", "`rename` is given twice: remove one"),
            ("skip", "`skip` takes no value"),
            ("\"b\"", "write `rename = \"b\"`"),
            (
                "c",
                "expected text in quotation marks: write `rename = \"…\"`",
            ),
            ("flattn", "does not know `flattn`"),
            ("user_id", "`user_id` takes no value"),
        ],
    );
}

#[test]
fn limits_are_those_that_the_warehouse_has() {
    let tag = "projects/p/locations/eu/taxonomies/1/policyTags/2";
    event(
        &format!(
            "#[event(\"t.b\")] struct A {{
                #[event(numeric(38, 9), policy_tag = {tag:?})] a: D,
                #[event(numeric(5))] b: D,
                #[event(max_length = 9_223_372_036_854_775_807)] c: D,
                #[event(flatten, prefix = \"p_\")] d: D,
                #[event(millis)] e: D,
            }}"
        ),
        &[],
    );
    for (option, place, part) in [
        ("numeric", "numeric", "write `numeric(10, 2)`"),
        ("numeric = 5", "numeric", "write `numeric(10, 2)`"),
        ("numeric(5, x)", "(5, x)", "write `numeric(10, 2)`"),
        ("numeric(2, 2)", "(2, 2)", "1 to 29 before it"),
        ("numeric(39, 0)", "(39, 0)", "1 to 29 before it"),
        ("numeric(60, 39)", "(60, 39)", "1 to 29 before it"),
        ("max_length", "max_length", "write `max_length = 100`"),
        ("max_length = \"5\"", "\"5\"", "write `max_length = 100`"),
        ("max_length = 0", "0", "from 1 to 2^63 - 1"),
        (
            "max_length = 9223372036854775808",
            "9223372036854775808",
            "from 1 to 2^63 - 1",
        ),
        ("policy_tag = \"pii\"", "\"pii\"", "its whole resource"),
    ] {
        event(
            &format!("#[event(\"t.b\")] struct A {{ #[event({option})] a: D }}"),
            &[(place, part)],
        );
    }
}

#[test]
fn options_for_different_types_exclude_each_other() {
    event(
        "#[event(\"t.b\")] struct A {
            #[event(max_length = 1, int64)] a: D,
            #[event(json, numeric(1))] b: D,
            #[event(millis, display)] c: D,
            #[event(millis, secs)] d: D,
            #[event(flatten, rename = \"x\", json, max_length = 1, description = \"x\")] e: D,
            #[event(prefix = \"x\")] f: D,
            #[event(skip, flatten)] g: D,
        }",
        &[
            ("secs", "`secs` and `millis` are two units: keep one"),
            (
                "max_length",
                "`max_length` and `int64` are for different types: keep one",
            ),
            (
                "numeric",
                "`numeric` and `json` are for different types: keep one",
            ),
            ("millis", "`millis` is one of several ways to write a field"),
            ("rename", "`flatten` has the columns of the field's type"),
            ("description", "so that `description` says nothing"),
            ("json", "so that `json` says nothing"),
            ("max_length", "so that `max_length` says nothing"),
            ("prefix", "write `flatten` before it, or `rename` instead"),
            ("flatten", "`skip` leaves the field out"),
        ],
    );
}

#[test]
fn an_option_in_the_wrong_place_names_the_right_one() {
    event(
        "#[event(\"a\", description = \"x\")] enum A { B }",
        &[("description", "on its variants")],
    );
    event(
        "#[event(\"a\")] enum A { #[event(crate = x)] B }",
        &[("crate", "on a variant does not know `crate`")],
    );
    column(
        "struct A { #[column(user_id)] a: u8 }",
        &[(
            "user_id",
            "`#[column(…)]` on a field does not know `user_id`",
        )],
    );
    column(
        "#[column(rename_all = \"lowercase\")] struct A(#[column(rename = \"a\")] u8);",
        &[
            ("rename_all", "a newtype has no names"),
            ("rename", "write `rename` on the fields of this type"),
        ],
    );
    event(
        "#[event(\"a.b\", rename_all = \"kebab-case\")] struct A { a_b: u8 }",
        &[("rename_all", "no hyphens")],
    );
}

#[test]
fn shapes_that_have_no_names_say_what_to_write() {
    event(
        "#[event(\"a.b\")] struct A(u8);",
        &[(
            "(u8)",
            "columns need names: write `A { name: Type }`, or `A` alone",
        )],
    );
    event(
        "#[event(\"a\")] enum A { B(u8) }",
        &[("(u8)", "write `B { name: Type }`")],
    );
    event(
        "#[event(\"a\")] enum A {}",
        &[("A", "write a variant for each")],
    );
    event(
        "#[event(\"a.b\")] union A { a: u8 }",
        &[("union", "write a struct or an enum")],
    );
    column(
        "struct A(u8, u8);",
        &[("(u8, u8)", "write `A { name: Type, … }`")],
    );
    column(
        "union A { a: u8 }",
        &[("union", "write a struct or an enum")],
    );
}

#[test]
fn a_record_has_columns_and_does_not_hold_itself() {
    for item in [
        "struct A;",
        "struct A();",
        "struct A {}",
        "struct A { #[column(skip)] a: u8 }",
    ] {
        column(item, &[("A", "BigQuery has no RECORD without columns")]);
    }
    column(
        "struct A { a: Option<Box<A>>, b: Vec<Self>, c: Id<A>, d: other::A, e: &'static [A; 2] }",
        &[
            ("Option<Box<A>>", "a RECORD cannot hold itself"),
            ("Vec<Self>", "a RECORD cannot hold itself"),
            ("&'static [A; 2]", "a RECORD cannot hold itself"),
        ],
    );
}

#[test]
fn an_enum_of_values_has_distinct_ones() {
    column("enum A {}", &[("A", "write its variants")]);
    column(
        "enum A { B, #[column(rename = \"B\")] C }",
        &[("\"B\"", "`B` is written `B` already")],
    );
    column(
        "#[column(kind = \"which\")] enum A { #[column(description = \"x\", rename_all = \"lowercase\")] B }",
        &[
            ("description", "write it on the enum"),
            ("rename_all", "write it on the enum"),
            ("kind", "only an enum with data"),
        ],
    );
}

#[test]
fn an_enum_with_data_has_a_column_for_each_variant_that_has_some() {
    column(
        "#[column(kind = \"which\", rename_all = \"snake_case\")]
         enum A { B(u8), #[column(rename = \"x\", rename_all = \"camelCase\")] C { c: u8 }, D(), #[column(rename = \"not a name\")] E, F { #[column(skip)] a: u8 } }",
        &[],
    );
    column(
        "enum A {
             B(u8, u8),
             C(#[column(rename = \"x\")] u8),
             D { #[column(flatten)] d: D, #[column(skip, json)] e: u8, f: Vec<A> },
             E(Option<Self>),
             Kind(u8),
             #[column(rename = \"a-b\")] F(u8),
             #[column(rename = \"d\")] G,
         }",
        &[
            ("(u8, u8)", "write `B { name: Type, … }`"),
            ("rename", "a newtype is its inner column"),
            ("flatten", "write `D(Data)` with a struct that has it"),
            ("json", "so that `json` says nothing"),
            ("Vec<A>", "a RECORD cannot hold itself"),
            ("Option<Self>", "a RECORD cannot hold itself"),
            ("Kind", "is the column that says which variant it is"),
            ("\"a-b\"", "a column's name starts with"),
            ("\"d\"", "`D` is written `d` already, whatever the case"),
        ],
    );
}

#[test]
fn after_an_error_there_is_an_impl_all_the_same() {
    let input = syn::parse_str("#[event(crate = x)] struct A<T>(T);").unwrap();
    let error = crate::event::derive(&input).err().unwrap();
    let output = crate::fallback::event(&input, &error).to_string();
    assert!(output.contains("compile_error"), "{output}");
    assert!(
        output.contains("use x :: __private as __logeater") && output.contains("Event for A < T >"),
        "{output}"
    );
    let output = crate::fallback::column(&input, &error).to_string();
    assert!(
        output.contains("use :: logeater_client :: __private"),
        "{output}"
    );
}

//! The rules of names stand twice, in the derive, which depends on nothing of ours, and in the model: here each is
//! held against the other.

#[path = "../../logeater-derive/src/errors.rs"]
mod errors;
#[expect(dead_code, reason = "the derive's own file, of which a part is wanted")]
#[path = "../../logeater-derive/src/name_rules.rs"]
mod name_rules;
#[expect(dead_code, reason = "the derive's own file, of which a part is wanted")]
#[path = "../../logeater-derive/src/names.rs"]
mod names;

use logeater_schema::__private::check_table_column_name;
use logeater_schema::{NameError, check_column_name, check_event_type};
use proptest::prelude::*;
use proptest::sample::select;

use errors::Errors;
use names::Name;

/// What the derive says of a name, if anything.
fn derives(name: &str, check: fn(&Name, &mut Errors)) -> Option<String> {
    let name = Name {
        text: name.to_owned(),
        span: proc_macro2::Span::call_site(),
    };
    let mut errors = Errors::default();
    check(&name, &mut errors);
    errors.finish().err().map(|error| error.to_string())
}

/// What the derive's message of the same mistake has in it.
fn words(error: NameError) -> &'static str {
    match error {
        NameError::EventType => "two or more levels",
        NameError::EventTypeTooLong => "at most 255 bytes",
        NameError::Namespace => "logeater's own",
        NameError::Column => "starts with a letter or `_`",
        NameError::ColumnTooLong => "at most 300 bytes",
        NameError::ReservedPrefix => "BigQuery keeps names",
        NameError::OwnColumn => "every table has a column",
        _ => panic!("no words for {error:?}"),
    }
}

#[track_caller]
fn agree(name: &str, derives: Option<&str>, models: Result<(), NameError>) {
    match (derives, models) {
        (None, Ok(())) => {}
        (Some(message), Err(error)) if message.contains(words(error)) => {}
        (derives, models) => panic!("{name:?}: {derives:?} and {models:?}"),
    }
}

fn agree_on_event_type(name: &str) {
    let derives = derives(name, name_rules::type_name);
    agree(name, derives.as_deref(), check_event_type(name));
}

fn agree_on_column(name: &str) {
    let column = derives(name, name_rules::column_name);
    agree(name, column.as_deref(), check_column_name(name));
    let own = derives(name, |name, errors| {
        name_rules::top_level_column(name, "namespace", errors);
    });
    if column.is_none() && !name.eq_ignore_ascii_case("namespace") {
        agree(name, own.as_deref(), check_table_column_name(name));
    }
}

/// The beginnings of names that one of the rules is about.
const BEGINNINGS: [&str; 20] = [
    "events",
    "events.",
    "dead_letters.",
    "sqlite_",
    "_table_",
    "_file_",
    "_partition",
    "_row_timestamp",
    "__root__",
    "_colidentifier",
    "_change_sequence_number",
    "_change_type",
    "_change_timestamp",
    "_change_",
    "event_id",
    "cluster_key",
    "a.",
    "_",
    "1",
    "",
];

prop_compose! {
    /// A name near the rules: one of the beginnings in any case, and more or less of it.
    fn near()(
        beginning in select(&BEGINNINGS[..]),
        upper in prop_oneof![Just(0), any::<u32>()],
        cut in select(&[0, 0, 0, 1, 2][..]),
        rest in "[a-z]?\\.[a-z]|[a-z0-9_.]{0,4}|[a-zA-Z0-9_.ä -]{0,6}",
    ) -> String {
        let cased = |(at, letter): (usize, char)| {
            if upper >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
        };
        let length = beginning.len().saturating_sub(cut);
        let beginning: String = beginning.chars().enumerate().map(cased).take(length).collect();
        format!("{beginning}{rest}")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_derive_and_the_model_have_the_same_rules(name in near(), plain in "[a-z][a-z0-9_]{0,2}(\\.[a-z0-9_]{1,2}){0,2}") {
        for name in [name, plain] {
            agree_on_event_type(&name);
            agree_on_column(&name);
        }
    }
}

#[test]
fn the_derive_and_the_model_have_the_same_limits() {
    for length in [1, 2, 3, 254, 255, 256, 299, 300, 301, 1_000] {
        for beginning in ["a", "a.", "events.", "_table_", "Ä"] {
            let name = format!("{beginning}{}", "b".repeat(length));
            let cut: String = name.chars().take(length).collect();
            agree_on_event_type(&cut);
            agree_on_column(&cut);
        }
    }
}

#[test]
fn the_derive_and_the_model_keep_the_same_names_for_others() {
    for beginning in BEGINNINGS {
        for ending in ["", "a", ".a", "a.a", "_a"] {
            let name = format!("{beginning}{ending}");
            for name in [name.to_uppercase(), name] {
                agree_on_event_type(&name);
                agree_on_column(&name);
            }
        }
    }
}

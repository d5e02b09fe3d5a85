//! Names as long as they may be, whose files would have longer ones than file systems take.

#![cfg(feature = "catalog")]
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use logeater_schema::{
    Catalog, Event, EventType, FieldSchema, JsonWriter, Source, Update, check_event_type,
};
use tempfile::tempdir;

/// 61 letters: a level of a long name, but for what makes it longer yet.
macro_rules! level {
    () => {
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"
    };
}

/// Two of 255 bytes that differ in the last, and one with a namespace of 253.
const NAMES: [&str; 3] = [
    concat!(
        "cart.",
        level!(),
        ".",
        level!(),
        ".",
        level!(),
        ".",
        level!(),
        "jkx"
    ),
    concat!(
        "cart.",
        level!(),
        ".",
        level!(),
        ".",
        level!(),
        ".",
        level!(),
        "jky"
    ),
    concat!(level!(), level!(), level!(), level!(), "jklmnopqr.a"),
];

/// The event of one of the names.
struct Named<const NAME: usize>;

impl<const NAME: usize> Event for Named<NAME> {
    const TYPES: &'static [EventType] = &[EventType::new(
        NAMES[NAME],
        &[FieldSchema::of::<String>("sku")],
        Source::new("Named", "long_names.rs", 1),
    )];

    fn write_details(&self, _: &mut JsonWriter<'_>) {}
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_catalog_of_the_longest_names_is_written_read_and_current() {
    let lengths = NAMES.map(|name| (check_event_type(name), name.len()));
    assert_eq!(lengths, [(Ok(()), 255), (Ok(()), 255), (Ok(()), 255)]);
    let code = Catalog::new()
        .with::<Named<0>>()
        .with::<Named<1>>()
        .with::<Named<2>>();
    let folder = tempdir().unwrap();
    Update::of(folder.path(), &code).unwrap().write().unwrap();

    let schemas = files(&folder.path().join("jsonschema"));
    assert_eq!(schemas.len(), 3);
    let cut = |name: &str| name.starts_with(&NAMES[0][..233]) && name.len() == 255;
    assert_eq!(schemas.iter().filter(|name| cut(name)).count(), 2);
    let tables = files(&folder.path().join("catalog"));
    let cut = |name: &String| name.starts_with(&NAMES[2][..233]) && name.len() == 255;
    assert_eq!(tables.iter().filter(|name| cut(name)).count(), 1);

    let read = Catalog::read(folder.path()).unwrap();
    let names: BTreeSet<_> = read
        .events()
        .map(|(_, event)| event.name.as_str())
        .collect();
    assert_eq!(names, BTreeSet::from(NAMES));
    assert!(Update::of(folder.path(), &code).unwrap().is_empty());
}

#[test]
fn a_module_for_terraform_reads_the_schema_whatever_the_length_of_its_name() {
    let folder = tempdir().unwrap();
    Catalog::new()
        .with::<Named<2>>()
        .write(folder.path())
        .unwrap();
    let modules = folder.path().join("terraform");
    let module = files(&modules)
        .into_iter()
        .find(|name| name.starts_with("abc"))
        .unwrap();
    assert_eq!(module.len(), 255);
    let text = fs::read_to_string(modules.join(module)).unwrap();
    let (_, rest) = text.split_once("${path.module}/../bigquery/").unwrap();
    let (schema, _) = rest.split_once('\\').unwrap();
    assert!(folder.path().join("bigquery").join(schema).is_file());
}

#[test]
fn the_files_of_long_names_that_are_gone_are_removed_and_those_of_others_are_not() {
    let folder = tempdir().unwrap();
    let all = Catalog::new()
        .with::<Named<0>>()
        .with::<Named<1>>()
        .with::<Named<2>>();
    all.write(folder.path()).unwrap();
    let of_others = [
        ("jsonschema/cart.add-old.json", "{}\n"),
        ("bigquery/cart-report.sql", "SELECT 1;\n"),
        ("terraform/cart-main.tf.json", "{}\n"),
    ];
    for (name, text) in of_others {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Catalog::new()
        .with::<Named<1>>()
        .write(folder.path())
        .unwrap();
    let left = |inner: &str| files(&folder.path().join(inner)).len();
    // Those of the events table and of the one namespace, and those of others.
    assert_eq!(
        ["catalog", "bigquery", "terraform", "jsonschema"].map(left),
        [2, 5, 3, 2]
    );
    for (name, text) in of_others {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text);
    }
}

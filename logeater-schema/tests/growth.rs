//! What growth promises of any two catalogs: those of a folder, and those that the code declares.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;

use logeater_schema::{Catalog, Change, Mode, TableColumn};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use tempfile::tempdir;

const NAMES: [&str; 5] = ["sku", "price", "placed", "note", "count"];

/// A column without its name. Few types and modes, so that two catalogs often agree.
fn unnamed(depth: u32) -> BoxedStrategy<Value> {
    let mode = || {
        prop_oneof![
            16 => Just("NULLABLE"),
            1 => Just("REPEATED"),
            1 => Just("REQUIRED"),
        ]
    };
    let plain = (
        prop_oneof![16 => Just("STRING"), 1 => Just("INTEGER"), 1 => Just("NUMERIC")],
        mode(),
        prop::bool::weighted(0.1),
        select(vec!["", "As shown."]),
    )
        .prop_map(|(ty, mode, no_longer_sent, description)| {
            let retired = no_longer_sent && mode != "REQUIRED";
            json!({"type": ty, "mode": mode, "no_longer_sent": retired, "description": description})
        });
    if depth == 0 {
        return plain.boxed();
    }
    let record = (mode(), columns(1, depth - 1))
        .prop_map(|(mode, fields)| json!({"type": "RECORD", "mode": mode, "fields": fields}));
    prop_oneof![9 => plain, 1 => record].boxed()
}

/// At least so many columns of different names, in any order.
fn columns(least: usize, depth: u32) -> BoxedStrategy<Value> {
    subsequence(NAMES.to_vec(), least..=NAMES.len())
        .prop_shuffle()
        .prop_flat_map(move |names| {
            let columns = names.into_iter().map(move |name| {
                unnamed(depth).prop_map(move |mut column| {
                    column["name"] = json!(name);
                    column
                })
            });
            columns.collect::<Vec<_>>().prop_map(Value::Array)
        })
        .boxed()
}

fn table(name: &'static str) -> impl Strategy<Value = Value> {
    (
        columns(1, 1),
        subsequence(vec!["add", "remove"], 0..=2),
        any::<u8>(),
    )
        .prop_map(move |(columns, events, written)| {
            let mut all = vec![
                json!({"name": "event_id", "type": "STRING", "mode": "REQUIRED"}),
                json!({"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"}),
            ];
            all.extend(columns.as_array().unwrap().iter().cloned());
            let sent = all[2..]
                .iter()
                .filter(|column| column["no_longer_sent"] != true);
            let sent: Vec<_> = sent.map(|column| column["name"].clone()).collect();
            // Any of the columns, for each event type others.
            let events: Vec<_> = events
                .iter()
                .zip([written, written.rotate_left(3)])
                .map(|(event, written)| {
                    let some = sent.iter().enumerate();
                    let some = some.filter(|(at, _)| written >> at & 1 == 1);
                    let some: Vec<_> = some.map(|(_, name)| name).collect();
                    json!({
                        "type": format!("{name}.{event}"), "rust_type": format!("shop::{event}"), "columns": some,
                    })
                })
                .collect();
            json!({"version": 1, "table": name, "columns": all, "events": events})
        })
}

/// A catalog of one or two tables.
fn catalog() -> impl Strategy<Value = Catalog> {
    (table("cart"), proptest::option::of(table("parcel"))).prop_map(|(cart, parcel)| {
        let folder = tempdir().unwrap();
        for (name, table) in [("cart.json", Some(cart)), ("parcel.json", parcel)] {
            if let Some(table) = table {
                fs::write(folder.path().join(name), table.to_string()).unwrap();
            }
        }
        Catalog::read(folder.path()).unwrap()
    })
}

/// The names in the order of the table, those of RECORDs included.
fn places(columns: &[TableColumn]) -> Vec<String> {
    let inner = |column: &TableColumn| {
        let fields = places(&column.fields);
        let fields = fields
            .iter()
            .map(|field| format!("{}.{field}", column.name));
        fields.collect::<Vec<_>>()
    };
    let names = columns.iter().map(|column| column.name.clone());
    names.chain(columns.iter().flat_map(inner)).collect()
}

fn keep_their_place(old: &[TableColumn], grown: &[TableColumn]) -> bool {
    old.len() <= grown.len()
        && old.iter().zip(grown).all(|(old, grown)| {
            old.name == grown.name && keep_their_place(&old.fields, &grown.fields)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_has_grown_by_the_code_is_current(old in catalog(), code in catalog()) {
        if let Ok(grown) = old.grown_by(&code) {
            prop_assert_eq!(grown.grown_by(&code), Ok(grown.clone()));
            prop_assert_eq!(grown.files(), grown.grown_by(&code).unwrap().files());
        }
    }

    #[test]
    fn growth_breaks_nothing_or_is_refused(old in catalog(), code in catalog()) {
        match old.grown_by(&code) {
            Ok(grown) => {
                let changes = old.changes_to(&grown);
                prop_assert!(changes.iter().all(|change| !change.is_breaking()), "{changes:#?}");
            }
            Err(changes) => {
                prop_assert!(!changes.is_empty());
                prop_assert!(changes.iter().all(Change::is_breaking), "{changes:#?}");
            }
        }
    }

    #[test]
    fn no_column_goes_or_moves(old in catalog(), code in catalog()) {
        if let Ok(grown) = old.grown_by(&code) {
            for old in old.tables() {
                let grown = grown.table(&old.name).unwrap();
                let (before, after) = (places(&old.columns), places(&grown.columns));
                prop_assert!(keep_their_place(&old.columns, &grown.columns), "{before:?} {after:?}");
            }
            for column in grown.tables().flat_map(|table| &table.columns) {
                prop_assert!(!(column.no_longer_sent && column.mode == Mode::Required), "{column:?}");
            }
            for code in code.tables() {
                let grown = places(&grown.table(&code.name).unwrap().columns);
                for column in places(&code.columns) {
                    prop_assert!(grown.contains(&column), "{column} is not in {grown:?}");
                }
            }
        }
    }

    #[test]
    fn a_catalog_is_its_own_growth_and_its_own_union(one in catalog()) {
        prop_assert!(one.changes_to(&one).is_empty());
        prop_assert_eq!(Catalog::union([("a", &one), ("b", &one)]), Ok(one.clone()));
        prop_assert_eq!(Catalog::union([("a", &one)]), Ok(one));
    }

    #[test]
    fn a_union_is_refused_in_either_order_or_in_none(one in catalog(), other in catalog()) {
        let (forth, back) = (
            Catalog::union([("a", &one), ("b", &other)]),
            Catalog::union([("b", &other), ("a", &one)]),
        );
        prop_assert_eq!(forth.is_ok(), back.is_ok());
        if let (Ok(forth), Ok(back)) = (forth, back) {
            for table in forth.tables() {
                let mut sides = [places(&table.columns), places(&back.table(&table.name).unwrap().columns)];
                for side in &mut sides {
                    side.sort();
                }
                prop_assert_eq!(&sides[0], &sides[1]);
            }
        }
    }

    #[test]
    fn a_folder_reads_as_it_was_written(catalog in catalog()) {
        let folder = tempdir().unwrap();
        catalog.write(folder.path()).unwrap();
        prop_assert_eq!(Catalog::read(folder.path()).unwrap(), catalog);
    }
}

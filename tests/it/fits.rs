//! Details of every value that a client sends fit the table that the catalog renders for their event.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, SystemTime};

use bigdecimal::BigDecimal;
use logeater_client::{Catalog, Client, Event};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::values::{Everything, Written};
use crate::warehouse::Table;

/// The tables of a catalog, as their rendered schema files declare them.
struct Tables(HashMap<String, Table>);

impl Tables {
    fn of(catalog: &Catalog) -> Self {
        assert_eq!(catalog.conflicts(), []);
        let folder = tempfile::tempdir().unwrap();
        catalog.write(folder.path()).unwrap();
        let table = |name: &str| {
            let file = folder.path().join(format!("bigquery/{name}.json"));
            Table::read(&fs::read_to_string(file).unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        Self(
            catalog
                .tables()
                .map(|table_| (table_.name.clone(), table(&table_.name)))
                .collect(),
        )
    }

    /// Why the extended row of these details would be refused, if it has one.
    fn refusals(&self, written: &Written) -> Vec<String> {
        let Some(details) = &written.details else {
            return Vec::new();
        };
        let (namespace, _) = written.event_type.split_once('.').unwrap();
        let members = details.strip_prefix('{').unwrap();
        let comma = if members == "}" { "" } else { "," };
        let keys = r#""event_id":"1","cluster_key":"2026-01-31""#;
        self.0[namespace].refusals(&format!("{{{keys}{comma}{members}"))
    }
}

#[test]
fn details_of_every_type_in_every_place_fit_their_table() {
    let Everything { catalog, events } = Everything::new();
    let tables = Tables::of(&catalog);
    for (name, values) in events {
        let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
        let result = runner.run(&values, |written| {
            prop_assert_eq!(tables.refusals(&written), [""; 0], "{:?}", written.details);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Fields whose types hold more than their columns.
#[derive(Clone, Debug, Event)]
#[event("beyond.all")]
struct Beyond {
    took: Duration,
    moment: SystemTime,
    day: jiff::civil::Date,
    decimal: BigDecimal,
    #[event(int64)]
    count: u64,
    #[event(max_length = 3)]
    code: String,
    #[event(max_length = 3)]
    digest: Vec<u8>,
    #[event(numeric(5, 2))]
    price: rust_decimal::Decimal,
    jsons: Vec<Value>,
}

/// Now and then a unit beyond the range, or far beyond it.
fn big_decimal() -> impl Strategy<Value = BigDecimal> {
    let units = (any::<i128>(), 0..60_i64);
    let edges = [
        "578960446186580977117854925043439539266.34992332820282019728792003956564819968",
        "-578960446186580977117854925043439539266.34992332820282019728792003956564819969",
        "1e39",
    ];
    prop_oneof![
        9 => units.prop_map(|(units, scale)| BigDecimal::from_bigint(units.into(), scale)),
        1 => prop::sample::select(edges.map(|text| text.parse().unwrap()).to_vec()),
    ]
}

prop_compose! {
    /// Each about as often beyond its column as not.
    fn beyond()(
        took in prop_oneof![9 => Just(Duration::ZERO), 1 => any::<Duration>()],
        seconds in prop_oneof![9 => Just(0), 1 => -99_999_999_999_i64..399_999_999_999],
        year in prop_oneof![9 => Just(2026), 1 => -9999..=9999_i16],
        decimal in big_decimal(),
        count in prop_oneof![9 => Just(0), 1 => any::<u64>()],
        code in "[a\u{1f600}\"\\x00]{0,4}",
        digest in prop::collection::vec(any::<u8>(), 0..5),
        price in prop_oneof![9 => 0..99_999_i64, 1 => any::<i64>()],
        price_scale in 0..9_u32,
        nulls in 0..6_u8,
    ) -> Beyond {
        let since = Duration::from_secs(seconds.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        Beyond {
            took,
            moment: if seconds < 0 { epoch - since } else { epoch + since },
            day: jiff::civil::date(year, 1, 1),
            decimal, count, code, digest,
            price: rust_decimal::Decimal::new(price, price_scale),
            jsons: vec![if nulls == 0 { Value::Null } else { Value::from(1) }],
        }
    }
}

#[test]
fn a_value_beyond_its_column_is_a_loss_and_any_other_fits() {
    let tables = Tables::of(&Catalog::new().with::<Beyond>());
    let mut runner = TestRunner::deterministic();
    let (mut fitting, mut lost) = (0, 0);
    for _ in 0..2_000 {
        let event = beyond().new_tree(&mut runner).unwrap().current();
        let (client, recorded) = Client::recording();
        client.emit(&event);
        match recorded.take().pop() {
            None => lost += 1,
            Some(recorded) => {
                fitting += 1;
                let written = Written {
                    event_type: recorded.event_type,
                    details: recorded.details,
                };
                assert_eq!(tables.refusals(&written), [""; 0], "{event:?}");
            }
        }
    }
    assert!(
        fitting > 200 && lost > 200,
        "{fitting} fit, {lost} were lost"
    );
}

//! What the folder of schemas holds beside the catalog and BigQuery's files.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]
#![allow(dead_code, reason = "events are declared here that nobody sends")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use logeater_schema::{Catalog, Column, ColumnType, Event, JsonWriter, Many, One};
use serde_json::Value;
use tempfile::tempdir;

/// An order was placed | by someone.
#[derive(Event)]
#[event("order.place", crate = logeater_schema)]
struct Place {
    /// How many, `a|b` of \| Vec<Line>.
    ///
    /// At least one.
    #[event(required)]
    count: i64,
    ratio: f64,
    total: u64,
    #[event(numeric(10, 2))]
    price: u64,
    vast: u128,
    paid: bool,
    #[event(max_length = 3)]
    code: String,
    #[event(max_length = 4)]
    digest: Vec<u8>,
    day: Wire<{ ColumnType::Date as u8 }>,
    clock: Wire<{ ColumnType::Time as u8 }>,
    local: Wire<{ ColumnType::Datetime as u8 }>,
    at: SystemTime,
    note: Value,
    notes: Vec<Value>,
    /// What was ordered.
    lines: Vec<Line>,
    address: Option<Address>,
}

#[derive(Event)]
#[event("order.ship", crate = logeater_schema)]
struct Ship {
    #[event(max_length = 3)]
    code: String,
}

#[derive(Event)]
#[event("order.cancel", crate = logeater_schema)]
struct Cancel;

/// Its column has another type than that of `order`.
#[derive(Event)]
#[event("cart.add", crate = logeater_schema)]
struct Add {
    count: String,
}

#[derive(Event)]
#[event("bare.one", crate = logeater_schema)]
struct Bare;

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Line {
    #[column(required)]
    sku: String,
    weights: Vec<f64>,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Address {
    city: String,
}

/// Text of a type that no Rust type of the standard library stands for.
struct Wire<const TYPE: u8>(&'static str);

impl<const TYPE: u8> Column for Wire<TYPE> {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = match TYPE {
        date if date == ColumnType::Date as u8 => ColumnType::Date,
        time if time == ColumnType::Time as u8 => ColumnType::Time,
        _ => ColumnType::Datetime,
    };

    fn write(&self, out: &mut JsonWriter<'_>) {
        out.string(self.0);
    }
}

fn place() -> Place {
    Place {
        count: i64::MIN,
        ratio: f64::NEG_INFINITY,
        total: u64::MAX,
        price: 99_999_999,
        vast: u128::MAX,
        paid: true,
        code: "äöü".to_owned(),
        digest: vec![1, 2, 3, 4],
        day: Wire("2026-01-31"),
        clock: Wire("12:00:00.000001"),
        local: Wire("2026-01-31T12:00:00.000001"),
        at: SystemTime::UNIX_EPOCH + Duration::from_micros(1),
        note: serde_json::json!([null, 1]),
        notes: vec![serde_json::json!({ "a": null }), serde_json::json!(1)],
        lines: vec![Line {
            sku: String::new(),
            weights: vec![1.5, f64::NAN],
        }],
        address: Some(Address {
            city: "Zürich".to_owned(),
        }),
    }
}

fn code() -> Catalog {
    Catalog::new()
        .with::<Place>()
        .with::<Ship>()
        .with::<Cancel>()
        .with::<Add>()
        .with::<Bare>()
}

/// The files of a catalog's folder, by their paths.
fn files(catalog: &Catalog) -> BTreeMap<String, String> {
    let folder = tempdir().unwrap();
    catalog.write(folder.path()).unwrap();
    let mut files = BTreeMap::new();
    collect(folder.path(), "", &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_order_of_declaration_does_not_show_in_any_file() {
    let backwards = Catalog::new()
        .with::<Bare>()
        .with::<Add>()
        .with::<Cancel>()
        .with::<Ship>()
        .with::<Place>();
    assert_eq!(files(&backwards), files(&code()));
}

#[test]
fn the_index_template_is_this() {
    assert_eq!(
        files(&code())["elasticsearch/events.json"],
        include_str!("expected/elasticsearch_events.json")
    );
}

#[test]
fn the_template_raises_the_limits_that_its_fields_exceed() {
    let fields = |count: usize| -> Vec<_> {
        (0..count)
            .map(|at| serde_json::json!({ "name": format!("c{at}"), "type": "INTEGER" }))
            .collect()
    };
    let lists = |count: usize| -> Vec<_> {
        let list = |at| serde_json::json!({ "name": format!("c{at}"), "type": "RECORD", "mode": "REPEATED", "fields": fields(1) });
        (0..count).map(list).collect()
    };
    let settings = |columns: Vec<Value>| {
        let template: Value =
            serde_json::from_str(&files(&catalog_of(&columns))["elasticsearch/events.json"])
                .unwrap();
        template["template"]["settings"].clone()
    };
    // Six of the envelope, `details` and `details.cart` count as well.
    assert_eq!(settings(fields(992)), Value::Null);
    assert_eq!(
        settings(fields(993)),
        serde_json::json!({ "index.mapping.total_fields.limit": 2_000 })
    );
    assert_eq!(settings(lists(100)), Value::Null);
    assert_eq!(
        settings(lists(101)),
        serde_json::json!({ "index.mapping.nested_fields.limit": 200 })
    );
}

/// A catalog with a table `cart` of these columns.
fn catalog_of(columns: &[Value]) -> Catalog {
    let mut all = vec![
        serde_json::json!({ "name": "event_id", "type": "STRING", "mode": "REQUIRED" }),
        serde_json::json!({ "name": "cluster_key", "type": "DATE", "mode": "REQUIRED" }),
    ];
    all.extend_from_slice(columns);
    let folder = tempdir().unwrap();
    let file = folder.path().join("cart.json");
    let text = serde_json::json!({ "version": 1, "table": "cart", "columns": all });
    fs::write(&file, text.to_string()).unwrap();
    Catalog::read(&file).unwrap()
}

#[test]
fn the_json_schema_of_an_event_type_is_this() {
    let alone = files(&Catalog::new().with::<Place>());
    assert_eq!(
        alone["jsonschema/order.place.json"],
        include_str!("expected/jsonschema_order.place.json")
    );
}

#[test]
fn an_event_type_has_a_json_schema_of_the_columns_that_it_writes_if_any() {
    let files = files(&code());
    let schemas: Vec<_> = files
        .keys()
        .filter_map(|path| path.strip_prefix("jsonschema/"))
        .collect();
    assert_eq!(
        schemas,
        ["cart.add.json", "order.place.json", "order.ship.json"]
    );
    let ship: Value = serde_json::from_str(&files["jsonschema/order.ship.json"]).unwrap();
    assert_eq!(
        ship["properties"],
        serde_json::json!({ "code": { "type": "string", "maxLength": 3 } })
    );
    assert_eq!(ship["required"], Value::Null);
}

#[test]
fn what_is_no_longer_sent_is_deprecated_in_its_json_schema() {
    let gone = code().grown_by(&Catalog::new().with::<Ship>()).unwrap();
    let files = files(&gone);
    let schema = |name: &str| -> Value {
        serde_json::from_str(&files[&format!("jsonschema/{name}.json")]).unwrap()
    };
    assert_eq!(schema("order.place")["deprecated"], true);
    assert_eq!(
        schema("order.place")["properties"]["ratio"]["deprecated"],
        true
    );
    assert_eq!(schema("order.ship")["deprecated"], Value::Null);
}

/// Another implementation has found that the expected details fit the expected JSON Schema.
#[test]
fn details_are_those_that_fit_the_json_schema() {
    let mut details = Vec::new();
    let mut out = JsonWriter::new(&mut details);
    place().write_details(&mut out);
    out.finish().unwrap();
    assert_eq!(
        String::from_utf8(details).unwrap(),
        include_str!("expected/details_order.place.json").trim_end()
    );
}

#[test]
fn the_readme_is_this() {
    let grown = code()
        .grown_by(
            &Catalog::new()
                .with::<Ship>()
                .with::<Cancel>()
                .with::<Bare>(),
        )
        .unwrap();
    // Rust types are those of this file, but for the crate's name.
    assert_eq!(
        files(&grown)["README.md"],
        include_str!("expected/README.md")
    );
}

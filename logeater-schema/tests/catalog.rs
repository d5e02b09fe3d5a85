//! From declarations to tables, files and BigQuery's schemas.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use logeater_schema::{Catalog, CatalogError, Column, Event, TableColumn, assert_catalog_current};
use tempfile::tempdir;

/// A product was put into a cart.
#[derive(Event)]
#[event("cart.add", crate = logeater_schema)]
struct Add {
    /// Stock keeping unit.
    sku: String,
    tags: Vec<String>,
    shipping: Option<Address>,
}

#[derive(Event)]
#[event("cart.pay", crate = logeater_schema)]
struct Pay {
    state: State,
    sku: String,
    shipping: Address,
    #[event(required)]
    amount: f64,
}

#[derive(Event)]
#[event("cart.reset", crate = logeater_schema)]
struct Reset;

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Address {
    /// Say "hi" \ there.
    #[column(required)]
    city: String,
    zip: Vec<u8>,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
#[expect(dead_code, reason = "declared, never written")]
enum State {
    Open,
    Paid,
}

fn cart() -> Catalog {
    Catalog::new().with::<Pay>().with::<Reset>().with::<Add>()
}

fn names(columns: &[TableColumn]) -> Vec<&str> {
    columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn a_table_is_the_union_of_the_columns_of_its_namespace() {
    let catalog = cart();
    assert_eq!(catalog.conflicts(), []);
    let tables: Vec<_> = catalog.tables().map(|table| table.name.as_str()).collect();
    assert_eq!(tables, ["cart", "events"]);
    let cart = catalog.table("cart").unwrap();
    let expected = [
        "event_id",
        "cluster_key",
        "sku",
        "tags",
        "shipping",
        "state",
        "amount",
    ];
    assert_eq!(names(&cart.columns), expected);
    let types: Vec<_> = cart
        .events
        .iter()
        .map(|event| (event.name.as_str(), event.columns.len()))
        .collect();
    assert_eq!(types, [("cart.add", 3), ("cart.pay", 4), ("cart.reset", 0)]);
}

#[test]
fn the_order_of_declaration_does_not_matter() {
    let backwards = Catalog::new()
        .with::<Add>()
        .with::<Reset>()
        .with::<Pay>()
        .with::<Add>();
    assert_eq!(backwards, cart());
}

#[test]
fn a_column_that_one_event_type_leaves_out_is_not_required() {
    let alone = Catalog::new().with::<Pay>();
    assert_eq!(
        alone.table("cart").unwrap().columns[5].mode.name(),
        "REQUIRED"
    );
    assert_eq!(
        cart().table("cart").unwrap().columns[6].mode.name(),
        "NULLABLE"
    );
}

#[test]
fn one_column_with_two_types_is_a_conflict_that_names_both_places() {
    #[derive(Event)]
    #[event("cart.weigh", crate = logeater_schema)]
    struct Weigh {
        sku: u32,
        shipping: Option<Crate>,
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Crate {
        zip: String,
    }
    let catalog = cart().with::<Weigh>();
    let conflicts: Vec<_> = catalog
        .conflicts()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(conflicts.len(), 2, "{conflicts:?}");
    for expected in [
        "column `cart.sku` is `sku` STRING in catalog::Add (",
        "Weigh (",
        "rename = ",
    ] {
        assert!(conflicts[0].contains(expected), "{}", conflicts[0]);
    }
    assert!(
        conflicts[0].contains("`sku` INTEGER in catalog::"),
        "{}",
        conflicts[0]
    );
    assert!(
        conflicts[1].contains("column `cart.shipping.zip`"),
        "{}",
        conflicts[1]
    );
    assert!(conflicts[0].contains("catalog.rs:"), "{}", conflicts[0]);
}

#[test]
fn one_event_type_of_two_rust_types_is_a_conflict() {
    #[derive(Event)]
    #[event("cart.reset", crate = logeater_schema)]
    struct AlsoReset;
    let catalog = cart().with::<AlsoReset>();
    assert_eq!(catalog.conflicts().len(), 1);
    let message = catalog.conflicts()[0].to_string();
    assert!(
        message.starts_with("event type `cart.reset` is declared twice: by "),
        "{message}"
    );
}

#[test]
fn columns_keep_their_place_new_ones_come_last_and_old_ones_stay_and_say_so() {
    let old = Catalog::new().with::<Pay>().with::<Reset>();
    let grown = old
        .grown_by(&Catalog::new().with::<Add>().with::<Reset>())
        .unwrap();
    let cart = grown.table("cart").unwrap();
    let expected = [
        "event_id",
        "cluster_key",
        "state",
        "sku",
        "shipping",
        "amount",
        "tags",
    ];
    assert_eq!(names(&cart.columns), expected);
    let gone: Vec<_> = cart
        .columns
        .iter()
        .filter(|column| column.no_longer_sent)
        .map(|column| &column.name)
        .collect();
    assert_eq!(gone, ["state", "amount"]);
    assert_eq!(
        cart.columns[5].mode.name(),
        "NULLABLE",
        "nothing fills it any longer"
    );
    let events: Vec<_> = cart
        .events
        .iter()
        .map(|event| (event.name.as_str(), event.no_longer_sent))
        .collect();
    assert_eq!(
        events,
        [
            ("cart.add", false),
            ("cart.pay", true),
            ("cart.reset", false)
        ]
    );

    let back = grown.grown_by(&self::cart()).unwrap();
    assert_eq!(names(&back.table("cart").unwrap().columns), expected);
    assert!(
        back.table("cart")
            .unwrap()
            .columns
            .iter()
            .all(|column| !column.no_longer_sent)
    );
}

#[test]
fn a_table_that_code_no_longer_knows_stays() {
    let grown = cart().grown_by(&Catalog::new()).unwrap();
    let cart = grown.table("cart").unwrap();
    let sent: Vec<_> = cart
        .columns
        .iter()
        .filter(|column| !column.no_longer_sent)
        .map(|column| &column.name)
        .collect();
    assert_eq!(sent, ["event_id", "cluster_key"]);
}

#[test]
fn changes_that_break_a_table_are_refused_one_by_one() {
    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    struct Changed {
        state: Vec<State>,
        #[event(rename = "SKU")]
        sku: String,
        shipping: Moved,
        #[event(required)]
        amount: u32,
        #[event(required)]
        due: String,
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Moved {
        city: u8,
    }
    let old = Catalog::new().with::<Pay>();
    let breaking = old.grown_by(&Catalog::new().with::<Changed>()).unwrap_err();
    let columns: Vec<_> = breaking
        .iter()
        .map(|breaking| breaking.column().unwrap())
        .collect();
    assert_eq!(columns, ["state", "sku", "shipping.city", "amount", "due"]);
    let messages: Vec<_> = breaking.iter().map(ToString::to_string).collect();
    let changed = breaking[3].rust_types.clone();
    assert!(
        changed.len() == 1 && changed[0].ends_with("::Changed"),
        "{changed:?}"
    );
    assert_eq!(
        messages[3],
        format!(
            "column `cart.amount` changes from REQUIRED FLOAT to REQUIRED INTEGER ({}): a column keeps its type; go back \
             to REQUIRED FLOAT, or declare one of another name",
            changed[0]
        )
    );
    assert!(
        messages[1].ends_with("case counts, and a column keeps its name; spell it `sku`"),
        "{}",
        messages[1]
    );
    assert!(
        messages[4].ends_with("have no value for it; remove `required`"),
        "{}",
        messages[4]
    );
}

#[test]
fn a_column_that_several_event_types_made_optional_stays_so_when_one_of_them_goes() {
    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    struct Stricter {
        #[event(required)]
        sku: String,
    }
    #[derive(Event)]
    #[event("cart.pay", crate = logeater_schema)]
    struct Looser {
        sku: Option<String>,
    }
    let old = cart();
    let grown = old.grown_by(&Catalog::new().with::<Pay>()).unwrap();
    assert_eq!(
        grown.table("cart").unwrap().columns[6].mode.name(),
        "NULLABLE"
    );
    let breaking = Catalog::new()
        .with::<Looser>()
        .grown_by(&Catalog::new().with::<Stricter>())
        .unwrap_err();
    assert!(
        breaking[0]
            .to_string()
            .contains("cannot become REQUIRED; remove `required`"),
        "{}",
        breaking[0]
    );
}

#[test]
fn a_generic_event_is_named_to_the_assertion_by_hand() {
    #[derive(Event)]
    #[event("cart.put", crate = logeater_schema)]
    struct Put<T> {
        thing: T,
    }
    let folder = tempdir().unwrap();
    Catalog::new()
        .with::<Put<String>>()
        .write(folder.path())
        .unwrap();
    assert_catalog_current!(folder.path(), Catalog::new().with::<Put<String>>());
    let stale = catch_unwind(|| {
        assert_catalog_current!(folder.path(), Catalog::new().with::<Put<Vec<String>>>());
    });
    let problem = stale.unwrap_err().downcast::<String>().unwrap();
    assert!(
        problem.contains("column `cart.thing` changes from NULLABLE STRING to REPEATED STRING"),
        "{problem}"
    );
}

#[test]
fn two_instances_of_a_generic_event_with_other_columns_are_a_conflict() {
    #[derive(Event)]
    #[event("cart.put", crate = logeater_schema)]
    struct Put<T> {
        thing: T,
    }
    let catalog = Catalog::new().with::<Put<String>>().with::<Put<u32>>();
    assert_eq!(catalog.conflicts().len(), 1);
    let same = Catalog::new().with::<Put<String>>().with::<Put<Box<str>>>();
    assert_eq!(same.conflicts(), []);
}

#[test]
fn sets_and_queues_repeat_whatever_is_in_them() {
    #[derive(Event)]
    #[event("cart.count", crate = logeater_schema)]
    struct Count {
        list: Vec<u8>,
        queue: std::collections::VecDeque<u8>,
        set: std::collections::BTreeSet<u8>,
    }
    let columns = &Catalog::new()
        .with::<Count>()
        .table("cart")
        .unwrap()
        .columns[2..]
        .to_vec();
    let types: Vec<_> = columns
        .iter()
        .map(|column| (column.mode.name(), column.column_type.name()))
        .collect();
    assert_eq!(
        types,
        [
            ("NULLABLE", "BYTES"),
            ("REPEATED", "INTEGER"),
            ("REPEATED", "INTEGER")
        ]
    );
}

#[derive(Event)]
#[event("limits.all", crate = logeater_schema)]
struct Limited {
    #[event(
        max_length = 10,
        policy_tag = "projects/p/locations/eu/taxonomies/1/policyTags/2"
    )]
    name: String,
    #[event(max_length = 16)]
    digests: Vec<Vec<u8>>,
    #[event(numeric(10, 2))]
    price: u64,
    inside: Inside,
}

#[derive(Column)]
#[column(crate = logeater_schema)]
struct Inside {
    #[column(numeric(38, 0))]
    vast: u128,
}

#[test]
fn limits_and_policy_tags_go_to_every_file_and_are_read_back() {
    let folder = tempdir().unwrap();
    let limited = Catalog::new().with::<Limited>();
    limited.write(folder.path()).unwrap();
    let text = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert_eq!(
        text("bigquery/limits.json"),
        include_str!("expected/bigquery_limits.json")
    );
    assert_eq!(
        text("bigquery/limits.sql"),
        include_str!("expected/bigquery_limits.sql")
    );
    let read = Catalog::read(folder.path()).unwrap();
    assert_eq!(read.table("limits"), limited.table("limits"));
    assert_eq!(
        read.grown_by(&limited).unwrap().table("limits"),
        limited.table("limits")
    );
}

#[test]
fn columns_that_differ_in_their_limits_are_a_conflict() {
    #[derive(Event)]
    #[event("limits.other", crate = logeater_schema)]
    struct Other {
        name: String,
        #[event(max_length = 17)]
        digests: Vec<Vec<u8>>,
        #[event(numeric(10, 3))]
        price: u64,
        inside: Option<Deeper>,
    }
    #[derive(Column)]
    #[column(crate = logeater_schema)]
    struct Deeper {
        vast: u128,
    }
    let limited = Catalog::new().with::<Limited>();
    let both = limited.clone().with::<Other>();
    let conflicts: Vec<_> = both.conflicts().iter().map(ToString::to_string).collect();
    for (conflict, (first, second)) in conflicts.iter().zip([
        (
            "`name` STRING(10) with the policy tag projects/p/locations/eu/taxonomies/1/policyTags/2 in",
            "`name` STRING in",
        ),
        (
            "`digests` REPEATED BYTES(16) in",
            "`digests` REPEATED BYTES(17) in",
        ),
        ("`price` NUMERIC(10, 2) in", "`price` NUMERIC(10, 3) in"),
        ("`vast` BIGNUMERIC(38, 0) in", "`vast` BIGNUMERIC in"),
    ]) {
        assert!(
            conflict.contains(first) && conflict.contains(second),
            "{conflict}"
        );
    }
    assert_eq!(conflicts.len(), 4);
}

#[test]
fn a_limit_that_changes_breaks_the_table() {
    #[derive(Event)]
    #[event("limits.all", crate = logeater_schema)]
    struct Changed {
        #[event(max_length = 11)]
        name: String,
    }
    let limited = Catalog::new().with::<Limited>();
    let breaking = limited
        .grown_by(&Catalog::new().with::<Changed>())
        .unwrap_err();
    assert_eq!(breaking.len(), 1);
    assert_eq!(
        (breaking[0].old.as_str(), breaking[0].new.as_str()),
        ("NULLABLE STRING(10)", "NULLABLE STRING(11)")
    );
}

#[test]
fn a_catalog_that_was_written_is_read_back_equal() {
    let folder = tempdir().unwrap();
    cart().write(folder.path()).unwrap();
    let read = Catalog::read(folder.path()).unwrap();
    assert!(read.tables().eq(cart().tables()));
    assert!(
        Catalog::read(folder.path().join("catalog"))
            .unwrap()
            .tables()
            .eq(cart().tables())
    );
    let one = Catalog::read(folder.path().join("catalog/cart.json")).unwrap();
    assert_eq!(one.table("cart"), cart().table("cart"));
}

#[test]
fn the_catalogs_file_is_this() {
    let folder = tempdir().unwrap();
    Catalog::new().with::<Pay>().write(folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join("catalog/cart.json")).unwrap();
    assert_eq!(text, include_str!("expected/catalog_cart.json"));
}

#[test]
fn the_schema_that_bq_takes_is_this() {
    let folder = tempdir().unwrap();
    cart().write(folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join("bigquery/cart.json")).unwrap();
    assert_eq!(text, include_str!("expected/bigquery_cart.json"));
}

#[test]
fn create_table_is_this() {
    let folder = tempdir().unwrap();
    cart()
        .grown_by(&Catalog::new().with::<Add>())
        .unwrap()
        .write(folder.path())
        .unwrap();
    let text = fs::read_to_string(folder.path().join("bigquery/cart.sql")).unwrap();
    assert_eq!(text, include_str!("expected/bigquery_cart.sql"));
}

/// The reason why a folder with this file is no catalog.
fn refusal(name: &str, text: impl AsRef<[u8]>) -> String {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("catalog")).unwrap();
    fs::write(folder.path().join("catalog").join(name), text).unwrap();
    Catalog::read(folder.path()).unwrap_err().to_string()
}

/// A STRING in so many RECORDs.
fn nested(records: usize) -> String {
    let (open, close) = (r#"{"name":"r","type":"RECORD","fields":["#, "]}");
    let inner = r#"{"name":"x","type":"STRING"}"#;
    format!("{}{inner}{}", open.repeat(records), close.repeat(records))
}

#[test]
fn records_nest_fifteen_levels_deep() {
    let text = format!(
        r#"{{"version":1,"table":"cart","columns":[
        {{"name":"event_id","type":"STRING","mode":"REQUIRED"}},{{"name":"cluster_key","type":"DATE","mode":"REQUIRED"}},{}]}}"#,
        nested(15)
    );
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("cart.json"), text).unwrap();
    Catalog::read(folder.path().join("cart.json")).unwrap();
}

#[test]
fn a_file_that_is_no_catalog_is_refused_by_name_and_reason() {
    let keys = r#"{"name":"event_id","type":"STRING","mode":"REQUIRED"},{"name":"cluster_key","type":"DATE","mode":"REQUIRED"}"#;
    let table = |version: u32, columns: &str, events: &str| {
        format!(
            r#"{{"version":{version},"table":"cart","columns":[{keys}{columns}],"events":[{events}]}}"#
        )
    };
    let add = r#"{"type":"cart.add","rust_type":"x"}"#;
    for (text, reason) in [
        ("{".to_owned(), "EOF while parsing"),
        (
            table(2, "", "").replace("\"table\"", "\"newer\":1,\"table\""),
            "it has version 2",
        ),
        (
            table(1, ",{\"name\":\"x\",\"type\":\"INT\"}", ""),
            "unknown variant `INT`",
        ),
        (
            "{\"compilerOptions\":{}}".to_owned(),
            "move it to another folder if it is not logeater's",
        ),
        (
            table(1, ",{\"name\":\"Cart\",\"type\":\"STRING\"}", ""),
            "a column has the name of the table, `cart`",
        ),
        (
            table(1, ",{\"name\":\"x y\",\"type\":\"STRING\"}", ""),
            "column `x y`",
        ),
        (
            table(1, ",{\"name\":\"EVENT_ID\",\"type\":\"STRING\"}", ""),
            "are one and the same",
        ),
        (
            table(1, ",{\"name\":\"x\",\"type\":\"RECORD\"}", ""),
            "a RECORD has fields",
        ),
        (
            table(
                1,
                ",{\"name\":\"x\",\"type\":\"STRING\",\"mode\":\"REPEATED\",\"default\":\"1\"}",
                "",
            ),
            "has a default",
        ),
        (
            table(1, &format!(",{}", nested(16)), ""),
            "RECORDs nest at most 15 levels deep",
        ),
        (
            table(1, "", r#"{"type":"cart","rust_type":"x"}"#),
            "event type `cart`",
        ),
        (
            table(1, "", r#"{"type":"order.add","rust_type":"x"}"#),
            "is not of the namespace `cart`",
        ),
        (
            table(1, "", &format!("{add},{add}")),
            "event type `cart.add` is there twice",
        ),
        (
            table(1, "", &add.replace('}', ",\"columns\":[\"x\"]}")),
            "writes `x`, which is no column",
        ),
        (table(1, "", "").replace(keys, ""), "the first two columns"),
        (
            table(1, "", "").replace("DATE", "STRING"),
            "the first two columns",
        ),
        (
            table(1, "", "").replace("\"cart\"", "\"cart_old\""),
            "it is of the table `cart_old`",
        ),
    ] {
        let refusal = refusal("cart.json", &text);
        assert!(
            refusal.contains("cart.json is not a catalog file") && refusal.contains(reason),
            "{text}: {refusal}"
        );
    }
    // What PowerShell writes: UTF-16.
    let refusal_of_utf16 = refusal("cart.json", b"\xff\xfe{\0");
    assert!(
        refusal_of_utf16.contains("cart.json is not a catalog file: invalid utf-8")
            && refusal_of_utf16.contains("take it from version control again"),
        "{refusal_of_utf16}"
    );
    for name in ["dead_letters", "sqlite_x", "9", "a.b", "a; DROP"] {
        let text = table(1, "", "").replace("\"cart\"", &format!("\"{name}\""));
        let refusal = refusal(&format!("{name}.json"), &text);
        assert!(
            refusal.contains(&format!("`{name}` is no namespace")),
            "{refusal}"
        );
    }
}

#[test]
fn hidden_files_beside_the_catalogs_are_not_read() {
    let folder = tempdir().unwrap();
    cart().write(folder.path()).unwrap();
    for name in [".#cart.json", "._cart.json", ".json"] {
        fs::write(folder.path().join("catalog").join(name), b"\x00\xff").unwrap();
    }
    let read = Catalog::read(folder.path()).unwrap();
    assert!(read.tables().eq(cart().tables()));
}

#[test]
fn a_catalog_that_is_not_there_says_where_it_was_looked_for() {
    for path in ["/nowhere/schemas", env!("CARGO_MANIFEST_DIR")] {
        let missing = Catalog::read(Path::new(path));
        assert!(
            matches!(&missing, Err(CatalogError::Missing(found)) if found == Path::new(path)),
            "{missing:?}"
        );
    }
}

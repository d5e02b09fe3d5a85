//! Changes between catalogs: each row of BigQuery's rules, with its class and the statement for it.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;

use logeater_schema::{Catalog, Change};
use serde_json::{Value, json};
use tempfile::tempdir;

const ADD: &str =
    r#"[{"type": "cart.add", "rust_type": "shop::Add", "columns": ["sku", "shipping"]}]"#;

/// A catalog of the table `cart` with these columns after the two keys.
fn cart(columns: &Value) -> Catalog {
    of(columns, "", &serde_json::from_str(ADD).unwrap())
}

fn of(columns: &Value, description: &str, events: &Value) -> Catalog {
    let mut all = vec![
        json!({"name": "event_id", "type": "STRING", "mode": "REQUIRED"}),
        json!({"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"}),
    ];
    all.extend(columns.as_array().unwrap().iter().cloned());
    let names: Vec<_> = all[2..].iter().map(|column| &column["name"]).collect();
    let mut events = events.clone();
    for event in events.as_array_mut().unwrap() {
        if let Some(written) = event.get_mut("columns").and_then(Value::as_array_mut) {
            written.retain(|column| names.contains(&column));
        }
    }
    let file = json!({"version": 1, "table": "cart", "description": description, "columns": all, "events": events});
    let folder = tempdir().unwrap();
    let path = folder.path().join("cart.json");
    fs::write(&path, file.to_string()).unwrap();
    Catalog::read(path).unwrap()
}

/// The two columns that `cart.add` writes, the second one a RECORD of one.
fn columns(sku: &Value, zip: &Value) -> Value {
    let with_name = |column: &Value, name: &str| {
        let mut column = column.clone();
        column["name"] = json!(name);
        column
    };
    json!([
        with_name(sku, "sku"),
        {"name": "shipping", "type": "RECORD", "fields": [{"name": "city", "type": "STRING"}, with_name(zip, "zip")]},
    ])
}

/// What changes when both the top-level and the nested column change in this way, without the descriptions.
fn changed(old: &Value, new: &Value) -> Vec<Change> {
    let change = cart(&columns(old, old)).changes_to(&cart(&columns(new, new)));
    assert_eq!(change.len(), 2, "{change:#?}");
    assert_eq!(change[0].column(), Some("sku"));
    assert_eq!(change[1].column(), Some("shipping.zip"));
    change
}

/// Rule, class and statements of a change that top-level and nested columns share.
fn assert_change(old: &Value, new: &Value, rule: &str, class: &str, statements: &[&str]) {
    let changes = changed(old, new);
    for change in &changes {
        assert_eq!(
            (change.rule.name(), change.class().name()),
            (rule, class),
            "{change}"
        );
    }
    assert_eq!(changes[0].statements, statements);
    assert_eq!(changes[1].statements, [""; 0], "DDL reaches no RECORD");
}

#[test]
fn a_new_nullable_or_repeated_column_is_safe_also_in_a_record() {
    let old = cart(
        &json!([{"name": "shipping", "type": "RECORD", "fields": [{"name": "city", "type": "STRING"}]}]),
    );
    for (mode, sql) in [("NULLABLE", "INT64"), ("REPEATED", "ARRAY<INT64>")] {
        let column = json!({"type": "INTEGER", "mode": mode});
        let changes = old.changes_to(&cart(&columns(&column, &column)));
        let found: Vec<_> = changes
            .iter()
            .map(|change| (change.rule.name(), change.class().name(), change.column()))
            .collect();
        assert_eq!(
            found,
            [
                ("new_column", "safe", Some("shipping.zip")),
                ("new_column", "safe", Some("sku"))
            ]
        );
        assert_eq!(
            changes[1].statements,
            [format!(
                "ALTER TABLE `logeater`.`cart` ADD COLUMN `sku` {sql};"
            )]
        );
        assert_eq!(
            changes[1].to_string(),
            format!("column `cart.sku` is new: {mode} INTEGER (shop::Add)")
        );
    }
}

#[test]
fn required_to_nullable_is_safe() {
    assert_change(
        &json!({"type": "STRING", "mode": "REQUIRED"}),
        &json!({"type": "STRING"}),
        "relaxed",
        "safe",
        &["ALTER TABLE `logeater`.`cart` ALTER COLUMN `sku` DROP NOT NULL;"],
    );
}

#[test]
fn a_description_is_safe_and_so_is_a_new_variant_which_is_one() {
    assert_change(
        &json!({"type": "STRING", "description": "One of: `Open`."}),
        &json!({"type": "STRING", "description": "One of: `Open`, `Paid`."}),
        "description",
        "safe",
        &[
            "ALTER TABLE `logeater`.`cart` ALTER COLUMN `sku` SET OPTIONS (description = \"One of: `Open`, `Paid`.\");",
        ],
    );
}

#[test]
fn a_description_that_is_cut_is_said_so() {
    let described = |description: String| json!({"type": "STRING", "description": description});
    let (short, at_limit, beyond) = (
        described("a".into()),
        described("ü".repeat(1_024)),
        described("ü".repeat(1_025)),
    );
    assert_eq!(changed(&short, &at_limit)[0].advice, "");
    let advice = &changed(&short, &beyond)[0].advice;
    assert!(
        advice.starts_with("BigQuery takes 1,024 characters"),
        "{advice}"
    );
    let mut column = beyond;
    column["name"] = json!("sku");
    let changes = cart(&json!([])).changes_to(&cart(&json!([column])));
    assert!(
        changes[0]
            .to_string()
            .contains("new: NULLABLE STRING (shop::Add): BigQuery takes 1,024"),
        "{}",
        changes[0]
    );
}

#[test]
fn a_tables_description_is_safe() {
    let nothing = json!([]);
    let changes = of(&nothing, "a", &nothing).changes_to(&of(&nothing, "b \"c\"", &nothing));
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].rule.name(), changes[0].class().name()),
        ("description", "safe")
    );
    assert_eq!(
        changes[0].statements,
        ["ALTER TABLE `logeater`.`cart` SET OPTIONS (description = \"b \\\"c\\\"\");"]
    );
}

#[test]
fn a_policy_tag_is_safe_where_it_is_added_and_a_warning_where_it_changes_or_goes() {
    let without = json!({"type": "STRING"});
    let with = |tag: &str| json!({"type": "STRING", "policy_tag": tag});
    assert_change(&without, &with("t1"), "policy_tag_added", "safe", &[]);
    assert_change(&with("t1"), &with("t2"), "policy_tag_changed", "warn", &[]);
    assert_change(&with("t1"), &without, "policy_tag_removed", "warn", &[]);
    let removed = changed(&with("t1"), &without)[0].to_string();
    assert!(
        removed.contains("loses its policy tag t1") && removed.contains("{\"names\": []}"),
        "{removed}"
    );
}

#[test]
fn a_column_no_longer_sent_is_safe() {
    let sent = json!({"type": "STRING"});
    let kept = json!({"type": "STRING", "no_longer_sent": true});
    assert_change(&sent, &kept, "no_longer_sent", "safe", &[]);
    assert_change(&kept, &sent, "sent_again", "safe", &[]);
}

#[test]
fn a_new_required_column_is_breaking() {
    let old = cart(&json!([]));
    let new =
        cart(&json!([{"name": "sku", "type": "STRING", "mode": "REQUIRED", "description": "A."}]));
    let changes = old.changes_to(&new);
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].rule.name(), changes[0].class().name()),
        ("new_required_column", "breaking")
    );
    assert_eq!(
        changes[0].statements,
        ["ALTER TABLE `logeater`.`cart` ADD COLUMN `sku` STRING OPTIONS (description = \"A.\");"]
    );
}

#[test]
fn a_new_record_may_have_required_columns() {
    let record = json!([{"name": "shipping", "type": "RECORD", "fields": [{"name": "zip", "type": "STRING", "mode": "REQUIRED"}]}]);
    let changes = cart(&json!([])).changes_to(&cart(&record));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].rule.name(), "new_column");
    assert_eq!(
        changes[0].statements,
        ["ALTER TABLE `logeater`.`cart` ADD COLUMN `shipping` STRUCT<`zip` STRING NOT NULL>;"]
    );
}

#[test]
fn nullable_to_required_is_breaking_and_no_statement_makes_it() {
    let (old, new) = (
        json!({"type": "STRING"}),
        json!({"type": "STRING", "mode": "REQUIRED"}),
    );
    assert_change(&old, &new, "required", "breaking", &[]);
    let text = changed(&old, &new)[0].to_string();
    assert!(
        text.ends_with("remove `required`; no statement makes this change"),
        "{text}"
    );
}

#[test]
fn one_to_many_and_back_is_breaking() {
    let (one, many) = (
        json!({"type": "STRING"}),
        json!({"type": "STRING", "mode": "REPEATED"}),
    );
    assert_change(
        &one,
        &many,
        "repeated",
        "breaking",
        &[
            "ALTER TABLE `logeater`.`cart` RENAME COLUMN `sku` TO `sku_old`;",
            "ALTER TABLE `logeater`.`cart` ADD COLUMN `sku` ARRAY<STRING>;",
            "UPDATE `logeater`.`cart` SET `sku` = IF(`sku_old` IS NULL, [], [`sku_old`]) WHERE TRUE;",
        ],
    );
    let back = &changed(&many, &one)[0];
    assert_eq!(
        back.statements[2],
        "UPDATE `logeater`.`cart` SET `sku` = `sku_old`[SAFE_OFFSET(0)] WHERE TRUE;"
    );
}

#[test]
fn a_wider_type_is_breaking_too_and_is_widened_in_place() {
    for (old, new, sql) in [
        (
            json!({"type": "INTEGER"}),
            json!({"type": "NUMERIC"}),
            "NUMERIC",
        ),
        (
            json!({"type": "INTEGER"}),
            json!({"type": "FLOAT"}),
            "FLOAT64",
        ),
        (
            json!({"type": "NUMERIC"}),
            json!({"type": "BIGNUMERIC"}),
            "BIGNUMERIC",
        ),
        (
            json!({"type": "STRING", "max_length": 10}),
            json!({"type": "STRING", "max_length": 11}),
            "STRING(11)",
        ),
        (
            json!({"type": "STRING", "max_length": 10}),
            json!({"type": "STRING"}),
            "STRING",
        ),
        (
            json!({"type": "NUMERIC", "precision": 10, "scale": 2}),
            json!({"type": "NUMERIC", "precision": 12, "scale": 3}),
            "NUMERIC(12, 3)",
        ),
    ] {
        let statement =
            format!("ALTER TABLE `logeater`.`cart` ALTER COLUMN `sku` SET DATA TYPE {sql};");
        assert_change(&old, &new, "type", "breaking", &[&statement]);
    }
}

#[test]
fn another_type_is_breaking_and_the_old_values_stay_under_another_name() {
    let changes = changed(&json!({"type": "STRING"}), &json!({"type": "INTEGER"}));
    assert_eq!(
        changes[0].to_string(),
        "column `cart.sku` changes from NULLABLE STRING to NULLABLE INTEGER (shop::Add): a column keeps its type; go \
         back to NULLABLE STRING, or declare one of another name"
    );
    assert_eq!(
        changes[0].statements,
        [
            "ALTER TABLE `logeater`.`cart` RENAME COLUMN `sku` TO `sku_old`;",
            "ALTER TABLE `logeater`.`cart` ADD COLUMN `sku` INT64;",
            "UPDATE `logeater`.`cart` SET `sku` = SAFE_CAST(`sku_old` AS INT64) WHERE TRUE;",
        ]
    );
    assert!(
        changes[1]
            .to_string()
            .ends_with("; no statement makes this change")
    );
    for (old, new, value) in [
        (
            json!({"type": "STRING", "max_length": 11}),
            json!({"type": "STRING", "max_length": 10}),
            Some("SAFE_CAST(`sku_old` AS STRING(10))"),
        ),
        (
            json!({"type": "STRING"}),
            json!({"type": "JSON"}),
            Some("SAFE.PARSE_JSON(`sku_old`)"),
        ),
        (
            json!({"type": "JSON"}),
            json!({"type": "INTEGER"}),
            Some("SAFE_CAST(JSON_VALUE(`sku_old`) AS INT64)"),
        ),
        (
            json!({"type": "FLOAT"}),
            json!({"type": "JSON"}),
            Some("TO_JSON(`sku_old`)"),
        ),
        (
            json!({"type": "INTEGER", "mode": "REPEATED"}),
            json!({"type": "STRING", "mode": "REPEATED"}),
            Some(
                "ARRAY(SELECT SAFE_CAST(`value` AS STRING) FROM UNNEST(`sku_old`) AS `value` WITH OFFSET AS `at` ORDER BY `at`)",
            ),
        ),
        (json!({"type": "BOOLEAN"}), json!({"type": "DATE"}), None),
        (json!({"type": "BYTES"}), json!({"type": "INTEGER"}), None),
    ] {
        let statements = &changed(&old, &new)[0].statements;
        let expected =
            value.map(|value| format!("UPDATE `logeater`.`cart` SET `sku` = {value} WHERE TRUE;"));
        assert_eq!(statements.get(2), expected.as_ref());
    }
}

#[test]
fn another_spelling_is_breaking() {
    let old = columns(&json!({"type": "STRING"}), &json!({"type": "STRING"}));
    let mut new = old.clone();
    new[0]["name"] = json!("SKU");
    new[1]["fields"][1]["name"] = json!("Zip");
    let changes = cart(&old).changes_to(&cart(&new));
    let found: Vec<_> = changes
        .iter()
        .map(|change| {
            (
                change.rule.name(),
                change.class().name(),
                &*change.old,
                &*change.new,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("column_renamed", "breaking", "sku", "SKU"),
            ("column_renamed", "breaking", "zip", "Zip")
        ]
    );
    assert_eq!(
        changes[0].statements,
        [
            "ALTER TABLE `logeater`.`cart` RENAME COLUMN `sku` TO `sku_old`;",
            "ALTER TABLE `logeater`.`cart` RENAME COLUMN `sku_old` TO `SKU`;"
        ]
    );
    assert_eq!(changes[1].statements, [""; 0]);
}

#[test]
fn a_removed_column_is_breaking_and_so_is_a_renamed_one() {
    let old = columns(&json!({"type": "STRING"}), &json!({"type": "STRING"}));
    let renamed = json!([{"name": "code", "type": "STRING"}, {"name": "shipping", "type": "RECORD", "fields": [{"name": "city", "type": "STRING"}]}]);
    let changes = cart(&old).changes_to(&cart(&renamed));
    let found: Vec<_> = changes
        .iter()
        .map(|change| (change.rule.name(), change.class().name(), change.column()))
        .collect();
    assert_eq!(
        found,
        [
            ("column_removed", "breaking", Some("sku")),
            ("column_removed", "breaking", Some("shipping.zip")),
            ("new_column", "safe", Some("code"))
        ]
    );
    assert_eq!(
        changes[0].statements,
        ["ALTER TABLE `logeater`.`cart` DROP COLUMN `sku`;"]
    );
    assert_eq!(changes[1].statements, [""; 0]);
    assert!(
        changes[1]
            .to_string()
            .ends_with("no statement makes this change inside a RECORD")
    );
}

#[test]
fn a_default_on_a_new_column_is_breaking_and_takes_two_statements() {
    let new = cart(&json!([{"name": "sku", "type": "STRING", "default": "'none'"}]));
    let changes = cart(&json!([])).changes_to(&new);
    assert_eq!(
        (changes[0].rule.name(), changes[0].class().name()),
        ("new_column_with_default", "breaking")
    );
    assert_eq!(
        changes[0].statements,
        [
            "ALTER TABLE `logeater`.`cart` ADD COLUMN `sku` STRING;",
            "ALTER TABLE `logeater`.`cart` ALTER COLUMN `sku` SET DEFAULT 'none';"
        ]
    );
    let without = cart(&json!([{"name": "sku", "type": "STRING"}]));
    let changes = new.changes_to(&without);
    assert_eq!(
        (changes[0].rule.name(), changes[0].class().name()),
        ("default", "safe")
    );
    assert_eq!(
        changes[0].statements,
        ["ALTER TABLE `logeater`.`cart` ALTER COLUMN `sku` DROP DEFAULT;"]
    );
}

#[test]
fn an_event_type_that_is_renamed_removed_or_moved_is_a_warning() {
    let nothing = json!([]);
    let event = |name: &str, rust_type: &str| json!({"type": name, "rust_type": rust_type});
    let catalog = |events: Value| of(&nothing, "", &events);
    let found = |old: &Catalog, new: &Catalog| -> Vec<(&str, &str, String)> {
        let changes = old.changes_to(new);
        let found = changes.iter();
        found
            .map(|change| {
                (
                    change.rule.name(),
                    change.class().name(),
                    change.to_string(),
                )
            })
            .collect()
    };
    let add = catalog(json!([event("cart.add", "shop::Add")]));
    let removed = found(&add, &catalog(json!([])));
    assert_eq!(
        removed,
        [("event_type_removed", "warn", "event type `cart.add` is no longer sent (shop::Add): its rows stay, and no new ones come; who counts them should know".to_owned())]
    );
    let mut retired = event("cart.add", "shop::Add");
    retired["no_longer_sent"] = json!(true);
    let retired = catalog(json!([retired]));
    assert_eq!(found(&add, &retired), removed);
    assert_eq!(found(&retired, &add)[0].0, "sent_again");

    let renamed = found(&add, &catalog(json!([event("cart.put", "shop::Add")])));
    assert_eq!(renamed[0].0, "event_type_renamed");
    assert!(
        renamed[0]
            .2
            .starts_with("event type `cart.add` seems to be `cart.put` now (shop::Add)")
    );
    assert_eq!((renamed[1].0, renamed[1].1), ("new_event_type", "safe"));

    let folder = tempdir().unwrap();
    let moved = json!({"version": 1, "table": "trolley", "columns": [
        {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
    ], "events": [event("trolley.add", "shop::Add")]});
    fs::write(folder.path().join("trolley.json"), moved.to_string()).unwrap();
    let mut kept = event("cart.add", "shop::Add");
    kept["no_longer_sent"] = json!(true);
    let cart =
        json!({"version": 1, "table": "cart", "columns": moved["columns"], "events": [kept]});
    fs::write(folder.path().join("cart.json"), cart.to_string()).unwrap();
    let moved = found(&add, &Catalog::read(folder.path()).unwrap());
    let rules: Vec<_> = moved.iter().map(|change| change.0).collect();
    assert_eq!(rules, ["event_type_renamed", "new_table", "new_event_type"]);
    assert!(moved[0].2.contains("`trolley.add` now"), "{}", moved[0].2);
}

#[test]
fn variants_of_one_enum_are_not_guessed_at() {
    let event = |name: &str| json!({"type": name, "rust_type": "shop::Cart"});
    let catalog = |events: Value| of(&json!([]), "", &events);
    let old = catalog(json!([event("cart.a"), event("cart.b")]));
    let new = catalog(json!([event("cart.c"), event("cart.d")]));
    let changes = old.changes_to(&new);
    let rules: Vec<_> = changes.iter().map(|change| change.rule.name()).collect();
    assert_eq!(
        rules,
        [
            "event_type_removed",
            "event_type_removed",
            "new_event_type",
            "new_event_type"
        ]
    );
}

#[test]
fn a_new_table_is_safe_and_a_removed_one_is_breaking() {
    let (none, some) = (Catalog::new(), of(&json!([]), "", &json!([])));
    let new = none.changes_to(&some);
    assert_eq!(
        (new[0].rule.name(), new[0].class().name()),
        ("new_table", "safe")
    );
    assert_eq!(
        new[0].statements,
        [
            "CREATE TABLE `logeater`.`cart` (\n  `event_id` STRING NOT NULL,\n  `cluster_key` DATE NOT NULL\n)\n\
          CLUSTER BY `cluster_key`;"
        ]
    );
    let gone = some.changes_to(&none);
    assert_eq!(
        (gone[0].rule.name(), gone[0].class().name()),
        ("table_removed", "breaking")
    );
    assert_eq!(gone[0].statements, ["DROP TABLE `logeater`.`cart`;"]);
    assert_eq!(some.changes_to(&some), []);
}

#[test]
fn more_columns_than_a_table_has_room_for_are_breaking_those_in_records_included() {
    // With the two keys and the RECORD itself.
    let wide = |columns: u32| {
        let fields: Vec<_> = (3..columns)
            .map(|at| json!({"name": format!("c{at}"), "type": "STRING"}))
            .collect();
        cart(&json!([{"name": "shipping", "type": "RECORD", "fields": fields}]))
    };
    let too_many = |old: u32, new: u32| {
        let mut changes = wide(old).changes_to(&wide(new));
        changes.retain(|change| change.rule.name() == "too_many_columns");
        changes
    };
    assert_eq!(too_many(9_999, 10_000), []);
    let found = too_many(10_000, 10_001);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].class().name(), "breaking");
    assert_eq!(
        found[0].to_string(),
        "table `cart` has 10001 columns, after 10000 (shop::Add): BigQuery takes 10000, those in RECORDs and those no \
         longer sent included; give some event types another namespace, or make fields one column with `json`"
    );
    // One that is too wide already is refused only where it grows.
    assert_eq!(too_many(10_001, 10_001), []);
    assert_eq!(too_many(10_001, 10_002).len(), 1);
}

use serde_json::{Value, json};

use super::*;
use crate::bigquery::Credentials;
use crate::testing::catalog_of_cart;

fn target() -> Target {
    Target {
        project: "shop".to_owned(),
        dataset: "tracking".to_owned(),
        endpoint: None,
        credentials: Credentials::none(),
    }
}

/// A catalog of the table `cart` with one column, in the catalog's format.
fn catalog(column: &Value) -> Catalog {
    catalog_of_cart(&column.to_string(), &[column["name"].as_str().unwrap()])
}

/// The live table `cart` with these columns after the two keys, in the API's format.
fn live(fields: &Value) -> Table {
    let mut all = vec![
        json!({"name": "event_id", "type": "STRING", "mode": "REQUIRED"}),
        json!({"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"}),
    ];
    all.extend(fields.as_array().unwrap().iter().cloned());
    serde_json::from_value(json!({"etag": "e1", "type": "TABLE", "schema": {"fields": all}}))
        .unwrap()
}

fn step(options: Options, catalog: &Catalog, live: &Table) -> Option<Action> {
    let target = target();
    let wanted = Wanted::new(&target, catalog, options);
    let item = Item::Table(catalog.table("cart").unwrap());
    wanted.step(&item, Some(live)).map(|step| step.action)
}

/// What the catalog of one column makes of the live table: the columns that are sent after the two keys, and the rules.
fn grown_to(wanted: &Value, fields: &Value) -> (Value, Vec<&'static str>) {
    match step(Options::default(), &catalog(wanted), &live(fields)) {
        Some(Action::Change {
            etag,
            change,
            changes,
        }) => {
            assert_eq!(etag, "e1");
            let mut sent = serde_json::to_value(&*change).unwrap();
            let fields = sent["schema"]["fields"].as_array_mut().unwrap();
            assert_eq!(fields[0]["name"], "event_id");
            assert_eq!(fields[1]["name"], "cluster_key");
            let fields = fields.split_off(2);
            (
                json!(fields),
                changes.iter().map(|change| change.rule.name()).collect(),
            )
        }
        other => panic!("{other:?}"),
    }
}

/// Why the catalog of one column does not become the live table, each reason with its statements.
fn refused_as(wanted: &Value, fields: &Value) -> Vec<(String, Vec<String>)> {
    match step(Options::default(), &catalog(wanted), &live(fields)) {
        Some(Action::Refuse(refusals)) => refusals
            .into_iter()
            .map(|refusal| (refusal.reason, refusal.statements))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn is_nothing(wanted: &Value, fields: &Value) -> bool {
    step(Options::default(), &catalog(wanted), &live(fields)).is_none()
}

#[test]
fn a_new_column_comes_last_whether_nullable_or_repeated() {
    let there = json!([{"name": "old", "type": "STRING", "mode": "NULLABLE"}]);
    for mode in ["NULLABLE", "REPEATED"] {
        let new = json!({"name": "n", "type": "INTEGER", "mode": mode});
        assert_eq!(
            grown_to(&new, &there),
            (json!([there[0], new]), vec!["new_column"])
        );
    }
}

#[test]
fn a_new_column_of_a_record_comes_last_in_it() {
    let record = |fields: &Value| json!({"name": "to", "type": "RECORD", "mode": "REPEATED", "fields": fields});
    let [city, zip] =
        ["city", "zip"].map(|name| json!({"name": name, "type": "STRING", "mode": "NULLABLE"}));
    assert_eq!(
        grown_to(&record(&json!([zip])), &json!([record(&json!([city]))])),
        (json!([record(&json!([city, zip]))]), vec!["new_column"])
    );
}

#[test]
fn a_required_column_becomes_nullable_and_not_the_other_way() {
    let column = |mode: &str| json!({"name": "n", "type": "INTEGER", "mode": mode});
    assert_eq!(
        grown_to(&column("NULLABLE"), &json!([column("REQUIRED")])),
        (json!([column("NULLABLE")]), vec!["relaxed"])
    );
    assert_eq!(
        refused_as(&column("REQUIRED"), &json!([column("NULLABLE")])),
        [(
            "column `cart.n` changes from NULLABLE INTEGER to REQUIRED INTEGER (CartAdd): a column that may be NULL cannot \
             become REQUIRED; remove `required`; no statement makes this change"
                .to_owned(),
            vec![]
        )]
    );
}

#[test]
fn a_description_is_set_and_one_that_the_catalog_does_not_have_stays() {
    let column = |description: &str| json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE", "description": description});
    let bare = json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE"});
    assert_eq!(
        grown_to(&column("new"), &json!([column("old")])),
        (json!([column("new")]), vec!["description"])
    );
    assert!(is_nothing(&bare, &json!([column("old")])));
}

#[test]
fn a_column_that_is_no_longer_sent_says_so() {
    let wanted =
        json!({"name": "n", "type": "INTEGER", "description": "Old.", "no_longer_sent": true});
    let live = json!([{"name": "n", "type": "INTEGER", "description": "Old."}]);
    let (fields, rules) = grown_to(&wanted, &live);
    assert_eq!(fields[0]["description"], "Old. (no longer sent)");
    assert_eq!(rules, ["description"]);
    assert!(is_nothing(&wanted, &fields));
}

#[test]
fn a_policy_tag_is_set_and_stays_until_it_is_to_go() {
    let bare = json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE"});
    let tagged =
        |tag: &str| json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE", "policy_tag": tag});
    let of_api = |names: &[&str]| json!([{"name": "n", "type": "INTEGER", "mode": "NULLABLE", "policyTags": {"names": names}}]);
    assert_eq!(
        grown_to(&tagged("a"), &json!([bare])),
        (of_api(&["a"]), vec!["policy_tag_added"])
    );
    assert_eq!(
        grown_to(&tagged("b"), &of_api(&["a"])),
        (of_api(&["b"]), vec!["policy_tag_changed"])
    );
    assert!(is_nothing(&bare, &of_api(&["a"])));
    assert!(is_nothing(&bare, &of_api(&[])));
    let untag = Options {
        untag: true,
        ..Options::default()
    };
    let Some(Action::Change {
        change, changes, ..
    }) = step(untag, &catalog(&bare), &live(&of_api(&["a"])))
    else {
        panic!("the tag stays");
    };
    let sent = serde_json::to_value(&*change).unwrap();
    assert_eq!(
        sent["schema"]["fields"][2]["policyTags"],
        json!({"names": []})
    );
    assert_eq!(changes[0].rule.name(), "policy_tag_removed");
    assert!(step(untag, &catalog(&bare), &live(&of_api(&[]))).is_none());
}

#[test]
fn a_new_required_column_is_refused() {
    let new = json!({"name": "n", "type": "INTEGER", "mode": "REQUIRED"});
    let [(reason, statements)] = &refused_as(&new, &json!([]))[..] else {
        panic!("one reason");
    };
    assert!(
        reason.starts_with("column `cart.n` is new: REQUIRED INTEGER"),
        "{reason}"
    );
    assert_eq!(
        statements[..],
        ["ALTER TABLE `shop`.`tracking`.`cart` ADD COLUMN `n` INT64;"]
    );
}

#[test]
fn a_new_column_with_a_default_is_refused_with_its_two_statements() {
    let new = json!({"name": "n", "type": "INTEGER", "default": "7"});
    assert_eq!(
        refused_as(&new, &json!([]))[0].1,
        [
            "ALTER TABLE `shop`.`tracking`.`cart` ADD COLUMN `n` INT64;",
            "ALTER TABLE `shop`.`tracking`.`cart` ALTER COLUMN `n` SET DEFAULT 7;",
        ]
    );
}

#[test]
fn a_default_is_changed_and_one_that_the_catalog_does_not_have_stays() {
    let of_api = |default: &str| json!([{"name": "n", "type": "INTEGER", "mode": "NULLABLE", "defaultValueExpression": default}]);
    assert_eq!(
        grown_to(
            &json!({"name": "n", "type": "INTEGER", "default": "8"}),
            &of_api("7")
        ),
        (of_api("8"), vec!["default"])
    );
    assert!(is_nothing(
        &json!({"name": "n", "type": "INTEGER"}),
        &of_api("7")
    ));
}

#[test]
fn another_type_is_refused_with_what_a_person_could_run() {
    let column = |column_type: &str| json!({"name": "n", "type": column_type, "mode": "NULLABLE"});
    assert_eq!(
        refused_as(&column("NUMERIC"), &json!([column("INTEGER")])),
        [(
            "column `cart.n` changes from NULLABLE INTEGER to NULLABLE NUMERIC (CartAdd): a column keeps its type; go back \
             to NULLABLE INTEGER, or declare one of another name"
                .to_owned(),
            vec![
                "ALTER TABLE `shop`.`tracking`.`cart` ALTER COLUMN `n` SET DATA TYPE NUMERIC;"
                    .to_owned()
            ]
        )]
    );
    let repeated = json!({"name": "n", "type": "INTEGER", "mode": "REPEATED"});
    let reason = &refused_as(&repeated, &json!([column("INTEGER")]))[0].0;
    assert!(
        reason.contains("one value does not become many"),
        "{reason}"
    );
    let longer = json!({"name": "s", "type": "STRING", "max_length": 4});
    let of_three = json!([{"name": "s", "type": "STRING", "maxLength": "3"}]);
    assert_eq!(
        refused_as(&longer, &of_three)[0].1,
        ["ALTER TABLE `shop`.`tracking`.`cart` ALTER COLUMN `s` SET DATA TYPE STRING(4);"]
    );
}

#[test]
fn another_spelling_is_refused() {
    let column = |name: &str| json!({"name": name, "type": "STRING"});
    let reason = &refused_as(&column("sku"), &json!([column("SKU")]))[0].0;
    assert!(
        reason.starts_with("column `cart.SKU` is spelled `sku` now"),
        "{reason}"
    );
}

#[test]
fn nothing_of_a_table_is_changed_of_which_something_is_refused() {
    let record = |fields: &Value| json!({"name": "to", "type": "RECORD", "fields": fields});
    let wanted =
        record(&json!([{"name": "zip", "type": "INTEGER"}, {"name": "city", "type": "STRING"}]));
    let there = json!([record(&json!([{"name": "zip", "type": "STRING"}]))]);
    let refusals = refused_as(&wanted, &there);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(
        refusals[0]
            .0
            .starts_with("column `cart.to.zip` changes from NULLABLE STRING to NULLABLE INTEGER"),
        "{refusals:?}"
    );
}

#[test]
fn columns_that_the_catalog_does_not_have_stay_and_may_be_empty_from_now_on() {
    let wanted = json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE"});
    let there = json!([
        {"name": "place", "type": "GEOGRAPHY", "mode": "NULLABLE"},
        {"name": "by_hand", "type": "STRING", "mode": "NULLABLE", "description": "Mine."},
        wanted,
    ]);
    assert!(is_nothing(&wanted, &there));
    let required = json!([{"name": "by_hand", "type": "STRING", "mode": "REQUIRED"}, wanted]);
    assert_eq!(
        grown_to(&wanted, &required),
        (
            json!([{"name": "by_hand", "type": "STRING", "mode": "NULLABLE"}, wanted]),
            vec!["relaxed"]
        )
    );
}

#[test]
fn what_others_have_set_in_a_column_is_sent_back_whatever_it_is() {
    let others = json!({"collation": "und:ci", "dataPolicies": [{"name": "p"}]});
    let with = |mut column: Value| {
        column
            .as_object_mut()
            .unwrap()
            .extend(others.as_object().unwrap().clone());
        column
    };
    let there = json!([with(
        json!({"name": "to", "type": "RECORD", "mode": "NULLABLE", "fields": [
            with(json!({"name": "city", "type": "STRING", "mode": "NULLABLE"}))
        ]})
    )]);
    let wanted = json!({"name": "to", "type": "RECORD", "mode": "NULLABLE", "description": "Where to.", "fields": [
        {"name": "city", "type": "STRING", "mode": "NULLABLE"}
    ]});
    let mut expected = there.clone();
    expected[0]["description"] = json!("Where to.");
    assert_eq!(grown_to(&wanted, &there), (expected, vec!["description"]));
    let mut table = live(&json!([]));
    table.schema =
        serde_json::from_value(json!({"fields": [], "foreignTypeInfo": {"typeSystem": "HIVE"}}))
            .ok();
    let sent = table.schema_of(Vec::new());
    assert_eq!(
        serde_json::to_value(sent).unwrap()["foreignTypeInfo"],
        json!({"typeSystem": "HIVE"})
    );
}

#[test]
fn types_have_their_other_names() {
    for (name, other) in [
        ("INTEGER", "INT64"),
        ("FLOAT", "FLOAT64"),
        ("BOOLEAN", "BOOL"),
        ("NUMERIC", "DECIMAL"),
        ("BIGNUMERIC", "BIGDECIMAL"),
    ] {
        let wanted = json!({"name": "n", "type": name});
        assert!(
            is_nothing(&wanted, &json!([{"name": "n", "type": other}])),
            "{other}"
        );
    }
    let wanted =
        json!({"name": "r", "type": "RECORD", "fields": [{"name": "a", "type": "STRING"}]});
    let there =
        json!([{"name": "r", "type": "STRUCT", "fields": [{"name": "a", "type": "STRING"}]}]);
    assert!(is_nothing(&wanted, &there));
}

#[test]
fn a_type_that_the_catalog_never_has_is_refused_by_its_name() {
    let record = |column_type: &str| json!({"name": "to", "type": "RECORD", "fields": [{"name": "at", "type": column_type}]});
    assert_eq!(
        refused_as(&record("STRING"), &json!([record("GEOGRAPHY")])),
        [(
            "column `cart.to.at` is GEOGRAPHY, and the catalog has STRING: a column keeps its type; declare one of another \
             name"
                .to_owned(),
            vec![]
        )]
    );
}

#[test]
fn the_description_of_a_table_is_set_without_its_schema() {
    let column = json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE"});
    let catalog = catalog(&column);
    let target = target();
    let wanted = Wanted::new(&target, &catalog, Options::default());
    let events = catalog.table("events").unwrap();
    let mut there = Table::new(
        wanted.reference("events"),
        events,
        Field::of(events).unwrap(),
    );
    there.etag = Some("e1".to_owned());
    assert_eq!(wanted.step(&Item::Table(events), Some(&there)), None);
    there.description = Some("Mine.".to_owned());
    let Some(Step {
        action: Action::Change { change, .. },
        ..
    }) = wanted.step(&Item::Table(events), Some(&there))
    else {
        panic!("the description stays");
    };
    assert_eq!(
        serde_json::to_value(&*change).unwrap(),
        json!({"description": events.description})
    );
}

#[test]
fn what_is_no_table_is_left_alone() {
    let wanted = json!({"name": "n", "type": "INTEGER"});
    let mut view = live(&json!([]));
    view.kind = Some("VIEW".to_owned());
    let Some(Action::Refuse(refusals)) = step(Options::default(), &catalog(&wanted), &view) else {
        panic!("a view is no table");
    };
    assert_eq!(
        refusals[0].reason,
        "`cart` is there, and is a VIEW: rename it or drop it, or choose another dataset"
    );
}

#[test]
fn a_dataset_that_is_missing_gets_all_and_the_views_last() {
    let catalog = catalog(&json!({"name": "n", "type": "INTEGER"}));
    let target = target();
    let options = Options {
        views: true,
        ..Options::default()
    };
    let plan = Wanted::new(&target, &catalog, options).plan(&Live::default());
    let names: Vec<_> = plan
        .iter()
        .map(|step| (step.kind.name(), step.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("dataset", "tracking"),
            ("table", "cart"),
            ("table", "events"),
            ("view", "active_users_by_day"),
            ("view", "active_users_by_month"),
            ("view", "events_by_type"),
            ("view", "most_active_users"),
            ("view", "unique_cart"),
            ("view", "unique_events"),
        ]
    );
    let Action::Add(cart) = &plan[1].action else {
        panic!("{:?}", plan[1]);
    };
    assert_eq!(
        serde_json::to_value(&**cart).unwrap(),
        json!({
            "tableReference": {"projectId": "shop", "datasetId": "tracking", "tableId": "cart"},
            "schema": {"fields": [
                {"name": "event_id", "type": "STRING", "mode": "REQUIRED"},
                {"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"},
                {"name": "n", "type": "INTEGER", "mode": "NULLABLE"},
            ]},
            "clustering": {"fields": ["cluster_key"]},
            "labels": {"managed-by": "logeater"},
        })
    );
}

#[test]
fn a_view_of_ours_is_changed_and_one_of_others_is_not() {
    let catalog = catalog(&json!({"name": "n", "type": "INTEGER"}));
    let target = target();
    let options = Options {
        views: true,
        ..Options::default()
    };
    let wanted = Wanted::new(&target, &catalog, options);
    let items = wanted.items();
    let item = items
        .iter()
        .find(|item| item.name() == "events_by_type")
        .unwrap();
    let Item::View(view) = item else {
        panic!("{item:?}");
    };
    let there = |query: &str, labels: Value| -> Table {
        serde_json::from_value(
            json!({"etag": "e1", "type": "VIEW", "view": {"query": query}, "labels": labels}),
        )
        .unwrap()
    };
    let ours = json!({"managed-by": "logeater"});
    assert_eq!(
        wanted.step(item, Some(&there(&view.query, json!({})))),
        None
    );
    let changed = wanted.step(item, Some(&there("SELECT 1", ours))).unwrap();
    assert!(
        matches!(&changed.action, Action::Change { change, .. } if change.view.as_ref().unwrap().query == view.query)
    );
    let refused = wanted
        .step(item, Some(&there("SELECT 1", json!({}))))
        .unwrap();
    assert!(matches!(refused.action, Action::Refuse(_)), "{refused:?}");
    let table = wanted.step(item, Some(&live(&json!([])))).unwrap();
    assert!(matches!(table.action, Action::Refuse(_)), "{table:?}");
}

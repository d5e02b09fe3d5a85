//! `logeater schema`: folders of schemas from the command line.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

/// A folder of schemas with a table of these columns, which the event types of a service write.
fn folder(table: &str, service: &str, columns: &Value) -> TempDir {
    let folder = tempdir().unwrap();
    declare(folder.path(), table, service, columns);
    folder
}

fn declare(folder: &Path, table: &str, service: &str, columns: &Value) {
    let names: Vec<_> = columns
        .as_array()
        .unwrap()
        .iter()
        .map(|column| &column["name"])
        .collect();
    let mut all = vec![
        json!({"name": "event_id", "type": "STRING", "mode": "REQUIRED"}),
        json!({"name": "cluster_key", "type": "DATE", "mode": "REQUIRED"}),
    ];
    all.extend(columns.as_array().unwrap().iter().cloned());
    let event = json!({"type": format!("{table}.of_{service}"), "rust_type": format!("{service}::Event"), "columns": names});
    let file = json!({"version": 1, "table": table, "columns": all, "events": [event]});
    fs::create_dir_all(folder.join("catalog")).unwrap();
    fs::write(
        folder.join(format!("catalog/{table}.json")),
        file.to_string(),
    )
    .unwrap();
}

fn column(name: &str, column_type: &str) -> Value {
    json!({"name": name, "type": column_type})
}

/// Exit code, stdout and stderr of `logeater schema`.
fn schema<'a>(arguments: impl IntoIterator<Item = &'a str>) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_logeater"))
        .arg("schema")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_diff_without_a_breaking_change_is_0() {
    let old = folder("cart", "shop", &json!([column("sku", "STRING")]));
    let new = folder(
        "cart",
        "shop",
        &json!([column("sku", "STRING"), column("n", "INTEGER")]),
    );
    let (code, out, err) = schema(["diff", text(old.path()), text(new.path())]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "safe: column `cart.n` is new: NULLABLE INTEGER (shop::Event)\n    \
         ALTER TABLE `logeater`.`cart` ADD COLUMN `n` INT64;\n\n1 safe, 0 warn, 0 breaking\n"
    );
    let same = schema(["diff", text(old.path()), text(old.path())]);
    assert_eq!(same, (0, "no changes\n".to_owned(), String::new()));
}

#[test]
fn a_diff_with_a_breaking_change_is_1_and_shows_what_a_person_could_run() {
    let old = folder(
        "cart",
        "shop",
        &json!([column("sku", "STRING"), column("n", "INTEGER")]),
    );
    let new = folder(
        "cart",
        "shop",
        &json!([column("n", "NUMERIC"), column("x", "DATE")]),
    );
    let (code, out, err) = schema(["diff", text(old.path()), text(new.path())]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(
        out,
        "safe: column `cart.x` is new: NULLABLE DATE (shop::Event)\n    \
         ALTER TABLE `logeater`.`cart` ADD COLUMN `x` DATE;\n\
         breaking: column `cart.sku` is gone: it was NULLABLE STRING: a column stays, for the rows that have it; keep it \
         in the file\n    ALTER TABLE `logeater`.`cart` DROP COLUMN `sku`;\n\
         breaking: column `cart.n` changes from NULLABLE INTEGER to NULLABLE NUMERIC (shop::Event): a column keeps its \
         type; go back to NULLABLE INTEGER, or declare one of another name\n    \
         ALTER TABLE `logeater`.`cart` ALTER COLUMN `n` SET DATA TYPE NUMERIC;\n\n\
         1 safe, 0 warn, 2 breaking\n"
    );
}

#[test]
fn a_diff_as_json_says_the_same() {
    let old = folder("cart", "shop", &json!([column("n", "INTEGER")]));
    let new = folder("cart", "shop", &json!([column("n", "NUMERIC")]));
    let (code, out, _) = schema([
        "diff",
        "--format",
        "json",
        text(old.path()),
        text(new.path()),
    ]);
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        report,
        json!({"safe": 0, "warn": 0, "breaking": 1, "approved": 0, "changes": [{
            "class": "breaking", "rule": "type", "table": "cart", "column": "n",
            "old": "NULLABLE INTEGER", "new": "NULLABLE NUMERIC", "rust_types": ["shop::Event"],
            "message": "column `cart.n` changes from NULLABLE INTEGER to NULLABLE NUMERIC (shop::Event): a column keeps \
                        its type; go back to NULLABLE INTEGER, or declare one of another name",
            "statements": ["ALTER TABLE `logeater`.`cart` ALTER COLUMN `n` SET DATA TYPE NUMERIC;"],
        }]})
    );
    let (code, out, _) = schema([
        "diff",
        "--format",
        "json",
        text(old.path()),
        text(old.path()),
    ]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["changes"]), (0, &json!([])));
}

#[test]
fn a_break_that_the_new_catalog_says_was_approved_is_0() {
    let old = folder("cart", "shop", &json!([column("n", "INTEGER")]));
    let service = folder("cart", "shop", &json!([column("n", "NUMERIC")]));
    let new = folder("cart", "shop", &json!([column("n", "INTEGER")]));
    let (from, to) = (text(service.path()), text(new.path()));
    let (code, _, err) = schema(["merge", from, "--output", to]);
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: this would break tables:\n  - column `cart.n` changes"),
        "{err}"
    );
    let allow = "[[allow]]\ntable = \"cart\"\ncolumn = \"n\"\nrule = \"type\"\nreason = \"new\"\nuntil = 2999-01-01\n";
    fs::write(new.path().join("allow.toml"), allow).unwrap();
    let (code, out, err) = schema(["merge", from, "--output", to]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let (code, out, _) = schema(["diff", text(old.path()), to]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("    approved: new\n"), "{out}");
    assert!(
        out.ends_with("0 safe, 0 warn, 1 breaking (1 approved)\n"),
        "{out}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_2() {
    let new = folder("cart", "shop", &json!([]));
    let (code, out, err) = schema(["diff", "/nowhere", text(new.path())]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: no catalog at /nowhere: "), "{err}");
}

#[test]
fn a_merge_has_the_columns_of_all_and_only_grows() {
    let one = folder("cart", "shop", &json!([column("sku", "STRING")]));
    let two = folder(
        "cart",
        "checkout",
        &json!([column("amount", "FLOAT"), column("sku", "STRING")]),
    );
    let output = tempdir().unwrap();
    let output = output.path().join("all");
    let merge = |folders: &[&TempDir], more: &[&str]| {
        let folders = folders.iter().map(|folder| text(folder.path()));
        let rest = ["--output", text(&output)]
            .into_iter()
            .chain(more.iter().copied());
        schema(["merge"].into_iter().chain(folders).chain(rest))
    };
    let (code, out, err) = merge(&[&one], &["--check"]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(
        out.contains("safe: table `cart` is new") && !output.exists(),
        "{out}"
    );
    assert_eq!(merge(&[&one], &[]).0, 0);
    let (code, out, _) = merge(&[&two, &one], &[]);
    assert_eq!(code, 0);
    assert!(
        out.contains("safe: column `cart.amount` is new: NULLABLE FLOAT (checkout::Event)\n"),
        "{out}"
    );
    assert_eq!(
        merge(&[&one, &two], &["--check"]),
        (
            0,
            format!("{} is current\n", output.display()),
            String::new()
        )
    );
    let bq: Value =
        serde_json::from_slice(&fs::read(output.join("bigquery/cart.json")).unwrap()).unwrap();
    let names: Vec<_> = bq
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["event_id", "cluster_key", "sku", "amount"]);
}

#[test]
fn a_merge_without_an_output_is_printed() {
    let one = folder("cart", "shop", &json!([column("sku", "STRING")]));
    let two = folder("page", "site", &json!([column("path", "STRING")]));
    let (code, out, err) = schema(["merge", text(one.path()), text(two.path())]);
    assert_eq!((code, err.as_str()), (0, ""));
    let merged: Value = serde_json::from_str(&out).unwrap();
    let tables: Vec<_> = merged.as_object().unwrap().keys().collect();
    assert_eq!(tables, ["cart", "events", "page"]);
    let output = tempdir().unwrap();
    let arguments = ["merge", text(one.path()), text(two.path()), "--output"];
    let written = schema(arguments.into_iter().chain([text(output.path())]));
    assert_eq!(written.0, 0, "{}", written.2);
    for (table, catalog) in merged.as_object().unwrap() {
        let file = fs::read(output.path().join(format!("catalog/{table}.json"))).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&file).unwrap(), *catalog);
    }
    let (code, _, err) = schema(["merge", text(one.path()), "--check"]);
    assert_eq!(code, 2);
    assert!(err.contains("--output <DIR>"), "{err}");
}

#[test]
fn services_that_exclude_each_other_are_not_merged() {
    let one = folder("cart", "shop", &json!([column("n", "INTEGER")]));
    let two = folder("cart", "checkout", &json!([column("n", "STRING")]));
    let output = tempdir().unwrap();
    let (code, out, err) = schema([
        "merge",
        text(one.path()),
        text(two.path()),
        "--output",
        text(output.path()),
    ]);
    assert_eq!((code, out.as_str()), (2, ""));
    let expected = format!(
        "error: the services exclude each other:\n  - column `cart.n` is `n` INTEGER in shop::Event of {} and `n` STRING \
         in checkout::Event of {}; give both",
        one.path().display(),
        two.path().display()
    );
    assert!(err.starts_with(&expected), "{err}");
    assert_eq!(fs::read_dir(output.path()).unwrap().count(), 0);
}

#[test]
fn a_catalog_is_rendered_in_every_form() {
    let folder = folder(
        "cart",
        "shop",
        &json!([column("sku", "STRING"), {"name": "t", "type": "STRING", "description": "${x}"}]),
    );
    let path = text(folder.path());
    let render = |format: &str, more: &[&str]| {
        let arguments = ["render", "--format", format, "--catalog", path];
        let (code, out, err) = schema(arguments.into_iter().chain(more.iter().copied()));
        assert_eq!((code, err.as_str()), (0, ""), "{format}");
        out
    };
    let json = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let both = json(render("bigquery", &[]));
    assert_eq!(
        both["cart"][2],
        json!({"name": "sku", "type": "STRING", "mode": "NULLABLE"})
    );
    assert_eq!(both["events"][0]["name"], "event_id");
    assert_eq!(json(render("bigquery", &["--only", "cart"])), both["cart"]);
    let file = folder.path().join("catalog/cart.json");
    let (code, out, _) = schema(["render", "--format", "bigquery", text(&file)]);
    assert_eq!(
        (code, &json(out)),
        (0, &both["cart"]),
        "a file is of one table"
    );
    let sql = render("sql", &[]);
    assert!(
        sql.starts_with("CREATE TABLE `logeater`.`cart` (\n  `event_id` STRING NOT NULL"),
        "{sql}"
    );
    assert!(
        sql.contains(";\n\nCREATE TABLE `logeater`.`events` ("),
        "{sql}"
    );
    let terraform = json(render("terraform", &[]));
    let tables = &terraform["resource"]["google_bigquery_table"];
    assert_eq!(tables["cart"]["clustering"], json!(["cluster_key"]));
    let schema_text = tables["cart"]["schema"].as_str().unwrap();
    assert!(schema_text.contains("$${x}"), "{schema_text}");
    assert_eq!(tables["events"]["table_id"], "events");
    assert_eq!(terraform["variable"]["dataset_id"]["type"], "string");
    let template = json(render("elasticsearch", &[]));
    assert_eq!(template["index_patterns"], json!(["logeater-events-*"]));
    let schemas = json(render("jsonschema", &[]));
    assert_eq!(
        schemas["cart.of_shop"]["properties"]["sku"]["type"],
        "string"
    );
    assert_eq!(
        json(render("jsonschema", &["--only", "cart.of_shop"])),
        schemas["cart.of_shop"]
    );
    assert!(render("markdown", &[]).contains("`cart.of_shop`"));

    let (code, out, _) = schema(["render", "--format", "sql", path]);
    assert_eq!((code, out), (0, sql), "the option's name may be left out");
    let output = tempdir().unwrap();
    assert_eq!(render("sql", &["--output", text(output.path())]), "");
    let mut files: Vec<_> = fs::read_dir(output.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["cart.sql", "events.sql"]);
}

#[test]
fn what_is_not_in_the_catalog_is_not_rendered() {
    let folder = folder("cart", "shop", &json!([]));
    let (code, out, err) = schema([
        "render",
        "--format",
        "sql",
        text(folder.path()),
        "--only",
        "trolley",
    ]);
    assert_eq!((code, out.as_str()), (2, ""));
    let expected = format!(
        "error: there is no `trolley` in {}: it has cart, events\n",
        folder.path().display()
    );
    assert_eq!(err, expected);
}

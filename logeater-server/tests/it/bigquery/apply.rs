//! `logeater schema apply`: a dataset gets the tables of a catalog.

use std::process::Command;

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::support::Folder;
use crate::support::warehouse::{Asked, Tables, router};

const SKU: &str = r#"{"name":"sku","type":"STRING"}"#;

/// A dataset of the stand-in, and a folder with a catalog for it.
struct Applied {
    tables: Tables,
    endpoint: String,
    folder: Folder,
}

impl Applied {
    /// With a table `cart` in the catalog, and nothing in BigQuery.
    async fn new(columns: &str) -> Self {
        let tables = Tables::default();
        let router = Router::new().nest("/bigquery/v2/projects", router(tables.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        let folder = Folder::new();
        folder.declare_cart(columns);
        Self {
            tables,
            endpoint,
            folder,
        }
    }

    /// Exit code, stdout and stderr of the command.
    async fn apply(&self, more: &[&str]) -> (i32, String, String) {
        self.start(more).await.unwrap()
    }

    fn start(&self, more: &[&str]) -> JoinHandle<(i32, String, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_logeater"));
        command
            .args([
                "schema",
                "apply",
                "--project",
                "shop",
                "--dataset",
                "tracking",
            ])
            .args(["--credentials", "none", "--endpoint", &self.endpoint])
            .arg("--catalog")
            .arg(self.folder.schemas())
            .args(more);
        spawn_blocking(move || {
            let output = command.output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (
                output.status.code().unwrap(),
                text(output.stdout),
                text(output.stderr),
            )
        })
    }

    /// A run that has something to do, and does it.
    async fn apply_all(&self, more: &[&str]) -> String {
        let (code, out, err) = self.apply(more).await;
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        out
    }

    fn fields_of_cart(&self) -> Value {
        self.tables.table("tracking", "cart")["schema"]["fields"].clone()
    }
}

fn asked(method: &str, path: &str) -> Asked {
    Asked {
        method: method.to_owned(),
        path: path.to_owned(),
    }
}

const NOTHING: &str = "No changes: everything is as the catalog has it.\n";

#[tokio::test]
async fn a_dataset_is_made_with_its_tables_and_a_second_run_has_nothing_to_do() {
    let applied = Applied::new(SKU).await;
    let out = applied.apply_all(&["--location", "EU"]).await;
    assert_eq!(
        out,
        "+ dataset tracking\n+ table cart\n+ table events\n\nPlan: 3 to add, 0 to change, 0 refused.\n\nDone.\n"
    );
    assert_eq!(
        applied.tables.asked(),
        [
            asked("POST", "datasets"),
            asked("POST", "datasets/tracking/tables"),
            asked("POST", "datasets/tracking/tables"),
        ]
    );
    assert_eq!(applied.tables.dataset("tracking")["location"], "EU");
    let events = applied.tables.table("tracking", "events");
    assert_eq!(events["clustering"], json!({"fields": ["cluster_key"]}));
    assert_eq!(events["schema"]["fields"][4]["name"], "type");
    assert_eq!(
        applied.fields_of_cart()[2],
        json!({"name": "sku", "type": "STRING", "mode": "NULLABLE"})
    );
    assert_eq!(applied.apply_all(&[]).await, NOTHING);
    assert_eq!(applied.tables.asked(), []);
}

#[tokio::test]
async fn a_dry_run_prints_the_plan_alone() {
    let applied = Applied::new(SKU).await;
    let out = applied.apply_all(&["--dry-run"]).await;
    assert!(
        out.ends_with("Plan: 3 to add, 0 to change, 0 refused.\n"),
        "{out}"
    );
    assert_eq!(applied.tables.asked(), []);
}

#[tokio::test]
async fn a_table_grows_and_keeps_what_others_have_set() {
    let applied = Applied::new(
        r#"{"name":"to","type":"RECORD","fields":[{"name":"city","type":"STRING"}]},
        {"name":"n","type":"INTEGER","mode":"REQUIRED"}"#,
    )
    .await;
    applied.apply_all(&[]).await;
    applied.tables.edit("tracking", "cart", |cart| {
        let by_hand = json!({"name": "by_hand", "type": "GEOGRAPHY", "collation": "und:ci"});
        let fields = cart["schema"]["fields"].as_array_mut().unwrap();
        fields.push(by_hand);
        cart["labels"]["team"] = json!("checkout");
    });
    applied.folder.declare_cart(
        r#"{"name":"to","type":"RECORD","fields":[{"name":"city","type":"STRING"},{"name":"zip","type":"STRING"}]},
        {"name":"n","type":"INTEGER","description":"How many.","policy_tag":"tags/1"},
        {"name":"tags","type":"STRING","mode":"REPEATED"}"#,
    );
    applied.tables.asked();
    assert_eq!(
        applied.apply_all(&[]).await,
        "~ table cart\n    \
         + column to.zip STRING\n    \
         ~ column n REQUIRED INTEGER -> NULLABLE INTEGER\n    \
         ~ column n description = \"How many.\"\n    \
         + column n policy tag = tags/1\n    \
         + column tags REPEATED STRING\n\n\
         Plan: 0 to add, 1 to change, 0 refused.\n\nDone.\n"
    );
    assert_eq!(
        applied.tables.asked(),
        [asked("PATCH", "datasets/tracking/tables/cart")]
    );
    assert_eq!(
        applied.fields_of_cart().as_array().unwrap()[2..],
        [
            json!({"name": "to", "type": "RECORD", "mode": "NULLABLE", "fields": [
                {"name": "city", "type": "STRING", "mode": "NULLABLE"},
                {"name": "zip", "type": "STRING", "mode": "NULLABLE"},
            ]}),
            json!({"name": "n", "type": "INTEGER", "mode": "NULLABLE", "description": "How many.",
                "policyTags": {"names": ["tags/1"]}}),
            json!({"name": "by_hand", "type": "GEOGRAPHY", "collation": "und:ci"}),
            json!({"name": "tags", "type": "STRING", "mode": "REPEATED"}),
        ]
    );
    let labels = &applied.tables.table("tracking", "cart")["labels"];
    assert_eq!(
        *labels,
        json!({"managed-by": "logeater", "team": "checkout"})
    );
    assert_eq!(applied.apply_all(&[]).await, NOTHING);
}

#[tokio::test]
async fn nothing_of_a_refused_table_is_changed_and_the_others_are() {
    let applied = Applied::new(r#"{"name":"n","type":"INTEGER"}"#).await;
    applied.apply_all(&[]).await;
    applied
        .folder
        .declare_cart(r#"{"name":"n","type":"NUMERIC"},{"name":"more","type":"STRING"}"#);
    applied.folder.declare("page", SKU, "");
    let before = applied.tables.table("tracking", "cart");
    let (code, out, err) = applied.apply(&[]).await;
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(
        out,
        "! table cart\n    \
         refused: column `cart.n` changes from NULLABLE INTEGER to NULLABLE NUMERIC (CartAdd): a column keeps its type; go \
         back to NULLABLE INTEGER, or declare one of another name\n        \
         ALTER TABLE `shop`.`tracking`.`cart` ALTER COLUMN `n` SET DATA TYPE NUMERIC;\n\
         + table page\n\n\
         Plan: 1 to add, 0 to change, 1 refused.\n\nDone, but for what is refused.\n"
    );
    assert_eq!(applied.tables.table("tracking", "cart"), before);
    assert_eq!(applied.tables.names("tracking"), ["cart", "events", "page"]);
    assert_eq!(applied.apply(&["--dry-run"]).await.0, 1);
}

#[tokio::test]
async fn a_policy_tag_goes_only_where_that_is_asked_for() {
    let applied = Applied::new(r#"{"name":"n","type":"INTEGER","policy_tag":"tags/1"}"#).await;
    applied.apply_all(&[]).await;
    applied
        .folder
        .declare_cart(r#"{"name":"n","type":"INTEGER"}"#);
    assert_eq!(applied.apply_all(&[]).await, NOTHING);
    let out = applied.apply_all(&["--remove-policy-tags"]).await;
    assert!(
        out.starts_with("~ table cart\n    - column n policy tag = tags/1\n"),
        "{out}"
    );
    assert_eq!(
        applied.fields_of_cart()[2]["policyTags"],
        json!({"names": []})
    );
    let again = applied.apply_all(&["--remove-policy-tags"]).await;
    assert_eq!(again, NOTHING);
}

#[tokio::test]
async fn views_are_made_with_their_tables_and_none_of_others_is_touched() {
    let applied = Applied::new(SKU).await;
    let out = applied.apply_all(&["--views"]).await;
    assert!(out.contains("+ view active_users_by_day\n"), "{out}");
    assert_eq!(applied.apply_all(&["--views"]).await, NOTHING);
    let is_view = |name: &str| applied.tables.table("tracking", name)["type"] == "VIEW";
    assert_eq!(
        applied
            .tables
            .names("tracking")
            .into_iter()
            .filter(|name| is_view(name))
            .collect::<Vec<_>>(),
        [
            "active_users_by_day",
            "active_users_by_month",
            "events_by_type",
            "most_active_users",
            "unique_cart",
            "unique_events",
        ]
    );
    for name in ["events_by_type", "most_active_users"] {
        applied.tables.edit("tracking", name, |view| {
            view["view"]["query"] = json!("SELECT 1");
            if name == "most_active_users" {
                view["labels"] = json!({});
            }
        });
    }
    let (code, out, _) = applied.apply(&["--views"]).await;
    assert_eq!(code, 1);
    assert_eq!(
        out,
        "~ view events_by_type\n\
         ! view most_active_users\n    \
         refused: `most_active_users` is there, and logeater has not made it: rename it or drop it\n\n\
         Plan: 0 to add, 1 to change, 1 refused.\n\nDone, but for what is refused.\n"
    );
    let query = |name: &str| applied.tables.table("tracking", name)["view"]["query"].clone();
    assert_ne!(query("events_by_type"), "SELECT 1");
    assert_eq!(query("most_active_users"), "SELECT 1");
}

#[tokio::test]
async fn a_plan_as_json_says_the_same() {
    let applied = Applied::new(r#"{"name":"n","type":"INTEGER"}"#).await;
    applied.apply_all(&[]).await;
    applied
        .folder
        .declare_cart(r#"{"name":"n","type":"STRING"}"#);
    applied.folder.declare("page", SKU, "");
    applied.tables.edit("tracking", "events", |events| {
        events["description"] = json!("");
    });
    let (code, out, _) = applied.apply(&["--format", "json"]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    let counts = ["add", "change", "refused"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1]);
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["action"], &steps[0]["name"]),
        (&json!("refuse"), &json!("cart"))
    );
    let statements = steps[0]["refusals"][0]["statements"].as_array().unwrap();
    assert_eq!(
        statements[0],
        "ALTER TABLE `shop`.`tracking`.`cart` RENAME COLUMN `n` TO `n_old`;"
    );
    assert_eq!(
        (&steps[1]["name"], &steps[1]["changes"][0]["rule"]),
        (&json!("events"), &json!("description"))
    );
    assert_eq!(
        steps[2],
        json!({"action": "add", "kind": "table", "name": "page"})
    );
}

#[tokio::test]
async fn what_others_do_meanwhile_is_looked_at_again() {
    let applied = Applied::new(SKU).await;
    applied.apply_all(&[]).await;
    applied
        .folder
        .declare_cart(&format!(r#"{SKU},{{"name":"n","type":"INTEGER"}}"#));
    applied.tables.asked();
    applied.tables.fail_next(412, "conditionNotMet");
    applied.apply_all(&[]).await;
    let patch = asked("PATCH", "datasets/tracking/tables/cart");
    assert_eq!(applied.tables.asked(), [patch.clone(), patch]);
    assert_eq!(applied.fields_of_cart()[3]["name"], "n");
}

#[tokio::test]
async fn what_another_has_made_or_removed_meanwhile_is_looked_for_again() {
    let applied = Applied::new(SKU).await;
    applied.tables.fail_next(409, "duplicate");
    applied.apply_all(&[]).await;
    let tables = asked("POST", "datasets/tracking/tables");
    assert_eq!(
        applied.tables.asked(),
        [
            asked("POST", "datasets"),
            tables.clone(),
            // It was said to be there, and is not.
            asked("POST", "datasets"),
            tables.clone(),
            tables.clone(),
        ]
    );
    applied.folder.declare("page", SKU, "");
    applied.tables.fail_next(409, "duplicate");
    applied.apply_all(&[]).await;
    assert_eq!(applied.tables.asked(), [tables.clone(), tables]);
    assert_eq!(applied.apply_all(&[]).await, NOTHING);
}

#[tokio::test]
async fn two_runs_at_once_make_each_table_once() {
    let applied = Applied::new(SKU).await;
    let (one, other) = (applied.start(&["--views"]), applied.start(&["--views"]));
    for run in [one, other] {
        let (code, out, err) = run.await.unwrap();
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
    }
    assert_eq!(applied.tables.names("tracking").len(), 8);
    assert_eq!(applied.apply_all(&["--views"]).await, NOTHING);
}

#[tokio::test]
async fn what_bigquery_does_not_answer_for_now_is_asked_again() {
    let applied = Applied::new(SKU).await;
    applied.tables.fail_next(503, "backendError");
    applied.tables.fail_next(403, "rateLimitExceeded");
    applied.apply_all(&[]).await;
    assert_eq!(applied.tables.asked().len(), 5);
}

#[tokio::test]
async fn a_missing_right_is_an_error_and_a_second_run_goes_on() {
    let applied = Applied::new(SKU).await;
    applied.tables.fail_next(403, "accessDenied");
    let (code, _, err) = applied.apply(&[]).await;
    assert_eq!(
        (code, err.as_str()),
        (
            2,
            "error: the dataset tracking is not as planned: BigQuery answered 403 (accessDenied): as told\n"
        )
    );
    applied.apply_all(&[]).await;
    assert_eq!(applied.apply_all(&[]).await, NOTHING);
}

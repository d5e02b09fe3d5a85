//! Datasets and tables by the REST interface, in memory: what a change of a schema may do is what BigQuery documents.
//!
//! <https://cloud.google.com/bigquery/docs/managing-table-schemas>

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Json, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

/// The datasets with their tables. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// By project and dataset.
    datasets: BTreeMap<(String, String), Dataset>,
    /// How often anything was changed, which an etag is made of.
    versions: u64,
    asked: Vec<Asked>,
    /// What requests that change something are answered instead, in this order.
    faults: VecDeque<(u16, Value)>,
}

#[derive(Debug, Default)]
struct Dataset {
    resource: Value,
    tables: BTreeMap<String, Value>,
}

/// A request that would change something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// After the project.
    pub(crate) path: String,
}

/// An answer of the documented form, with its status and reason.
///
/// <https://cloud.google.com/bigquery/docs/error-messages#http_response_body>
pub(super) struct Refused(pub(super) u16, pub(super) &'static str, pub(super) String);

pub(super) type Answer = Result<Json<Value>, Refused>;

impl Tables {
    /// What the next request that would change something is answered, without a change.
    pub(crate) fn fail_next(&self, status: u16, reason: &str) {
        let error = json!({"code": status, "message": "as told", "errors": [{"reason": reason, "message": "as told"}]});
        let fault = (status, json!({"error": error}));
        self.lock().faults.push_back(fault);
    }

    /// A table as it is now.
    pub(crate) fn table(&self, dataset: &str, table: &str) -> Value {
        self.find(dataset).1[table].clone()
    }

    /// The names of the tables and views of a dataset.
    pub(crate) fn names(&self, dataset: &str) -> Vec<String> {
        self.find(dataset).1.into_keys().collect()
    }

    /// The dataset itself.
    pub(crate) fn dataset(&self, dataset: &str) -> Value {
        self.find(dataset).0
    }

    /// Makes a table, and its dataset, as somebody else would.
    pub(crate) fn make(&self, project: &str, dataset: &str, table: &str, mut resource: Value) {
        let mut state = self.lock();
        state.versions += 1;
        resource["etag"] = json!(format!("v{}", state.versions));
        let key = (project.to_owned(), dataset.to_owned());
        let found = state.datasets.entry(key).or_default();
        found.tables.insert(table.to_owned(), resource);
    }

    /// Drops a table, as somebody else would.
    pub(crate) fn drop_table(&self, dataset: &str, table: &str) {
        let mut state = self.lock();
        let mut datasets = state.datasets.iter_mut();
        let (_, found) = datasets.find(|((_, name), _)| name == dataset).unwrap();
        found.tables.remove(table).unwrap();
    }

    /// A table as it is now, if it is there.
    pub(super) fn get(&self, project: &str, dataset: &str, table: &str) -> Option<Value> {
        let key = (project.to_owned(), dataset.to_owned());
        self.lock().datasets.get(&key)?.tables.get(table).cloned()
    }

    /// Changes a table as somebody else would: with another etag.
    pub(crate) fn edit(&self, dataset: &str, table: &str, edit: impl FnOnce(&mut Value)) {
        let mut state = self.lock();
        state.versions += 1;
        let version = state.versions;
        let mut datasets = state.datasets.iter_mut();
        let (_, found) = datasets.find(|((_, name), _)| name == dataset).unwrap();
        let table = found.tables.get_mut(table).unwrap();
        edit(table);
        table["etag"] = json!(format!("v{version}"));
    }

    /// The requests since the last call that would change something.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.lock().asked)
    }

    fn find(&self, dataset: &str) -> (Value, BTreeMap<String, Value>) {
        let state = self.lock();
        let mut datasets = state.datasets.iter();
        let (_, found) = datasets.find(|((_, name), _)| name == dataset).unwrap();
        (found.resource.clone(), found.tables.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }
}

/// What answers below `/bigquery/v2/projects`.
pub(crate) fn router(tables: Tables) -> Router {
    Router::new()
        .route("/{project}/datasets", post(make_dataset))
        .route("/{project}/datasets/{dataset}", get(get_dataset))
        .route("/{project}/datasets/{dataset}/tables", post(make_table))
        .route(
            "/{project}/datasets/{dataset}/tables/{table}",
            get(get_table).patch(patch_table),
        )
        .layer(middleware::from_fn_with_state(tables.clone(), fail))
        .with_state(tables)
}

/// Notes what would change something, and answers as it is told.
async fn fail(State(tables): State<Tables>, request: Request, next: Next) -> Response {
    if request.method() == "GET" {
        return next.run(request).await;
    }
    let fault = {
        let mut state = tables.lock();
        let path = request.uri().path().trim_start_matches('/');
        let path = path.split_once('/').map_or("", |(_, path)| path).to_owned();
        let method = request.method().to_string();
        state.asked.push(Asked { method, path });
        state.faults.pop_front()
    };
    match fault {
        Some((status, body)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("retry-after", "0")], Json(body)).into_response()
        }
        None => next.run(request).await,
    }
}

async fn get_dataset(
    State(tables): State<Tables>,
    Path((project, dataset)): Path<(String, String)>,
) -> Answer {
    let state = tables.lock();
    let found = dataset_of(&state.datasets, &project, &dataset)?;
    Ok(Json(found.resource.clone()))
}

async fn make_dataset(
    State(tables): State<Tables>,
    Path(project): Path<String>,
    Json(resource): Json<Value>,
) -> Answer {
    let mut state = tables.lock();
    let reference = &resource["datasetReference"];
    assert_eq!(reference["projectId"], project);
    let name = reference["datasetId"].as_str().unwrap().to_owned();
    if state
        .datasets
        .contains_key(&(project.clone(), name.clone()))
    {
        return Err(exists("Dataset", &name));
    }
    let dataset = Dataset {
        resource: resource.clone(),
        tables: BTreeMap::new(),
    };
    state.datasets.insert((project, name), dataset);
    Ok(Json(resource))
}

async fn get_table(
    State(tables): State<Tables>,
    Path((project, dataset, table)): Path<(String, String, String)>,
) -> Answer {
    let state = tables.lock();
    let found = dataset_of(&state.datasets, &project, &dataset)?;
    let found = found.tables.get(&table);
    found
        .cloned()
        .map(Json)
        .ok_or_else(|| missing("Table", &table))
}

async fn make_table(
    State(tables): State<Tables>,
    Path((project, dataset)): Path<(String, String)>,
    Json(mut resource): Json<Value>,
) -> Answer {
    let mut state = tables.lock();
    dataset_of(&state.datasets, &project, &dataset)?;
    let name = resource["tableReference"]["tableId"].as_str().unwrap();
    let name = name.to_owned();
    state.versions += 1;
    resource["etag"] = json!(format!("v{}", state.versions));
    resource["type"] = json!(if resource["view"].is_null() {
        "TABLE"
    } else {
        "VIEW"
    });
    let tables = &mut state.datasets.get_mut(&(project, dataset)).unwrap().tables;
    if tables.contains_key(&name) {
        return Err(exists("Table", &name));
    }
    tables.insert(name, resource.clone());
    Ok(Json(resource))
}

async fn patch_table(
    State(tables): State<Tables>,
    Path((project, dataset, table)): Path<(String, String, String)>,
    headers: HeaderMap,
    Json(change): Json<Map<String, Value>>,
) -> Answer {
    let mut state = tables.lock();
    dataset_of(&state.datasets, &project, &dataset)?;
    state.versions += 1;
    let version = state.versions;
    let tables = &mut state.datasets.get_mut(&(project, dataset)).unwrap().tables;
    let found = tables
        .get_mut(&table)
        .ok_or_else(|| missing("Table", &table))?;
    if headers.get("if-match").map(|etag| etag.to_str().unwrap()) != found["etag"].as_str() {
        let message = "Precondition check failed.".to_owned();
        return Err(Refused(412, "conditionNotMet", message));
    }
    let mut changed = found.clone();
    for (key, value) in change {
        changed[key] = value;
    }
    changed["schema"]["fields"] = grown(&found["schema"]["fields"], &changed["schema"]["fields"])
        .map_err(|why| {
        let message = format!("Provided Schema does not match Table {table}. {why}");
        Refused(400, "invalid", message)
    })?;
    changed["etag"] = json!(format!("v{version}"));
    *found = changed.clone();
    Ok(Json(changed))
}

/// The new fields, with what a missing key keeps; or why they cannot follow the old ones.
fn grown(old: &Value, new: &Value) -> Result<Value, String> {
    let none = Vec::new();
    let (old, new) = (
        old.as_array().unwrap_or(&none),
        new.as_array().unwrap_or(&none),
    );
    let name = |field: &Value| field["name"].as_str().unwrap().to_ascii_lowercase();
    let find = |fields: &[Value], like: &Value| {
        fields
            .iter()
            .find(|field| name(field) == name(like))
            .cloned()
    };
    if let Some(removed) = old.iter().find(|old| find(new, old).is_none()) {
        return Err(format!("Cannot remove field: {}", removed["name"]));
    }
    let fields = new.iter().map(|new| match find(old, new) {
        Some(old) => grown_field(&old, new),
        None if new["mode"] == "REQUIRED" => {
            Err(format!("Cannot add required fields: {}", new["name"]))
        }
        None if new.get("defaultValueExpression").is_some() => Err(format!(
            "Cannot add a field with a default: {}",
            new["name"]
        )),
        None => Ok(new.clone()),
    });
    fields.collect::<Result<_, _>>().map(Value::Array)
}

fn grown_field(old: &Value, new: &Value) -> Result<Value, String> {
    let mode = |field: &Value| field["mode"].as_str().unwrap_or("NULLABLE").to_owned();
    let is_same = |key: &str| old[key] == new[key];
    if !["name", "type", "maxLength", "precision", "scale"]
        .into_iter()
        .all(is_same)
    {
        return Err(format!("Field {} has changed type", old["name"]));
    }
    match (&*mode(old), &*mode(new)) {
        ("REQUIRED", "NULLABLE") => {}
        (old, new) if old == new => {}
        (was, is) => {
            return Err(format!(
                "Field {} has changed mode from {was} to {is}",
                old["name"]
            ));
        }
    }
    let mut field = new.clone();
    if field.get("policyTags").is_none() && old.get("policyTags").is_some() {
        field["policyTags"] = old["policyTags"].clone();
    }
    if old.get("fields").is_some() {
        field["fields"] = grown(&old["fields"], &new["fields"])?;
    }
    Ok(field)
}

fn dataset_of<'a>(
    datasets: &'a BTreeMap<(String, String), Dataset>,
    project: &str,
    dataset: &str,
) -> Result<&'a Dataset, Refused> {
    let key = (project.to_owned(), dataset.to_owned());
    datasets
        .get(&key)
        .ok_or_else(|| missing("Dataset", dataset))
}

pub(super) fn missing(what: &str, name: &str) -> Refused {
    Refused(404, "notFound", format!("Not found: {what} {name}"))
}

fn exists(what: &str, name: &str) -> Refused {
    Refused(409, "duplicate", format!("Already Exists: {what} {name}"))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, reason, message) = self;
        let errors = json!([{"reason": reason, "message": message, "domain": "global"}]);
        let body = json!({"error": {"code": status, "message": message, "errors": errors}});
        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
    }
}

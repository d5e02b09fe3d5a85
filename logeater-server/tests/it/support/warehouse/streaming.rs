//! insertAll, in memory: it fails as it is told, and as Google documents that BigQuery fails.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use logeater_server::{BigQuery, Credentials};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::tables::{Answer, Refused, Tables, missing, router};

/// How long something may take that comes for certain.
const PATIENCE: Duration = Duration::from_mins(1);

/// What becomes of a request for insertAll.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused with this status and reason.
    Status(u16, &'static str),
    /// Its rows are in, and the answer is lost with the connection.
    Lost,
    /// There is no answer.
    Hang,
    /// Nothing.
    None,
}

/// The warehouse. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Warehouse {
    pub(crate) endpoint: String,
    tables: Tables,
    state: Arc<Mutex<Inside>>,
    changed: Arc<watch::Sender<()>>,
}

/// What is in it.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    streams: BTreeMap<String, Stream>,
    /// What becomes of the next requests for insertAll.
    pub(crate) faults: VecDeque<Fault>,
    /// Each request for insertAll: its table and how many rows it had.
    pub(crate) requests: Vec<(String, usize)>,
    /// One row that cannot be inserted fails its request, whatever that asks for.
    pub(crate) stops: bool,
    /// A request that has this text is refused as a whole.
    pub(crate) poison: Option<&'static str>,
    /// A request of more bytes is refused.
    pub(crate) bytes_max: Option<usize>,
    /// How many requests do not hear of a new column.
    pub(crate) lag: usize,
}

/// What those who insert into a table see of it.
#[derive(Debug, Default)]
struct Stream {
    /// The fields that are known, of which version, and how many more requests do not hear of the next one.
    ///
    /// <https://cloud.google.com/bigquery/docs/troubleshoot-queries#metadata-errors-for-streaming-inserts>
    fields: Vec<Value>,
    etag: Option<String>,
    lag: usize,
    rows: Vec<Value>,
    /// A row whose id is known is dropped. Here ids are known for ever.
    ///
    /// <https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery#dataconsistency>
    ids: BTreeSet<String>,
}

/// Why a row cannot be inserted.
struct RowError {
    location: String,
    message: String,
}

impl Warehouse {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let warehouse = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            tables: Tables::default(),
            state: Arc::default(),
            changed: Arc::new(watch::Sender::new(())),
        };
        let insert_all = Router::new()
            .route(
                "/{project}/datasets/{dataset}/tables/{table}/insertAll",
                post(insert_all),
            )
            .layer(DefaultBodyLimit::disable())
            .with_state(warehouse.clone());
        let router = router(warehouse.tables.clone()).merge(insert_all);
        let router = Router::new().nest("/bigquery/v2/projects", router);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        warehouse
    }

    /// A sink that writes to it.
    pub(crate) fn sink(&self) -> BigQuery {
        BigQuery::new("shop", "logeater")
            .credentials(Credentials::none())
            .endpoint(&self.endpoint)
    }

    /// Changes what is in it.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Inside)) {
        self.inside(change);
        self.changed.send_replace(());
    }

    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// Makes a table of these fields, as somebody else would.
    pub(crate) fn make(&self, table: &str, fields: &Value) {
        let resource = json!({"schema": {"fields": fields}});
        self.tables.make("shop", "logeater", table, resource);
    }

    /// Waits until what is in it is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Inside) -> bool) {
        let mut changed = self.changed.subscribe();
        let so = changed.wait_for(|()| self.inside(|inside| is_so(inside)));
        let so = timeout(PATIENCE, so).await;
        assert!(so.is_ok(), "{:?}", self.state);
    }

    /// Waits until a table has so many rows, and gives them by their ids' order.
    pub(crate) async fn rows(&self, table: &str, count: usize) -> Vec<Value> {
        self.until(|inside| inside.rows(table).len() >= count).await;
        self.inside(|inside| {
            let mut rows = inside.rows(table).to_vec();
            rows.sort_by_key(|row| row["event_id"].as_str().unwrap().to_owned());
            rows
        })
    }

    /// How many rows each request for this table had.
    pub(crate) fn requests(&self, table: &str) -> Vec<usize> {
        self.inside(|inside| inside.requests_of(table))
    }
}

impl Inside {
    pub(crate) fn rows(&self, table: &str) -> &[Value] {
        self.streams.get(table).map_or(&[], |stream| &stream.rows)
    }

    pub(crate) fn requests_of(&self, table: &str) -> Vec<usize> {
        let requests = self.requests.iter().filter(|(of, _)| of == table);
        requests.map(|(_, rows)| *rows).collect()
    }
}

/// <https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll>
async fn insert_all(
    State(warehouse): State<Warehouse>,
    Path((project, dataset, name)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let rows = request["rows"].as_array().unwrap();
    let fault = warehouse.inside(|inside| {
        inside.requests.push((name.clone(), rows.len()));
        inside.faults.pop_front().unwrap_or(Fault::None)
    });
    let table = warehouse.tables.get(&project, &dataset, &name);
    let answer = match fault {
        Fault::Status(status, reason) => Err(Refused(status, reason, "as told".to_owned())),
        Fault::Hang => {
            warehouse.changed.send_replace(());
            std::future::pending().await
        }
        Fault::Lost | Fault::None => warehouse.inside(|inside| {
            let table = table.ok_or_else(|| missing("Table", &name))?;
            inside.insert(&name, &table, &body, &request)
        }),
    };
    warehouse.changed.send_replace(());
    if matches!(fault, Fault::Lost) {
        let cut = tokio_stream::once(Err::<Bytes, _>(std::io::Error::other("cut")));
        return Body::from_stream(cut).into_response();
    }
    answer.into_response()
}

impl Inside {
    fn insert(&mut self, name: &str, table: &Value, body: &Bytes, request: &Value) -> Answer {
        let text = String::from_utf8_lossy(body);
        if self.poison.is_some_and(|poison| text.contains(poison)) {
            let message = "Invalid JSON payload received.".to_owned();
            return Err(Refused(400, "invalid", message));
        }
        // <https://cloud.google.com/bigquery/quotas#streaming_inserts>
        let bytes_max = self.bytes_max.unwrap_or(10 << 20);
        if body.len() > bytes_max {
            return Err(Refused(413, "", "Request Entity Too Large".to_owned()));
        }
        let stream = self.streams.entry(name.to_owned()).or_default();
        let etag = table["etag"].as_str().map(ToOwned::to_owned);
        if stream.etag != etag {
            stream.lag = if stream.etag.is_some() { self.lag } else { 0 };
            stream.etag = etag;
        }
        if stream.lag == 0 {
            stream
                .fields
                .clone_from(table["schema"]["fields"].as_array().unwrap());
        }
        stream.lag = stream.lag.saturating_sub(1);

        let rows = request["rows"].as_array().unwrap();
        let checked: Vec<_> = rows
            .iter()
            .map(|row| check(&stream.fields, &row["json"], ""))
            .collect();
        let has_error = checked.iter().any(Result::is_err);
        let stops = has_error && (self.stops || request["skipInvalidRows"] != true);
        let mut errors = Vec::new();
        for (index, (row, checked)) in rows.iter().zip(checked).enumerate() {
            let error = match checked {
                Err(RowError { location, message }) => ("invalid", location, message),
                Ok(()) if stops => ("stopped", String::new(), String::new()),
                Ok(()) => {
                    if stream
                        .ids
                        .insert(row["insertId"].as_str().unwrap().to_owned())
                    {
                        stream.rows.push(row["json"].clone());
                    }
                    continue;
                }
            };
            let (reason, location, message) = error;
            errors.push(json!({"index": index, "errors": [{"reason": reason, "location": location, "debugInfo": "", "message": message}]}));
        }
        let mut answer = json!({"kind": "bigquery#tableDataInsertAllResponse"});
        if !errors.is_empty() {
            answer["insertErrors"] = errors.into();
        }
        Ok(Json(answer))
    }
}

/// Whether a row, or a RECORD in it, is what the fields say.
fn check(fields: &[Value], row: &Value, within: &str) -> Result<(), RowError> {
    let row = row.as_object().ok_or_else(|| RowError {
        location: within.trim_end_matches('.').to_owned(),
        message: "This field is not a record.".to_owned(),
    })?;
    for key in row.keys() {
        if !fields.iter().any(|field| is_called(field, key)) {
            let location = format!("{within}{key}");
            let message = format!("no such field: {location}.");
            return Err(RowError { location, message });
        }
    }
    fields
        .iter()
        .try_for_each(|field| check_field(field, row, within))
}

fn is_called(field: &Value, key: &str) -> bool {
    field["name"].as_str().unwrap().eq_ignore_ascii_case(key)
}

fn check_field(field: &Value, row: &Map<String, Value>, within: &str) -> Result<(), RowError> {
    let name = field["name"].as_str().unwrap();
    let location = format!("{within}{name}");
    let mode = field["mode"].as_str().unwrap_or("NULLABLE");
    let value = row.iter().find(|(key, _)| is_called(field, key));
    let wrong = |message: &str| RowError {
        location: location.clone(),
        message: message.to_owned(),
    };
    let values = match (mode, value.map(|(_, value)| value)) {
        ("REPEATED", Some(Value::Array(values))) => values.iter().collect(),
        ("REPEATED", Some(_)) => return Err(wrong("Array expected.")),
        ("REQUIRED", None | Some(Value::Null)) => return Err(wrong("Missing required field.")),
        (_, None | Some(Value::Null)) => Vec::new(),
        (_, Some(value)) => vec![value],
    };
    for value in values {
        if field["type"] == "RECORD" {
            check(
                field["fields"].as_array().unwrap(),
                value,
                &format!("{location}."),
            )?;
        } else if !fits(field["type"].as_str().unwrap(), value) {
            return Err(wrong(&format!(
                "Cannot convert value to {}: {value}",
                field["type"]
            )));
        }
    }
    Ok(())
}

fn fits(column_type: &str, value: &Value) -> bool {
    match (column_type, value) {
        ("BOOLEAN", value) => value.is_boolean(),
        ("INTEGER", Value::String(text)) => text.parse::<i64>().is_ok(),
        // A number beyond these is not what was meant.
        ("INTEGER", value) => value
            .as_i64()
            .is_some_and(|number| number.unsigned_abs() < 1 << 53),
        ("FLOAT", value) => {
            value.is_number()
                || ["NaN", "Infinity", "-Infinity"]
                    .map(Value::from)
                    .contains(value)
        }
        ("JSON", Value::String(text)) => serde_json::from_str::<Value>(text).is_ok(),
        ("STRING", Value::String(text)) => text != "no text",
        (_, value) => value.is_string(),
    }
}

//! insertAll, in memory: it fails as it is told, and as Google documents that BigQuery fails.

use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::tables::{Answer, Refused, missing};
use super::{Inside, Warehouse};

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

/// Why a row cannot be inserted.
pub(super) struct RowError {
    pub(super) location: String,
    pub(super) message: String,
}

/// What answers below `/bigquery/v2/projects`.
pub(super) fn router(warehouse: Warehouse) -> Router {
    Router::new()
        .route(
            "/{project}/datasets/{dataset}/tables/{table}/insertAll",
            post(insert_all),
        )
        .layer(DefaultBodyLimit::disable())
        .with_state(warehouse)
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
    let answer = match fault {
        Fault::Status(status, reason) => Err(Refused(status, reason, "as told".to_owned())),
        Fault::Hang => {
            warehouse.changed.send_replace(());
            std::future::pending().await
        }
        Fault::Lost | Fault::None => warehouse.inside(|inside| {
            let table = warehouse.tables.get(&project, &dataset, &name);
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
        if body.len() > self.bytes_max() {
            return Err(Refused(413, "", "Request Entity Too Large".to_owned()));
        }
        let stops = self.stops;
        let seen = self.see(name, table);
        let rows = request["rows"].as_array().unwrap();
        let checked: Vec<_> = rows
            .iter()
            .map(|row| check(&seen.fields, &row["json"], ""))
            .collect();
        let has_error = checked.iter().any(Result::is_err);
        let stops = has_error && (stops || request["skipInvalidRows"] != true);
        let mut errors = Vec::new();
        for (index, (row, checked)) in rows.iter().zip(checked).enumerate() {
            let error = match checked {
                Err(RowError { location, message }) => ("invalid", location, message),
                Ok(()) if stops => ("stopped", String::new(), String::new()),
                Ok(()) => {
                    let id = row["insertId"].as_str().unwrap();
                    if seen.ids.insert(id.to_owned()) {
                        seen.rows.push(row["json"].clone());
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
pub(super) fn check(fields: &[Value], row: &Value, within: &str) -> Result<(), RowError> {
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

pub(super) fn is_called(field: &Value, key: &str) -> bool {
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

//! Rows into one table by `tabledata.insertAll`: split where they are too many, and judged one by one.
//!
//! <https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll>

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde::Deserialize;

use super::inserted::{Inserted, Outcome};
use crate::bigquery::{Class, Client};

/// The most rows of a request. <https://cloud.google.com/bigquery/quotas#streaming_inserts>
const REQUEST_ROWS_MAX: usize = 50_000;

/// The most bytes of a request, which may have 10 MB.
const REQUEST_BYTES_MAX: usize = 9_500_000;

/// What stands around the rows of a request. The rows that can be inserted are, whatever becomes of others; a row that
/// has what its table lacks is not.
const HEAD: &[u8] = br#"{"skipInvalidRows":true,"ignoreUnknownValues":false,"rows":["#;
const TAIL: &[u8] = b"]}";

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// BigQuery drops a second row with it, as far as it remembers: for about a minute.
    pub(super) insert_id: &'a str,
    pub(super) json: &'a [u8],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    insert_errors: Vec<RowErrors>,
}

#[derive(Deserialize)]
struct RowErrors {
    #[serde(default)]
    index: usize,
    #[serde(default)]
    errors: Vec<RowError>,
}

#[derive(Deserialize)]
struct RowError {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    message: String,
}

/// Inserts rows, and says what became of each.
pub(super) async fn insert(client: &Client, table: &str, rows: &[Row<'_>]) -> Inserted {
    let dataset = &client.target().dataset;
    let path = ["datasets", dataset, "tables", table, "insertAll"];
    let mut outcomes = vec![Outcome::Again(None); rows.len()];
    let mut requests = requests(rows);
    while let Some(request) = requests.pop_front() {
        match client.post_bytes(&path, body(rows, &request)).await {
            Ok(answer) => requests.extend(judge(&answer, request, &mut outcomes)),
            Err(problem) if matches!(problem.class, Class::Invalid | Class::TooLarge) => {
                // Whichever row it is, it must not keep the others.
                if let [row] = *request {
                    outcomes[row] = Outcome::Refused(problem.message);
                } else {
                    let (first, second) = request.split_at(request.len() / 2);
                    requests.push_front(second.to_vec());
                    requests.push_front(first.to_vec());
                }
            }
            Err(problem) => {
                return Inserted {
                    outcomes,
                    problem: Some(problem),
                };
            }
        }
    }
    Inserted {
        outcomes,
        problem: None,
    }
}

/// The places of the rows of each request.
fn requests(rows: &[Row<'_>]) -> VecDeque<Vec<usize>> {
    let mut requests = VecDeque::new();
    let (mut request, mut bytes) = (Vec::new(), 0);
    for (place, row) in rows.iter().enumerate() {
        let row_bytes = row_bytes(row);
        let is_full = request.len() >= REQUEST_ROWS_MAX || bytes + row_bytes > REQUEST_BYTES_MAX;
        if is_full && !request.is_empty() {
            requests.push_back(std::mem::take(&mut request));
            bytes = 0;
        }
        request.push(place);
        bytes += row_bytes;
    }
    if !request.is_empty() {
        requests.push_back(request);
    }
    requests
}

fn row_bytes(row: &Row<'_>) -> usize {
    row.json.len() + row.insert_id.len() + r#"{"insertId":"","json":},"#.len()
}

/// Ids are texts of UUIDs, which JSON takes as they are; what somebody else has put there may not be.
fn body(rows: &[Row<'_>], request: &[usize]) -> Bytes {
    let rows = || request.iter().filter_map(|&place| rows.get(place));
    let bytes: usize = rows().map(row_bytes).sum();
    let mut body = Vec::with_capacity(HEAD.len() + bytes + TAIL.len());
    body.extend_from_slice(HEAD);
    for (place, row) in rows().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(br#"{"insertId":"#);
        // Neither text nor memory can fail.
        _ = serde_json::to_writer(&mut body, row.insert_id);
        body.extend_from_slice(br#","json":"#);
        body.extend_from_slice(row.json);
        body.push(b'}');
    }
    body.extend_from_slice(TAIL);
    body.into()
}

/// Sorts out the rows of a request that was answered, and returns those that failed for their neighbours' sake alone.
fn judge(answer: &Answer, request: Vec<usize>, outcomes: &mut [Outcome]) -> Option<Vec<usize>> {
    let errors: BTreeMap<usize, &[RowError]> = answer
        .insert_errors
        .iter()
        .map(|row| (row.index, &*row.errors))
        .collect();
    if let Some((index, _)) = errors
        .last_key_value()
        .filter(|(index, _)| **index >= request.len())
    {
        // Nothing is certain then.
        let words = format!(
            "BigQuery names the row {index} of a request of {}",
            request.len()
        );
        for place in request {
            outcomes[place] = Outcome::Again(Some(words.clone()));
        }
        return None;
    }
    let mut stopped = Vec::new();
    let mut has_culprit = false;
    for (index, place) in request.into_iter().enumerate() {
        let Some(errors) = errors.get(&index) else {
            outcomes[place] = Outcome::Stored;
            continue;
        };
        match errors.iter().find(|error| error.reason != "stopped") {
            Some(error) => {
                has_culprit = true;
                outcomes[place] = outcome(error);
            }
            None => stopped.push(place),
        }
    }
    if stopped.is_empty() {
        return None;
    }
    if !has_culprit {
        // The same again would be stopped again.
        for place in stopped {
            let words = "BigQuery stopped the row for another one, and does not say for which";
            outcomes[place] = Outcome::Again(Some(words.to_owned()));
        }
        return None;
    }
    Some(stopped)
}

/// <https://cloud.google.com/bigquery/docs/error-messages#errortable>
fn outcome(error: &RowError) -> Outcome {
    let RowError {
        reason,
        location,
        message,
    } = error;
    let place = if location.is_empty() {
        String::new()
    } else {
        format!(" at `{location}`")
    };
    let words = format!("BigQuery: {reason}{place}: {message}");
    match &**reason {
        "invalid" if message.to_ascii_lowercase().contains("no such field") => {
            Outcome::Unknown(words)
        }
        "backendError" | "internalError" | "quotaExceeded" | "rateLimitExceeded" | "timeout"
        | "tableUnavailable" => Outcome::Again(Some(words)),
        _ => Outcome::Refused(words),
    }
}

#[cfg(test)]
#[path = "insert_all_tests.rs"]
mod tests;

//! Rows into one table by `tabledata.insertAll`: split where they are too many, and judged one by one.
//!
//! <https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll>

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use super::requests::{self, Inserted, Limits, Outcome, Said, Told, Way};
use crate::bigquery::{Client, Problem};

/// A request may have 10 MB. <https://cloud.google.com/bigquery/quotas#streaming_inserts>
const LIMITS: Limits = Limits {
    rows: 50_000,
    bytes: 9_500_000,
};

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
pub(super) async fn insert(
    client: &Client,
    table: &str,
    rows: &[Row<'_>],
    told: Told<'_>,
) -> Inserted {
    let way = InsertAll {
        client,
        table,
        rows,
    };
    requests::insert(LIMITS, rows.iter().map(row_bytes), &way, told).await
}

/// What requests are made of.
struct InsertAll<'r> {
    client: &'r Client,
    table: &'r str,
    rows: &'r [Row<'r>],
}

#[tonic::async_trait]
impl Way for InsertAll<'_> {
    async fn send(&self, places: &[usize]) -> Result<Said, Problem> {
        let dataset = &self.client.target().dataset;
        let path = ["datasets", dataset, "tables", self.table, "insertAll"];
        let answer = self.client.post_bytes(&path, body(self.rows, places));
        Ok(judge(&answer.await?, places.len()))
    }
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

/// What an answer says of the rows of a request.
fn judge(answer: &Answer, rows: usize) -> Said {
    let errors: BTreeMap<usize, &[RowError]> = answer
        .insert_errors
        .iter()
        .map(|row| (row.index, &*row.errors))
        .collect();
    if let Some((index, _)) = errors.last_key_value().filter(|(index, _)| **index >= rows) {
        return requests::out_of_place(index, rows);
    }
    let culprit = |errors: &&[RowError]| errors.iter().any(|error| error.reason != "stopped");
    let has_culprit = errors.values().any(culprit);
    let said = |index| {
        let Some(errors) = errors.get(&index) else {
            return Some(Outcome::Stored);
        };
        match errors.iter().find(|error| error.reason != "stopped") {
            Some(error) => Some(outcome(error)),
            None if has_culprit => None,
            None => {
                // The same again would be stopped again.
                let words = "BigQuery stopped the row for another one, and does not say for which";
                Some(Outcome::Again(Some(words.to_owned())))
            }
        }
    };
    (0..rows).map(said).collect()
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

//! Why BigQuery did not do what it was asked, and what helps: to wait, to split, to make a table, to ask a person.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

/// An answer that is no success, or none at all.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) class: Class,
    /// BigQuery's own words. They may show a value of a row that it refuses.
    pub(crate) message: String,
    /// How long BigQuery wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same again, after a pause.
    Again,
    /// The same again, once there is quota: in ten minutes or more.
    Quota,
    /// Somebody who gives the right to do it.
    Denied,
    /// A table or dataset, which is not there.
    Missing,
    /// One of the two before: BigQuery does not say which.
    DeniedOrMissing,
    /// Another look: it is there already, or somebody has changed it meanwhile.
    Conflict,
    /// Smaller requests.
    TooLarge,
    /// Nothing: BigQuery does not take this.
    Invalid,
}

/// <https://cloud.google.com/bigquery/docs/error-messages#http_response_body>
#[derive(Deserialize)]
struct Answer {
    error: Body,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    reason: String,
}

impl Problem {
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            retry_after: None,
        }
    }

    /// What an answer with this status means.
    pub(super) fn of_answer(
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let answer: Option<Answer> = serde_json::from_slice(body).ok();
        let (reason, said) = match &answer {
            Some(Answer { error }) => {
                let first = error.errors.first();
                (first.map_or("", |detail| &*detail.reason), &*error.message)
            }
            None => ("", ""),
        };
        let code = status.as_u16();
        let reason_shown = if reason.is_empty() {
            String::new()
        } else {
            format!(" ({reason})")
        };
        let colon = if said.is_empty() { "" } else { ": " };
        Self {
            class: class(status, reason, said),
            message: format!("BigQuery answered {code}{reason_shown}{colon}{said}"),
            retry_after,
        }
    }

    /// What it means that there is no answer.
    pub(crate) fn of_connection(error: &dyn Error) -> Self {
        let mut words = vec!["BigQuery does not answer".to_owned(), error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            words.push(cause.to_string());
            source = cause.source();
        }
        Self::new(Class::Again, words.join(": "))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {}

/// The reason says more than the status where there is one.
///
/// <https://cloud.google.com/bigquery/docs/error-messages#errortable>
fn class(status: StatusCode, reason: &str, said: &str) -> Class {
    match reason {
        "backendError"
        | "internalError"
        | "jobBackendError"
        | "jobInternalError"
        | "jobRateLimitExceeded"
        | "rateLimitExceeded"
        | "tableUnavailable"
        | "timeout"
        | "userRateLimitExceeded" => return Class::Again,
        "quotaExceeded" => return Class::Quota,
        "duplicate" => return Class::Conflict,
        _ => {}
    }
    match status {
        StatusCode::BAD_REQUEST if said.contains("Request payload size exceeds the limit") => {
            // <https://cloud.google.com/bigquery/quotas#streaming_inserts>: a limit that a 400 tells of as well.
            Class::TooLarge
        }
        StatusCode::BAD_REQUEST | StatusCode::NOT_IMPLEMENTED => Class::Invalid,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Class::Denied,
        StatusCode::NOT_FOUND => Class::Missing,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Class::Conflict,
        StatusCode::PAYLOAD_TOO_LARGE => Class::TooLarge,
        // It is not about what was sent: a server that fails, or somebody between who is no BigQuery.
        _ => Class::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, reason: &str, message: &str) -> Problem {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"{message}","errors":[{{"message":"{message}","domain":"global","reason":"{reason}"}}]}}}}"#
        );
        let status = StatusCode::from_u16(status).unwrap();
        Problem::of_answer(status, None, body.as_bytes())
    }

    #[test]
    fn each_answer_of_the_table_of_errors_has_what_helps() {
        let too_large = "Request payload size exceeds the limit: 10485760 bytes.";
        for (status, reason, message, class) in [
            (302, "", "", Class::Again),
            (400, "invalid", "", Class::Invalid),
            (400, "invalid", too_large, Class::TooLarge),
            (400, "tableUnavailable", "", Class::Again),
            (401, "authError", "", Class::Denied),
            (403, "accessDenied", "", Class::Denied),
            (403, "billingNotEnabled", "", Class::Denied),
            (403, "quotaExceeded", "", Class::Quota),
            (403, "rateLimitExceeded", "", Class::Again),
            (404, "notFound", "", Class::Missing),
            (407, "", "", Class::Again),
            (409, "duplicate", "", Class::Conflict),
            (412, "conditionNotMet", "", Class::Conflict),
            (413, "", "", Class::TooLarge),
            (429, "", "", Class::Again),
            (500, "internalError", "", Class::Again),
            (501, "notImplemented", "", Class::Invalid),
            (502, "", "", Class::Again),
            (503, "backendError", "", Class::Again),
            (504, "", "", Class::Again),
        ] {
            assert_eq!(
                answer(status, reason, message).class,
                class,
                "{status} {reason} {message}"
            );
        }
    }

    #[test]
    fn the_words_are_those_of_bigquery() {
        let problem = answer(404, "notFound", "Not found: Table shop:logeater.cart");
        assert_eq!(
            problem.to_string(),
            "BigQuery answered 404 (notFound): Not found: Table shop:logeater.cart"
        );
    }

    #[test]
    fn an_answer_of_somebody_between_has_its_status_alone() {
        let html = b"<html>nginx</html>";
        let problem = Problem::of_answer(StatusCode::BAD_GATEWAY, None, html);
        assert_eq!(problem.to_string(), "BigQuery answered 502");
        assert_eq!(problem.class, Class::Again);
    }
}

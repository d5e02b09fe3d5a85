//! What a refusal says, in an answer or as the end of a connection.

use std::time::Duration;

use prost::Message;
use prost_types::Any;
use tonic::Code;
use tonic_types::pb::Status;
use tonic_types::{ErrorDetails, StatusExt};

use super::super::messages::{StorageError, StorageErrorCode};

pub(super) fn refusal(code: Code, error: Option<StorageErrorCode>, message: &str) -> Status {
    let details = error.map(|error| {
        let error = StorageError {
            code: error.into(),
            error_message: message.to_owned(),
            ..StorageError::default()
        };
        Any {
            type_url: StorageError::TYPE_URL.to_owned(),
            value: error.encode_to_vec(),
        }
    });
    Status {
        code: code.into(),
        message: message.to_owned(),
        details: details.into_iter().collect(),
    }
}

/// As the end of a call or a connection.
pub(super) fn end(refusal: &Status) -> tonic::Status {
    let details = refusal.encode_to_vec().into();
    tonic::Status::with_details(Code::from(refusal.code), &refusal.message, details)
}

/// <https://cloud.google.com/bigquery/docs/write-api-best-practices#manage_quota>
pub(super) fn quota(retry_after: Duration) -> tonic::Status {
    let details = ErrorDetails::with_retry_info(Some(retry_after));
    let words = "Exceeds 'AppendRows throughput' quota";
    tonic::Status::with_error_details(Code::ResourceExhausted, words, details)
}

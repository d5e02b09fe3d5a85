//! What it means that rows were not appended. No clock, no I/O.
//!
//! <https://cloud.google.com/bigquery/docs/write-api-best-practices#manage_stream_offsets_to_achieve_exactly-once_semantics>

use std::error::Error;
use std::time::Duration;

use prost::Message;
use tonic::Code;
use tonic_types::RpcStatusExt;
use tonic_types::pb::Status;

use super::messages::{StorageError, StorageErrorCode};
use crate::bigquery::{Class, Problem};
use crate::sinks::bigquery::requests::{Outcome, Said};

/// What BigQuery says where a field of the descriptor does not fit its column, for example:
/// <https://github.com/googleapis/java-bigquerystorage/issues/1463>
const MISMATCH: &str = "The proto field mismatched with BigQuery field";

/// What BigQuery says of a table to those who cannot see whether it is there, for example:
/// <https://github.com/googleapis/python-bigquery-storage/issues/238>
const MAY_NOT_EXIST: &str = "or it may not exist";

/// Why rows were not appended.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The table does not know one of the columns, or not yet.
    UnknownColumn(String),
    /// The table has a column as another type.
    WrongColumn(String),
    /// The stream has other rows in their place, or has them already.
    Present(Problem),
    Problem(Problem),
}

impl Trouble {
    /// That of a whole connection.
    pub(super) fn of_connection(status: &tonic::Status) -> Self {
        // Then it is not BigQuery who says this.
        if let Some(source) = status.source() {
            return Self::Problem(Problem::of_connection(source));
        }
        let told = Status::decode(status.details()).unwrap_or_default();
        Self::of(&Status {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: told.details,
        })
    }

    /// That of one request.
    pub(super) fn of(status: &Status) -> Self {
        let code = Code::from(status.code);
        let message = format!("BigQuery answered {code:?}: {}", status.message);
        let class = match (storage_error(status), code) {
            (Some(StorageErrorCode::SchemaMismatchExtraFields), _) => {
                return Self::UnknownColumn(message);
            }
            (Some(StorageErrorCode::TableNotFound), _) | (_, Code::NotFound) => Class::Missing,
            (_, Code::InvalidArgument) if status.message.contains(MISMATCH) => {
                return Self::WrongColumn(message);
            }
            (_, Code::InvalidArgument) => Class::Invalid,
            (_, Code::PermissionDenied) if status.message.contains(MAY_NOT_EXIST) => {
                Class::DeniedOrMissing
            }
            (_, Code::PermissionDenied | Code::Unauthenticated) => Class::Denied,
            // No other says anything about the rows.
            _ => Class::Again,
        };
        let retry = status.get_details_retry_info();
        let problem = Problem {
            retry_after: retry.and_then(|retry| retry.retry_delay),
            ..Problem::new(class, message)
        };
        match code {
            Code::AlreadyExists => Self::Present(problem),
            _ => Self::Problem(problem),
        }
    }

    /// There was no answer for so long.
    pub(super) fn late(patience: Duration) -> Self {
        Self::no_answer(&format!("there was none within {patience:?}"))
    }

    /// The problem of a request that is not about rows.
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::UnknownColumn(words) | Self::WrongColumn(words) => {
                Problem::new(Class::Invalid, words)
            }
            Self::Present(problem) | Self::Problem(problem) => problem,
        }
    }

    /// Whether BigQuery refuses rows, or has no such stream, so that none is in.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::UnknownColumn(_) | Self::WrongColumn(_) => true,
            Self::Problem(problem) => matches!(problem.class, Class::Invalid | Class::Missing),
            Self::Present(_) => false,
        }
    }

    /// Whether somebody has to give the right to write, or a new token helps.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.class == Class::Denied)
    }

    /// What it means for all rows of a request: what becomes of each, or the problem of all.
    pub(super) fn said(self, rows: usize) -> Result<Said, Problem> {
        match self {
            Self::UnknownColumn(words) => Ok(vec![Some(Outcome::Unknown(words)); rows]),
            Self::WrongColumn(words) => Ok(vec![Some(Outcome::Refused(words)); rows]),
            Self::Present(problem) | Self::Problem(problem) => Err(problem),
        }
    }

    /// There is no answer, for this reason.
    pub(super) fn no_answer(reason: &str) -> Self {
        Self::Problem(Problem::new(
            Class::Again,
            format!("BigQuery does not answer: {reason}"),
        ))
    }
}

fn storage_error(status: &Status) -> Option<StorageErrorCode> {
    let mut details = status.details.iter();
    let detail = details.find(|detail| detail.type_url == StorageError::TYPE_URL)?;
    let error = StorageError::decode(&*detail.value).ok()?;
    StorageErrorCode::try_from(error.code).ok()
}

#[cfg(test)]
mod tests {
    use prost_types::Any;

    use super::*;

    fn class(code: Code, details: Vec<Any>) -> Option<Class> {
        let status = Status {
            code: code.into(),
            message: String::new(),
            details,
        };
        match Trouble::of(&status) {
            Trouble::Present(problem) | Trouble::Problem(problem) => Some(problem.class),
            Trouble::UnknownColumn(_) | Trouble::WrongColumn(_) => None,
        }
    }

    fn detail(code: StorageErrorCode) -> Vec<Any> {
        let error = StorageError {
            code: code.into(),
            ..StorageError::default()
        };
        vec![Any {
            type_url: StorageError::TYPE_URL.to_owned(),
            value: error.encode_to_vec(),
        }]
    }

    #[test]
    fn each_code_has_what_helps() {
        for (code, helps) in [
            (Code::Aborted, Class::Again),
            (Code::Cancelled, Class::Again),
            (Code::DeadlineExceeded, Class::Again),
            (Code::Internal, Class::Again),
            (Code::ResourceExhausted, Class::Again),
            (Code::Unavailable, Class::Again),
            (Code::NotFound, Class::Missing),
            (Code::PermissionDenied, Class::Denied),
            (Code::Unauthenticated, Class::Denied),
            (Code::InvalidArgument, Class::Invalid),
        ] {
            assert_eq!(class(code, Vec::new()), Some(helps), "{code:?}");
        }
    }

    #[test]
    fn who_does_not_answer_has_not_said_anything() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "refused");
        let status = tonic::Status::from_error(refused.into());
        let trouble = Trouble::of_connection(&status);
        let problem = trouble.into_problem();
        assert_eq!(problem.class, Class::Again);
        assert_eq!(problem.message, "BigQuery does not answer: refused");
    }

    #[test]
    fn a_detail_says_more_than_the_code() {
        let missing = detail(StorageErrorCode::TableNotFound);
        assert_eq!(class(Code::InvalidArgument, missing), Some(Class::Missing));
        let unknown = detail(StorageErrorCode::SchemaMismatchExtraFields);
        assert_eq!(class(Code::InvalidArgument, unknown), None);
    }
}

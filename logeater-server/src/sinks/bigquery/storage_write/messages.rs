//! The messages of the Storage Write API, as far as the sink sends and reads them. Names and numbers are Google's.
//!
//! <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1>

use bytes::Bytes;
use prost::{Enumeration, Message};
use prost_types::DescriptorProto;
use tonic_types::pb::Status;

/// Rows for a stream; the first of a connection says which, and how rows are written.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#appendrowsrequest>
#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendRowsRequest {
    #[prost(string, tag = "1")]
    pub(super) write_stream: String,
    /// The row of the stream that is the first of these; the default stream has none.
    #[prost(message, optional, tag = "2")]
    pub(super) offset: Option<i64>,
    #[prost(message, optional, tag = "4")]
    pub(super) proto_rows: Option<ProtoData>,
    #[prost(string, tag = "6")]
    pub(super) trace_id: String,
    #[prost(enumeration = "MissingValueInterpretation", tag = "8")]
    pub(super) default_missing_value_interpretation: i32,
}

/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#protodata>
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProtoData {
    #[prost(message, optional, tag = "1")]
    pub(super) writer_schema: Option<ProtoSchema>,
    #[prost(message, optional, tag = "2")]
    pub(super) rows: Option<ProtoRows>,
}

/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#protoschema>
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProtoSchema {
    #[prost(message, optional, tag = "1")]
    pub(super) proto_descriptor: Option<DescriptorProto>,
}

/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#protorows>
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProtoRows {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(super) serialized_rows: Vec<Bytes>,
}

/// What a column is that a row leaves out.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#missingvalueinterpretation>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub(super) enum MissingValueInterpretation {
    Unspecified = 0,
    NullValue = 1,
    DefaultValue = 2,
}

/// What became of the rows of one request: `append_result`, or `error`.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#appendrowsresponse>
#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendRowsResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) append_result: Option<AppendResult>,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<Status>,
    #[prost(message, optional, tag = "3")]
    pub(super) updated_schema: Option<TableSchema>,
    #[prost(message, repeated, tag = "4")]
    pub(super) row_errors: Vec<RowError>,
    #[prost(string, tag = "5")]
    pub(super) write_stream: String,
}

/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#appendresult>
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct AppendResult {
    #[prost(message, optional, tag = "1")]
    pub(super) offset: Option<i64>,
}

/// Why a row is not taken, and with it none of its request.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#rowerror>
#[derive(Clone, PartialEq, Message)]
pub(super) struct RowError {
    #[prost(int64, tag = "1")]
    pub(super) index: i64,
    #[prost(string, tag = "3")]
    pub(super) message: String,
}

/// The columns of a table that has changed. That it is there is all that the sink looks at.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#tableschema>
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct TableSchema {}

/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#createwritestreamrequest>
#[derive(Clone, PartialEq, Message)]
pub(super) struct CreateWriteStreamRequest {
    /// The table, as `projects/P/datasets/D/tables/T`.
    #[prost(string, tag = "1")]
    pub(super) parent: String,
    #[prost(message, optional, tag = "2")]
    pub(super) write_stream: Option<WriteStream>,
}

/// A stream of an application's own.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#writestream>
#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteStream {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(enumeration = "WriteStreamType", tag = "2")]
    pub(super) r#type: i32,
}

/// When its rows can be read.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#type>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub(super) enum WriteStreamType {
    Unspecified = 0,
    /// At once.
    Committed = 1,
}

/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#finalizewritestreamrequest>
#[derive(Clone, PartialEq, Message)]
pub(super) struct FinalizeWriteStreamRequest {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// How many rows a stream has got, to which nothing can be added any more.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#finalizewritestreamresponse>
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct FinalizeWriteStreamResponse {
    #[prost(int64, tag = "1")]
    pub(super) row_count: i64,
}

/// A detail of a status.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#storageerror>
#[derive(Clone, PartialEq, Message)]
pub(super) struct StorageError {
    #[prost(enumeration = "StorageErrorCode", tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) entity: String,
    #[prost(string, tag = "3")]
    pub(super) error_message: String,
}

impl StorageError {
    /// What a status calls it among its details.
    pub(super) const TYPE_URL: &str =
        "type.googleapis.com/google.cloud.bigquery.storage.v1.StorageError";
}

/// Those that the sink knows what to do about.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#storageerrorcode>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub(super) enum StorageErrorCode {
    Unspecified = 0,
    TableNotFound = 1,
    StreamNotFound = 3,
    StreamFinalized = 6,
    SchemaMismatchExtraFields = 7,
    OffsetAlreadyExists = 8,
    OffsetOutOfRange = 9,
}

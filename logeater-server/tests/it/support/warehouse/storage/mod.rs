//! The Storage Write API, in memory: default streams, and committed ones with offsets. It fails as it is told, and as
//! Google documents that BigQuery fails.
//!
//! <https://cloud.google.com/bigquery/docs/write-api>

mod refusal;
pub(crate) mod rows;
mod service;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use prost::Message;
use prost_reflect::MessageDescriptor;
use serde_json::Value;
use tonic::Code;
use tonic_types::pb::Status;

use super::messages::{
    AppendResult, AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest,
    FinalizeWriteStreamRequest, FinalizeWriteStreamResponse, ProtoRows, RowError, StorageErrorCode,
    TableSchema, WriteStream, WriteStreamType,
};
use super::streaming::check;
use super::tables::Tables;
use refusal::refusal;

pub(super) use service::serve;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rpc {
    AppendRows,
    CreateWriteStream,
    FinalizeWriteStream,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The call, or the connection, ends with this code.
    Ends(Code),
    /// The answer is this error, and the connection lives on.
    Error(Code),
    /// A quota is spent, which it is worth asking for again after this time.
    Quota(Duration),
    /// What was asked for is done, and the answer is lost with the connection.
    Lost,
    /// What was asked for is done, and the connection ends in good order without an answer.
    Vanishes,
    /// There is no answer.
    Hangs,
    /// What was asked for is done, and the connection is closed after the answer.
    Closes,
}

/// What is in the warehouse for the sake of this interface alone.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    /// What becomes of the next requests.
    faults: BTreeMap<Rpc, VecDeque<Fault>>,
    /// Those that were created, by name, and how many there were.
    streams: BTreeMap<String, Stream>,
    created: usize,
    /// Whether who writes may not see whether a table or a stream is there.
    pub(crate) hides: bool,
    /// Whether a stream that is finalized once more is refused, which is not documented.
    pub(crate) ends_once: bool,
    /// The `authorization` of each connection for appends.
    pub(crate) connections: Vec<Option<String>>,
}

/// A committed stream.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    rows: i64,
    is_final: bool,
}

/// What one connection for appends has told, and been told.
#[derive(Debug, Default)]
struct Connection {
    stream: String,
    form: Option<MessageDescriptor>,
    /// The fields that the last answer knew.
    fields: Option<Vec<Value>>,
}

impl Inside {
    /// Tells what becomes of the next request that has not been told, and so on.
    pub(crate) fn fail(&mut self, rpc: Rpc, faults: impl IntoIterator<Item = Fault>) {
        self.faults.entry(rpc).or_default().extend(faults);
    }

    /// Of how many next requests it was told what becomes of them.
    pub(crate) fn told(&self, rpc: Rpc) -> usize {
        self.faults.get(&rpc).map_or(0, VecDeque::len)
    }

    /// Nothing more was told of these.
    pub(crate) fn fail_no_more(&mut self, rpc: Rpc) {
        self.faults.remove(&rpc);
    }

    fn fault(&mut self, rpc: Rpc) -> Fault {
        let faults = self.faults.get_mut(&rpc).and_then(VecDeque::pop_front);
        faults.unwrap_or(Fault::None)
    }

    /// Ends all streams, as somebody else could.
    pub(crate) fn end_streams(&mut self) {
        for stream in self.streams.values_mut() {
            stream.is_final = true;
        }
    }

    /// How many streams are not ended.
    pub(crate) fn open_streams(&self) -> usize {
        let streams = self.streams.values();
        streams.filter(|stream| !stream.is_final).count()
    }

    /// Forgets all streams.
    pub(crate) fn forget_streams(&mut self) {
        self.streams.clear();
    }

    /// The table of a name like `projects/P/datasets/D/tables/T`, and its name alone.
    fn table<'n>(&self, tables: &Tables, name: &'n str) -> Result<(&'n str, Value), Status> {
        let found = match name.split('/').collect::<Vec<_>>()[..] {
            ["projects", project, "datasets", dataset, "tables", table] => tables
                .get(project, dataset, table)
                .map(|found| (table, found)),
            _ => None,
        };
        found.ok_or_else(|| self.not_found(name, StorageErrorCode::TableNotFound))
    }

    fn not_found(&self, name: &str, error: StorageErrorCode) -> Status {
        if self.hides {
            let words = format!(
                "Permission 'TABLES_UPDATE_DATA' denied on resource '{name}' (or it may not exist)."
            );
            return refusal(Code::PermissionDenied, None, &words);
        }
        let words = format!("Requested entity was not found. Entity: {name}");
        refusal(Code::NotFound, Some(error), &words)
    }

    /// Forgets the streams of a table, which go with it.
    pub(super) fn drop_table(&mut self, table: &str) {
        self.streams
            .retain(|name, _| !name.contains(&format!("/tables/{table}/")));
    }
}

impl super::Inside {
    /// Notes a request for appends, and tells what becomes of it.
    fn hear(&mut self, connection: &mut Connection, request: &AppendRowsRequest) -> Fault {
        if connection.stream.is_empty() {
            connection.stream.clone_from(&request.write_stream);
        }
        let table = connection.stream.split('/').nth(5).unwrap_or_default();
        let rows = request
            .proto_rows
            .iter()
            .filter_map(|data| data.rows.as_ref());
        let rows = rows.map(|rows| rows.serialized_rows.len()).sum();
        self.requests.push((table.to_owned(), rows));
        self.storage.fault(Rpc::AppendRows)
    }

    /// An error ends the connection.
    ///
    /// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#appendrowsrequest>
    fn append(
        &mut self,
        tables: &Tables,
        connection: &mut Connection,
        request: &AppendRowsRequest,
    ) -> Result<AppendRowsResponse, Status> {
        let name = &connection.stream;
        let (parent, id) = name.rsplit_once("/streams/").ok_or_else(|| {
            let words = format!("Invalid stream name: {name}");
            refusal(Code::InvalidArgument, None, &words)
        })?;
        let (table_name, table) = self.storage.table(tables, parent)?;
        let stream = self.storage.streams.get(name).copied();
        if id != "_default" && stream.is_none() {
            return Err(self
                .storage
                .not_found(name, StorageErrorCode::StreamNotFound));
        }
        let data = request.proto_rows.clone().unwrap_or_default();
        if let Some(schema) = data.writer_schema {
            connection.form = Some(rows::form(schema.proto_descriptor.unwrap()));
        }
        let form = connection.form.as_ref().ok_or_else(|| {
            let words = "Invalid proto schema: it is missing in the first request";
            refusal(Code::InvalidArgument, None, words)
        })?;
        let rows = data.rows.unwrap_or_default();
        let is_poison = self.poison.is_some_and(|poison| has(&rows, poison));
        if request.encoded_len() > self.bytes_max() {
            let words = "AppendRows request too large";
            return Ok(refused(refusal(Code::InvalidArgument, None, words)));
        }
        if is_poison {
            let words = "Malformed request.";
            return Ok(refused(refusal(Code::InvalidArgument, None, words)));
        }
        let seen = self.see(table_name, &table);
        let checked = rows::check_form(&seen.fields, form)
            .and_then(|()| check_offset(stream, request.offset));
        if let Err(refusal) = checked {
            return Ok(refused(refusal));
        }
        let mut answer = AppendRowsResponse {
            write_stream: name.clone(),
            ..taken(&seen.fields, form, &rows, &mut seen.rows)
        };
        let known = connection.fields.replace(seen.fields.clone());
        if known.is_some_and(|known| known != seen.fields) {
            answer.updated_schema = Some(TableSchema::default());
        }
        if answer.error.is_none() {
            let stream = self.storage.streams.get_mut(name);
            let offset = stream.map(|stream| {
                let offset = stream.rows;
                stream.rows += i64::try_from(rows.serialized_rows.len()).unwrap();
                offset
            });
            answer.append_result = Some(AppendResult { offset });
        }
        Ok(answer)
    }

    /// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#createwritestreamrequest>
    fn create(
        &mut self,
        tables: &Tables,
        request: &CreateWriteStreamRequest,
    ) -> Result<WriteStream, Status> {
        let parent = &request.parent;
        self.storage.table(tables, parent)?;
        let asked = request.write_stream.as_ref().map(WriteStream::r#type);
        if asked != Some(WriteStreamType::Committed) {
            let words = "Here all streams are committed ones.";
            return Err(refusal(Code::InvalidArgument, None, words));
        }
        self.storage.created += 1;
        let name = format!("{parent}/streams/s{}", self.storage.created);
        let streams = &mut self.storage.streams;
        streams.insert(name.clone(), Stream::default());
        let r#type = WriteStreamType::Committed.into();
        Ok(WriteStream { name, r#type })
    }

    /// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#finalizewritestreamrequest>
    fn finalize(
        &mut self,
        request: &FinalizeWriteStreamRequest,
    ) -> Result<FinalizeWriteStreamResponse, Status> {
        let gone = StorageErrorCode::StreamNotFound;
        let gone = self.storage.not_found(&request.name, gone);
        let stream = self.storage.streams.get_mut(&request.name).ok_or(gone)?;
        if stream.is_final && self.storage.ends_once {
            let words = "Stream has been finalized";
            let error = StorageErrorCode::StreamFinalized;
            return Err(refusal(Code::InvalidArgument, Some(error), words));
        }
        stream.is_final = true;
        Ok(FinalizeWriteStreamResponse {
            row_count: stream.rows,
        })
    }
}

/// Whether rows can come next in this stream, which is the default one if there is none.
///
/// <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#appendrowsresponse>
fn check_offset(stream: Option<Stream>, offset: Option<i64>) -> Result<(), Status> {
    let refused = |code, error, words: &str| Err(refusal(code, error, words));
    match (stream, offset) {
        (None, Some(_)) => {
            let words = "Offset should not be set when appending to the default stream";
            refused(Code::InvalidArgument, None, words)
        }
        (Some(stream), _) if stream.is_final => {
            let error = StorageErrorCode::StreamFinalized;
            let words = "Stream has been finalized and cannot be appended";
            refused(Code::InvalidArgument, Some(error), words)
        }
        (Some(stream), Some(offset)) if offset < stream.rows => {
            let error = StorageErrorCode::OffsetAlreadyExists;
            let words = format!(
                "The offset is within stream, expected offset {}, received {offset}",
                stream.rows
            );
            refused(Code::AlreadyExists, Some(error), &words)
        }
        (Some(stream), Some(offset)) if offset > stream.rows => {
            let error = StorageErrorCode::OffsetOutOfRange;
            let words = format!(
                "The offset is beyond stream, expected offset {}, received {offset}",
                stream.rows
            );
            refused(Code::OutOfRange, Some(error), &words)
        }
        (None, None) | (Some(_), _) => Ok(()),
    }
}

/// Keeps the rows, if all of them are what the fields say.
fn taken(
    fields: &[Value],
    form: &MessageDescriptor,
    rows: &ProtoRows,
    kept: &mut Vec<Value>,
) -> AppendRowsResponse {
    let rows = rows.serialized_rows.iter();
    let rows = rows.map(|row| rows::read(fields, form, row));
    let rows: Vec<_> = rows.collect();
    let row_errors = (0..).zip(&rows).filter_map(|(index, row)| {
        let error = check(fields, row, "").err()?;
        let message = format!("{}: {}", error.location, error.message);
        Some(RowError { index, message })
    });
    let row_errors: Vec<_> = row_errors.collect();
    if row_errors.is_empty() {
        kept.extend(rows);
        return AppendRowsResponse::default();
    }
    let words =
        "Errors found while processing rows. Please refer to the row_errors field for details.";
    AppendRowsResponse {
        row_errors,
        ..refused(refusal(Code::InvalidArgument, None, words))
    }
}

fn refused(refusal: Status) -> AppendRowsResponse {
    AppendRowsResponse {
        error: Some(refusal),
        ..AppendRowsResponse::default()
    }
}

fn has(rows: &ProtoRows, text: &str) -> bool {
    let rows = rows.serialized_rows.iter();
    rows.map(|row| String::from_utf8_lossy(row))
        .any(|row| row.contains(text))
}

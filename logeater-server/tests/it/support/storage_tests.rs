//! The stand-in's streams with offsets, which answer as Google documents.

use prost::Message;
use serde_json::json;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::messages::{
    AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest, FinalizeWriteStreamRequest,
    FinalizeWriteStreamResponse, ProtoData, ProtoRows, ProtoSchema, StorageError, StorageErrorCode,
    WriteStream, WriteStreamType,
};
use super::warehouse::Warehouse;
use super::warehouse::storage::{Fault, Rpc};

const TABLE: &str = "projects/shop/datasets/logeater/tables/events";

async fn grpc(warehouse: &Warehouse) -> Grpc<Channel> {
    let endpoint = Endpoint::from_shared(warehouse.storage_endpoint.clone()).unwrap();
    let mut grpc = Grpc::new(endpoint.connect_lazy());
    grpc.ready().await.unwrap();
    grpc
}

fn path(rpc: &str) -> PathAndQuery {
    let path = format!("/google.cloud.bigquery.storage.v1.BigQueryWrite/{rpc}");
    path.parse().unwrap()
}

async fn create(warehouse: &Warehouse) -> Result<WriteStream, Status> {
    let request = CreateWriteStreamRequest {
        parent: TABLE.to_owned(),
        write_stream: Some(WriteStream {
            r#type: WriteStreamType::Committed.into(),
            ..WriteStream::default()
        }),
    };
    let path = path("CreateWriteStream");
    let codec = ProstCodec::default();
    let mut grpc = grpc(warehouse).await;
    let answer = grpc.unary(Request::new(request), path, codec).await;
    answer.map(tonic::Response::into_inner)
}

async fn finalize(warehouse: &Warehouse, name: &str) -> Result<i64, Status> {
    let request = FinalizeWriteStreamRequest {
        name: name.to_owned(),
    };
    let path = path("FinalizeWriteStream");
    let codec = ProstCodec::default();
    let mut grpc = grpc(warehouse).await;
    let answer = grpc.unary(Request::new(request), path, codec).await;
    answer.map(|answer: tonic::Response<FinalizeWriteStreamResponse>| answer.into_inner().row_count)
}

/// Appends rows with these ids on a connection of their own.
async fn append(
    warehouse: &Warehouse,
    stream: &str,
    offset: i64,
    ids: &[&str],
) -> Result<AppendRowsResponse, Status> {
    let descriptor = prost_types::DescriptorProto {
        name: Some("Row".to_owned()),
        field: vec![prost_types::FieldDescriptorProto {
            name: Some("event_id".to_owned()),
            number: Some(1),
            label: Some(2),
            r#type: Some(9),
            ..Default::default()
        }],
        ..Default::default()
    };
    let row = |id: &&str| [&[10, u8::try_from(id.len()).unwrap()], id.as_bytes()].concat();
    let rows = ProtoRows {
        serialized_rows: ids.iter().map(|id| row(id).into()).collect(),
    };
    let schema = ProtoSchema {
        proto_descriptor: Some(descriptor),
    };
    let request = AppendRowsRequest {
        write_stream: stream.to_owned(),
        offset: Some(offset),
        proto_rows: Some(ProtoData {
            writer_schema: Some(schema),
            rows: Some(rows),
        }),
        ..AppendRowsRequest::default()
    };
    let requests = Request::new(tokio_stream::once(request));
    let mut grpc = grpc(warehouse).await;
    let path = path("AppendRows");
    let answers = grpc
        .streaming(requests, path, ProstCodec::default())
        .await?;
    let mut answers: tonic::Streaming<AppendRowsResponse> = answers.into_inner();
    Ok(answers.message().await?.unwrap())
}

fn error(answer: AppendRowsResponse) -> (Code, StorageErrorCode) {
    let error = answer.error.unwrap();
    (Code::from(error.code), storage_error(&error))
}

fn ended(status: &Status) -> (Code, StorageErrorCode) {
    let told = tonic_types::pb::Status::decode(status.details()).unwrap();
    (status.code(), storage_error(&told))
}

fn storage_error(status: &tonic_types::pb::Status) -> StorageErrorCode {
    StorageError::decode(&*status.details[0].value)
        .unwrap()
        .code()
}

async fn warehouse() -> Warehouse {
    let warehouse = Warehouse::start().await;
    let id = json!([{"name": "event_id", "type": "STRING", "mode": "REQUIRED"}]);
    warehouse.make("events", &id);
    warehouse
}

#[tokio::test]
async fn a_committed_stream_takes_rows_at_its_end_alone() {
    let warehouse = warehouse().await;
    let stream = create(&warehouse).await.unwrap().name;
    let taken = append(&warehouse, &stream, 0, &["1", "2"]).await.unwrap();
    assert_eq!(taken.append_result.unwrap().offset, Some(0));
    let taken = append(&warehouse, &stream, 2, &["3"]).await.unwrap();
    assert_eq!(taken.append_result.unwrap().offset, Some(2));
    let again = append(&warehouse, &stream, 2, &["3"]).await.unwrap();
    let expected = (Code::AlreadyExists, StorageErrorCode::OffsetAlreadyExists);
    assert_eq!(error(again), expected);
    let beyond = append(&warehouse, &stream, 4, &["5"]).await.unwrap();
    let expected = (Code::OutOfRange, StorageErrorCode::OffsetOutOfRange);
    assert_eq!(error(beyond), expected);
    // A row that is refused moves nothing.
    let bad = append(&warehouse, &stream, 3, &["4", "no text"]).await;
    assert_eq!(bad.unwrap().row_errors[0].index, 1);
    for _ in 0..2 {
        assert_eq!(finalize(&warehouse, &stream).await.unwrap(), 3);
    }
    let late = append(&warehouse, &stream, 3, &["4"]).await.unwrap();
    let expected = (Code::InvalidArgument, StorageErrorCode::StreamFinalized);
    assert_eq!(error(late), expected);
    assert_eq!(warehouse.rows("events", 3).await.len(), 3);
}

#[tokio::test]
async fn a_stream_goes_with_its_table() {
    let warehouse = warehouse().await;
    let stream = create(&warehouse).await.unwrap().name;
    append(&warehouse, &stream, 0, &["1"]).await.unwrap();
    assert_eq!(warehouse.drop_table("events"), [json!({"event_id": "1"})]);
    let gone = append(&warehouse, &stream, 1, &["2"]).await.unwrap_err();
    let missing = (Code::NotFound, StorageErrorCode::TableNotFound);
    assert_eq!(ended(&gone), missing);
    assert_eq!(ended(&create(&warehouse).await.unwrap_err()), missing);
    let fields = json!([{"name": "event_id", "type": "STRING"}]);
    warehouse.make("events", &fields);
    let gone = append(&warehouse, &stream, 1, &["2"]).await.unwrap_err();
    let unknown = (Code::NotFound, StorageErrorCode::StreamNotFound);
    assert_eq!(ended(&gone), unknown);
    let gone = finalize(&warehouse, &stream).await.unwrap_err();
    assert_eq!(ended(&gone), unknown);
}

#[tokio::test]
async fn what_was_done_is_done_though_its_answer_is_lost() {
    let warehouse = warehouse().await;
    let stream = create(&warehouse).await.unwrap().name;
    warehouse.set(|inside| {
        for rpc in [Rpc::AppendRows, Rpc::FinalizeWriteStream] {
            inside.storage.fail(rpc, [Fault::Lost]);
        }
    });
    let lost = append(&warehouse, &stream, 0, &["1"]).await.unwrap_err();
    assert_eq!(lost.code(), Code::Unavailable);
    let lost = finalize(&warehouse, &stream).await.unwrap_err();
    assert_eq!(lost.code(), Code::Unavailable);
    let late = append(&warehouse, &stream, 1, &["2"]).await.unwrap();
    let expected = (Code::InvalidArgument, StorageErrorCode::StreamFinalized);
    assert_eq!(error(late), expected);
    assert_eq!(finalize(&warehouse, &stream).await.unwrap(), 1);
}

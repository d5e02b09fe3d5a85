//! Its Storage Write API: each request is answered, and its rows are counted but not looked at.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::server::{Grpc, StreamingService, UnaryService};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use self::messages::{
    AppendResult, AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest, WriteStream,
};
use super::Warehouse;

#[path = "../../../logeater-server/src/sinks/bigquery/storage_write/messages.rs"]
#[expect(dead_code, reason = "it sends and reads only some of them")]
mod messages;

pub(super) const CREATE: &str = "/google.cloud.bigquery.storage.v1.BigQueryWrite/CreateWriteStream";
pub(super) const APPEND_ROWS: &str = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows";

/// More than any request has.
const REQUEST_BYTES_MAX: usize = 20 << 20;

pub(super) async fn create_write_stream(
    State(warehouse): State<Warehouse>,
    request: Request,
) -> Response {
    let mut grpc = Grpc::new(ProstCodec::default());
    let answer = grpc.unary(CreateWriteStream(warehouse), request).await;
    answer.map(Body::new)
}

pub(super) async fn append_rows(State(warehouse): State<Warehouse>, request: Request) -> Response {
    let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(REQUEST_BYTES_MAX);
    let answer = grpc.streaming(AppendRows(warehouse), request).await;
    answer.map(Body::new)
}

struct CreateWriteStream(Warehouse);

impl UnaryService<CreateWriteStreamRequest> for CreateWriteStream {
    type Response = WriteStream;
    type Future = Ready<Result<tonic::Response<WriteStream>, Status>>;

    fn call(&mut self, request: tonic::Request<CreateWriteStreamRequest>) -> Self::Future {
        let CreateWriteStreamRequest {
            parent,
            write_stream,
        } = request.into_inner();
        let number = self.0.streams.fetch_add(1, Ordering::Relaxed);
        ready(Ok(tonic::Response::new(WriteStream {
            name: format!("{parent}/streams/{number}"),
            ..write_stream.unwrap_or_default()
        })))
    }
}

struct AppendRows(Warehouse);

type Answers = Pin<Box<dyn Stream<Item = Result<AppendRowsResponse, Status>> + Send>>;

impl StreamingService<AppendRowsRequest> for AppendRows {
    type Response = AppendRowsResponse;
    type ResponseStream = Answers;
    type Future = Ready<Result<tonic::Response<Answers>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<AppendRowsRequest>>) -> Self::Future {
        let warehouse = self.0.clone();
        let (arrived, arrivals) = mpsc::unbounded_channel();
        tokio::spawn(read(request.into_inner(), arrived));
        let answers = UnboundedReceiverStream::new(arrivals).then(move |arrival| {
            let warehouse = warehouse.clone();
            async move {
                sleep_until(arrival.at + warehouse.wait).await;
                warehouse.rows.add(&arrival.table, arrival.rows);
                Ok(AppendRowsResponse {
                    append_result: Some(AppendResult::default()),
                    ..AppendRowsResponse::default()
                })
            }
        });
        ready(Ok(tonic::Response::new(Box::pin(answers))))
    }
}

/// A request, and when it came: while it waits for its answer, others are on their way.
struct Arrival {
    at: Instant,
    table: Arc<str>,
    rows: u32,
}

async fn read(mut requests: Streaming<AppendRowsRequest>, arrived: UnboundedSender<Arrival>) {
    let mut table: Arc<str> = Arc::default();
    while let Ok(Some(request)) = requests.message().await {
        // Only the first of a connection says where its rows go.
        if let Some(name) = table_of(&request.write_stream) {
            table = name.into();
        }
        let rows = request.proto_rows.and_then(|data| data.rows);
        let arrival = Arrival {
            at: Instant::now(),
            table: Arc::clone(&table),
            rows: rows.map_or(0, |rows| rows.serialized_rows.iter().map(|_| 1).sum()),
        };
        if arrived.send(arrival).is_err() {
            return;
        }
    }
}

/// The table in `projects/P/datasets/D/tables/T/streams/S`.
fn table_of(stream: &str) -> Option<&str> {
    stream.split('/').nth(5)
}

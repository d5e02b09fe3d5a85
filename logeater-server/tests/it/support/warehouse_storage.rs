//! A Storage Write API of our own, which follows Google's documentation, keeps rows in memory and fails as it is told.
//! What it shows is no evidence from BigQuery.
//!
//! <https://cloud.google.com/bigquery/docs/write-api>

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, Ready, pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use prost_types::{Any, DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::messages::{
    AppendResult, AppendRowsRequest, AppendRowsResponse, RowError, StorageError, StorageErrorCode,
    TableSchema,
};

/// <https://cloud.google.com/bigquery/quotas#write-api-limits>
const REQUEST_BYTES_MAX: usize = 10_485_760;

/// What becomes of a request, instead of an append.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The connection ends with this code.
    Ends(Code),
    /// The answer is this error.
    Error(Code),
    /// The rows are kept, and the connection is cut before the answer.
    LostAnswer,
    /// There is no answer.
    Hangs,
    /// The rows are kept, and the connection is closed after the answer.
    Closes,
    /// The rows are kept, and the answer tells of new columns.
    NewSchema,
}

/// What the service has seen, and what it is to do.
#[derive(Debug, Default)]
pub(crate) struct Warehouse {
    pub(crate) faults: Mutex<VecDeque<Fault>>,
    /// A row with this text in it is refused.
    pub(crate) bad: Mutex<Option<&'static str>>,
    /// The column that the table does not know.
    pub(crate) unknown: Mutex<Option<&'static str>>,
    /// The ids of the events whose rows it keeps.
    pub(crate) rows: Mutex<Vec<String>>,
    pub(crate) connections: Mutex<usize>,
    pub(crate) requests: Mutex<usize>,
}

impl Warehouse {
    /// Serves on a free port, and gives the URL.
    pub(crate) async fn start(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder().add_service(Service(Arc::clone(self)));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        url
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    async fn serve(
        self: Arc<Self>,
        mut requests: Streaming<AppendRowsRequest>,
        answers: mpsc::Sender<Result<AppendRowsResponse, Status>>,
    ) {
        *self.connections.lock().unwrap() += 1;
        let mut form = None;
        while let Ok(Some(request)) = requests.message().await {
            *self.requests.lock().unwrap() += 1;
            let fault = self.faults.lock().unwrap().pop_front();
            match fault {
                Some(Fault::Ends(code)) => {
                    return drop(answers.send(Err(Status::new(code, "as told"))).await);
                }
                Some(Fault::Error(code)) => {
                    let error = error(code, "as told", Vec::new());
                    answers.send(Ok(error)).await.unwrap();
                    continue;
                }
                Some(Fault::Hangs) => return pending().await,
                _ => {}
            }
            let mut answer = self.append(&request, &mut form);
            match fault {
                Some(Fault::LostAnswer) => {
                    return drop(answers.send(Err(Status::unavailable("cut"))).await);
                }
                Some(Fault::NewSchema) => answer.updated_schema = Some(TableSchema::default()),
                _ => {}
            }
            answers.send(Ok(answer)).await.unwrap();
            if matches!(fault, Some(Fault::Closes)) {
                return;
            }
        }
    }

    fn append(
        &self,
        request: &AppendRowsRequest,
        form: &mut Option<MessageDescriptor>,
    ) -> AppendRowsResponse {
        if request.encoded_len() > REQUEST_BYTES_MAX {
            let words = "AppendRows request too large";
            return error(Code::InvalidArgument, words, Vec::new());
        }
        let data = request.proto_rows.as_ref().unwrap();
        if let Some(schema) = &data.writer_schema {
            assert!(request.write_stream.ends_with("/streams/_default"));
            *form = Some(message(schema.proto_descriptor.clone().unwrap()));
        }
        let form = form.as_ref().expect("the first request has the schema");
        if let Some(unknown) = *self.unknown.lock().unwrap()
            && form.get_field_by_name(unknown).is_some()
        {
            let detail = StorageError {
                code: StorageErrorCode::SchemaMismatchExtraFields.into(),
                ..StorageError::default()
            };
            let detail = Any {
                type_url: StorageError::TYPE_URL.to_owned(),
                value: detail.encode_to_vec(),
            };
            return error(Code::InvalidArgument, "extra fields", vec![detail]);
        }
        let rows = &data.rows.as_ref().unwrap().serialized_rows;
        let rows = rows
            .iter()
            .map(|row| DynamicMessage::decode(form.clone(), row.clone()).unwrap());
        let ids = rows.map(|row| {
            row.get_field_by_name("event_id")
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        });
        let ids: Vec<_> = ids.collect();
        let bad = self.bad.lock().unwrap();
        let row_errors: Vec<_> = (0..)
            .zip(&ids)
            .filter(|(_, id)| Some(&***id) == *bad)
            .map(|(index, id)| RowError {
                index,
                message: format!("{id} is bad"),
            })
            .collect();
        if row_errors.is_empty() {
            self.rows.lock().unwrap().extend(ids);
            return AppendRowsResponse {
                append_result: Some(AppendResult::default()),
                ..AppendRowsResponse::default()
            };
        }
        AppendRowsResponse {
            row_errors,
            ..error(
                Code::InvalidArgument,
                "Errors found while processing rows",
                Vec::new(),
            )
        }
    }
}

fn error(code: Code, message: &str, details: Vec<Any>) -> AppendRowsResponse {
    AppendRowsResponse {
        error: Some(tonic_types::pb::Status {
            code: code.into(),
            message: message.to_owned(),
            details,
        }),
        ..AppendRowsResponse::default()
    }
}

fn message(descriptor: DescriptorProto) -> MessageDescriptor {
    let name = descriptor.name().to_owned();
    let file = FileDescriptorProto {
        name: Some("row.proto".to_owned()),
        message_type: vec![descriptor],
        ..FileDescriptorProto::default()
    };
    let pool = DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: vec![file] });
    pool.unwrap().get_message_by_name(&name).unwrap()
}

#[derive(Clone, Debug)]
struct Service(Arc<Warehouse>);

impl NamedService for Service {
    const NAME: &str = "google.cloud.bigquery.storage.v1.BigQueryWrite";
}

impl tower::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let append_rows = AppendRows(Arc::clone(&self.0));
        Box::pin(async move {
            let mut grpc =
                Grpc::new(ProstCodec::default()).max_decoding_message_size(2 * REQUEST_BYTES_MAX);
            Ok(grpc.streaming(append_rows, request).await)
        })
    }
}

struct AppendRows(Arc<Warehouse>);

impl StreamingService<AppendRowsRequest> for AppendRows {
    type Response = AppendRowsResponse;
    type ResponseStream = ReceiverStream<Result<AppendRowsResponse, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<AppendRowsRequest>>) -> Self::Future {
        let (answers, stream) = mpsc::channel(16);
        tokio::spawn(Arc::clone(&self.0).serve(request.into_inner(), answers));
        ready(Ok(Response::new(ReceiverStream::new(stream))))
    }
}

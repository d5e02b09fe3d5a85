//! The calls of the Storage Write API by gRPC, and what becomes of them by themselves.
//!
//! <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1#bigquerywrite>

use std::future::pending;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, UnaryService};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tonic_types::pb;
use tower::service_fn;

use super::super::messages::{AppendRowsRequest, AppendRowsResponse};
use super::super::{Inside, Warehouse};
use super::refusal::{end, quota, refusal};
use super::{Connection, Fault, Rpc, refused};

/// What a server of Google reads at most, which is more than an append may have.
const MESSAGE_BYTES_MAX: usize = 20 << 20;

pub(in super::super) async fn serve(listener: TcpListener, warehouse: Warehouse) {
    let service = "/google.cloud.bigquery.storage.v1.BigQueryWrite";
    let calls = Router::new()
        .route("/AppendRows", post(append_rows))
        .route("/CreateWriteStream", post(create_write_stream))
        .route("/FinalizeWriteStream", post(finalize_write_stream))
        .with_state(warehouse);
    let routes = Routes::from(Router::new().nest(service, calls));
    let connections = TcpListenerStream::new(listener);
    // As many as servers of HTTP/2 commonly allow.
    let server = Server::builder()
        .max_concurrent_streams(100)
        .add_routes(routes);
    server.serve_with_incoming(connections).await.unwrap();
}

async fn append_rows(
    State(warehouse): State<Warehouse>,
    request: http::Request<axum::body::Body>,
) -> http::Response<Body> {
    let service = service_fn(|request: Request<Streaming<AppendRowsRequest>>| {
        let (answers, stream) = mpsc::channel(16);
        let by = authorization(request.metadata());
        warehouse.set(|inside| inside.storage.connections.push(by));
        tokio::spawn(append(warehouse.clone(), request.into_inner(), answers));
        async { Ok::<_, Status>(Response::new(ReceiverStream::new(stream))) }
    });
    let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(MESSAGE_BYTES_MAX);
    grpc.streaming(service, request).await
}

async fn create_write_stream(
    State(warehouse): State<Warehouse>,
    request: http::Request<axum::body::Body>,
) -> http::Response<Body> {
    let create = service_fn(|request: Request<_>| {
        let warehouse = warehouse.clone();
        async move {
            let tables = &warehouse.tables;
            let work = |inside: &mut Inside| inside.create(tables, request.get_ref());
            call(&warehouse, Rpc::CreateWriteStream, work).await
        }
    });
    unary(create, request).await
}

async fn finalize_write_stream(
    State(warehouse): State<Warehouse>,
    request: http::Request<axum::body::Body>,
) -> http::Response<Body> {
    let finalize = service_fn(|request: Request<_>| {
        let warehouse = warehouse.clone();
        async move {
            let work = |inside: &mut Inside| inside.finalize(request.get_ref());
            call(&warehouse, Rpc::FinalizeWriteStream, work).await
        }
    });
    unary(finalize, request).await
}

async fn unary<S, Q>(service: S, request: http::Request<axum::body::Body>) -> http::Response<Body>
where
    S: UnaryService<Q, Response: Message + Default + 'static>,
    Q: Message + Default + 'static,
{
    Grpc::new(ProstCodec::default())
        .unary(service, request)
        .await
}

async fn call<T>(
    warehouse: &Warehouse,
    rpc: Rpc,
    work: impl FnOnce(&mut Inside) -> Result<T, pb::Status>,
) -> Result<Response<T>, Status> {
    let fault = warehouse.set(|inside| inside.storage.fault(rpc));
    match fault {
        Fault::Ends(code) | Fault::Error(code) => return Err(Status::new(code, "as told")),
        Fault::Quota(retry_after) => return Err(quota(retry_after)),
        Fault::Hangs => return pending().await,
        Fault::None | Fault::Lost | Fault::Vanishes | Fault::Closes => {}
    }
    let answer = warehouse.set(work);
    if matches!(fault, Fault::Lost | Fault::Vanishes) {
        return Err(cut());
    }
    answer.map(Response::new).map_err(|refusal| end(&refusal))
}

/// Answers the requests of one connection, in their order.
async fn append(
    warehouse: Warehouse,
    mut requests: Streaming<AppendRowsRequest>,
    answers: mpsc::Sender<Result<AppendRowsResponse, Status>>,
) {
    let mut connection = Connection::default();
    while let Ok(Some(request)) = requests.message().await {
        let fault = warehouse.set(|inside| inside.hear(&mut connection, &request));
        let answer = match fault {
            Fault::Ends(code) => Err(Status::new(code, "as told")),
            Fault::Error(code) => Ok(refused(refusal(code, None, "as told"))),
            Fault::Quota(retry_after) => Err(quota(retry_after)),
            Fault::Hangs => return pending().await,
            Fault::None | Fault::Lost | Fault::Vanishes | Fault::Closes => warehouse
                .set(|inside| inside.append(&warehouse.tables, &mut connection, &request))
                .map_err(|refusal| end(&refusal)),
        };
        let answer = match fault {
            Fault::Lost => Err(cut()),
            Fault::Vanishes => return,
            _ => answer,
        };
        let ends = answer.is_err() || matches!(fault, Fault::Closes);
        // Who has gone needs none.
        if answers.send(answer).await.is_err() || ends {
            return;
        }
    }
}

fn cut() -> Status {
    Status::new(Code::Unavailable, "cut")
}

fn authorization(metadata: &MetadataMap) -> Option<String> {
    let by = metadata.get("authorization")?;
    Some(by.to_str().unwrap().to_owned())
}

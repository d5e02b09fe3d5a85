//! A server that only counts: of our contract, and of OpenTelemetry's logs.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread};

use bytes::Bytes;
use logeater_proto::event::{BatchResponse, EventResponse};
use logeater_proto::raw::event_server::{Event, EventServer};
use logeater_proto::{DecodeError, EntryRef, REQUEST_BYTES_MAX, entries};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use tokio::runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding::{Gzip, Zstd};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Counts the events that reach it, on a thread of its own, until the process ends.
#[derive(Clone, Debug)]
pub struct CountingServer {
    address: SocketAddr,
    events: Arc<AtomicU64>,
    /// Whether it knows `PushBatch`.
    batches: bool,
}

impl CountingServer {
    /// Starts it on a free port of the loopback; without `batches` it knows only `Push`.
    ///
    /// # Errors
    ///
    /// When the system gives it no port, thread or runtime.
    pub fn start(batches: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let server = Self {
            address: listener.local_addr()?,
            events: Arc::default(),
            batches,
        };
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let service = server.clone();
        let serve = move || {
            if let Err(error) = runtime.block_on(service.serve(listener)) {
                eprintln!("error: {error}");
            }
        };
        thread::Builder::new().spawn(serve)?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The events so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    async fn serve(self, listener: TcpListener) -> Result<(), crate::Failure> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let events = EventServer::new(self.clone())
            .accept_compressed(Gzip)
            .accept_compressed(Zstd)
            .max_decoding_message_size(REQUEST_BYTES_MAX);
        Server::builder()
            .add_service(events)
            .add_service(LogsServiceServer::new(self))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await?;
        Ok(())
    }

    fn count(&self, events: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
    }
}

#[tonic::async_trait]
impl Event for CountingServer {
    async fn push(&self, request: Request<Bytes>) -> Result<Response<EventResponse>, Status> {
        EntryRef::decode(request.get_ref()).map_err(|error| invalid(&error))?;
        self.count(1);
        Ok(Response::new(EventResponse { success: true }))
    }

    async fn push_batch(&self, request: Request<Bytes>) -> Result<Response<BatchResponse>, Status> {
        if !self.batches {
            return Err(Status::unimplemented("it knows no batches"));
        }
        let accepted = events_in(request.get_ref()).map_err(|error| invalid(&error))?;
        self.count(accepted.into());
        Ok(Response::new(BatchResponse {
            accepted,
            rejected: Vec::new(),
        }))
    }
}

#[tonic::async_trait]
impl LogsService for CountingServer {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let resources = &request.get_ref().resource_logs;
        let scopes = resources.iter().flat_map(|resource| &resource.scope_logs);
        let records: usize = scopes.map(|scope| scope.log_records.len()).sum();
        self.count(records as u64);
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

/// Reads each event, as a server would that does something with it.
fn events_in(batch: &[u8]) -> Result<u32, DecodeError> {
    let mut events = 0;
    for entry in entries(batch) {
        EntryRef::decode(entry?)?;
        events += 1;
    }
    Ok(events)
}

fn invalid(error: &DecodeError) -> Status {
    Status::invalid_argument(error.to_string())
}

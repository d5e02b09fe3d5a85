//! The gRPC client of the Storage Write API: where it is, and who asks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;
use prost::Message;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::messages::{
    AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest, FinalizeWriteStreamRequest,
    FinalizeWriteStreamResponse, WriteStream, WriteStreamType,
};
use super::trouble::Trouble;
use crate::bigquery::{Class, Problem, Target, TargetError, checked_endpoint};

/// Google's own. <https://cloud.google.com/bigquery/docs/reference/storage/rpc>
const ENDPOINT: &str = "https://bigquerystorage.googleapis.com";

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be silent until it is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The largest answer that is read: it can have a word about each row.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

const APPEND_ROWS: &str = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows";

const CREATE: Method = Method {
    path: "/google.cloud.bigquery.storage.v1.BigQueryWrite/CreateWriteStream",
    parameter: "parent",
};

const FINALIZE: Method = Method {
    path: "/google.cloud.bigquery.storage.v1.BigQueryWrite/FinalizeWriteStream",
    parameter: "name",
};

/// What is asked with one message, and answered with one.
struct Method {
    path: &'static str,
    /// What the message is about is called so.
    parameter: &'static str,
}

/// Opens streams of one dataset. Clones share the connection for what is not a stream.
#[derive(Clone, Debug)]
pub(in crate::sinks::bigquery) struct Client {
    endpoint: Endpoint,
    /// Made with the first request, which has a runtime.
    channel: Arc<OnceLock<Channel>>,
    target: Arc<Target>,
    patience: Duration,
}

impl Client {
    /// Connects with the first request. `endpoint` is Google's unless given.
    pub(in crate::sinks::bigquery) fn new(
        target: Target,
        endpoint: Option<&str>,
    ) -> Result<Self, TargetError> {
        let endpoint = endpoint.unwrap_or(ENDPOINT);
        let setting = "storage_endpoint";
        let url = checked_endpoint(setting, endpoint, ENDPOINT, &target.credentials)?;
        let is_tls = url.scheme() == "https";
        let wrong = |error: tonic::transport::Error| TargetError::new(setting, error.to_string());
        let mut endpoint = Endpoint::from_shared(url.to_string())
            .and_then(|endpoint| {
                endpoint.user_agent(concat!("logeater/", env!("CARGO_PKG_VERSION")))
            })
            .map_err(wrong)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE / 3);
        if is_tls {
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        Ok(Self {
            endpoint,
            channel: Arc::default(),
            target: Arc::new(target),
            patience: PATIENCE,
        })
    }

    /// The same, but an answer may take so long.
    #[cfg(test)]
    pub(super) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long an answer may take.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// The same, which these ask: also without encryption, as only a test may do.
    #[cfg(test)]
    pub(super) fn by(mut self, credentials: crate::bigquery::Credentials) -> Self {
        let target = Target::clone(&self.target);
        self.target = Arc::new(Target {
            credentials,
            ..target
        });
        self
    }

    /// The name of the stream that every table has.
    pub(super) fn default_stream(&self, table: &str) -> String {
        format!("{}/streams/_default", self.table(table))
    }

    fn table(&self, table: &str) -> String {
        let Target {
            project, dataset, ..
        } = &*self.target;
        format!("projects/{project}/datasets/{dataset}/tables/{table}")
    }

    /// Opens a connection to a stream, and gives its answers. The first request must be on its way already: BigQuery
    /// does not answer before.
    pub(super) async fn append_rows(
        &self,
        stream: &str,
        requests: UnboundedReceiverStream<AppendRowsRequest>,
    ) -> Result<Streaming<AppendRowsResponse>, Trouble> {
        let request = self.request(requests, "write_stream", stream).await;
        let request = request.map_err(Trouble::Problem)?;
        let answers = async {
            // One of its own: an HTTP/2 connection takes no more than about a hundred streams.
            let mut grpc = grpc(self.endpoint.connect_lazy()).await?;
            let path = PathAndQuery::from_static(APPEND_ROWS);
            grpc.streaming(request, path, ProstCodec::default()).await
        };
        match answers.await {
            Ok(answers) => Ok(answers.into_inner()),
            Err(status) => Err(Trouble::of_connection(&status)),
        }
    }

    /// Makes a stream of a table whose rows count, and can be read at once; returns its name.
    pub(super) async fn create_stream(&self, table: &str) -> Result<String, Problem> {
        let request = CreateWriteStreamRequest {
            parent: self.table(table),
            write_stream: Some(WriteStream {
                name: String::new(),
                r#type: WriteStreamType::Committed.into(),
            }),
        };
        let parent = request.parent.clone();
        let stream: WriteStream = self.ask(&CREATE, &parent, request).await?;
        Ok(stream.name)
    }

    /// Ends a stream, and returns how many rows it has got. What is still on its way to it does not get there.
    pub(super) async fn finalize_stream(&self, name: &str) -> Result<i64, Problem> {
        let request = FinalizeWriteStreamRequest {
            name: name.to_owned(),
        };
        let answer: FinalizeWriteStreamResponse = self.ask(&FINALIZE, name, request).await?;
        Ok(answer.row_count)
    }

    /// Lets BigQuery forget a stream that is not used any more, some time. It forgets it in any case within days.
    pub(super) fn end_stream(&self, name: String) {
        let client = self.clone();
        tokio::spawn(async move { client.finalize_stream(&name).await });
    }

    /// Whether a stream is one of this dataset.
    pub(super) fn is_own(&self, stream: &str) -> bool {
        stream.starts_with(&self.table(""))
    }

    /// The token has ended before its time: the next request gets a new one.
    pub(super) async fn refresh(&self) {
        self.target.credentials.refresh().await;
    }

    pub(super) fn has_credentials(&self) -> bool {
        !self.target.credentials.is_none()
    }

    /// Asks about this, and once more with another token.
    async fn ask<Q, A>(&self, method: &Method, about: &str, message: Q) -> Result<A, Problem>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        match self.ask_once(method, about, message.clone()).await {
            Err(problem) if problem.class == Class::Denied && self.has_credentials() => {
                self.refresh().await;
                self.ask_once(method, about, message).await
            }
            asked => asked,
        }
    }

    async fn ask_once<Q, A>(&self, method: &Method, about: &str, message: Q) -> Result<A, Problem>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let request = self.request(message, method.parameter, about).await?;
        let answer = async {
            let channel = self.channel.get_or_init(|| self.endpoint.connect_lazy());
            let mut grpc = grpc(channel.clone()).await?;
            let path = PathAndQuery::from_static(method.path);
            grpc.unary(request, path, ProstCodec::default()).await
        };
        match timeout(self.patience, answer).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(Trouble::of_connection(&status).into_problem()),
            Err(_) => Err(Trouble::late(self.patience).into_problem()),
        }
    }

    /// A request about what this parameter names, by which Google finds its region.
    ///
    /// <https://google.aip.dev/client-libraries/4222>
    async fn request<M>(
        &self,
        message: M,
        parameter: &str,
        value: &str,
    ) -> Result<Request<M>, Problem> {
        let mut headers = self.target.credentials.headers().await?;
        if let Ok(parameters) = HeaderValue::from_str(&format!("{parameter}={value}")) {
            headers.insert("x-goog-request-params", parameters);
        }
        let mut request = Request::new(message);
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        Ok(request)
    }
}

async fn grpc(channel: Channel) -> Result<Grpc<Channel>, Status> {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
    let ready = grpc.ready().await;
    ready.map_err(|error| Status::from_error(error.into()))?;
    Ok(grpc)
}

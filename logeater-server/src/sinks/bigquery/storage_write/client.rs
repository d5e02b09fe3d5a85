//! The gRPC client of the Storage Write API: where it is, and who asks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::messages::{AppendRowsRequest, AppendRowsResponse};
use super::trouble::Trouble;
use crate::bigquery::{Target, TargetError, checked_endpoint};

/// Google's own. <https://cloud.google.com/bigquery/docs/reference/storage/rpc>
const ENDPOINT: &str = "https://bigquerystorage.googleapis.com";

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const APPEND_ROWS: &str = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows";

/// Opens streams of one dataset. Clones share their connection.
#[derive(Clone, Debug)]
pub(in crate::sinks::bigquery) struct Client {
    endpoint: Endpoint,
    /// Made with the first request, which has a runtime.
    channel: Arc<OnceLock<Channel>>,
    target: Arc<Target>,
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
            .connect_timeout(CONNECT_TIMEOUT);
        if is_tls {
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        Ok(Self {
            endpoint,
            channel: Arc::default(),
            target: Arc::new(target),
        })
    }

    /// The name of the stream that every table has.
    pub(super) fn default_stream(&self, table: &str) -> String {
        let Target {
            project, dataset, ..
        } = &*self.target;
        format!("projects/{project}/datasets/{dataset}/tables/{table}/streams/_default")
    }

    /// Opens a connection to a stream, and gives its answers. The first request must be on its way already: BigQuery
    /// does not answer before.
    pub(super) async fn append_rows(
        &self,
        stream: &str,
        requests: UnboundedReceiverStream<AppendRowsRequest>,
    ) -> Result<Streaming<AppendRowsResponse>, Trouble> {
        let headers = self.target.credentials.headers().await;
        let mut headers = headers.map_err(Trouble::Problem)?;
        // By this Google finds the region of the table.
        if let Ok(parameters) = HeaderValue::from_str(&format!("write_stream={stream}")) {
            headers.insert("x-goog-request-params", parameters);
        }
        let mut request = Request::new(requests);
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        self.call(request)
            .await
            .map_err(|status| Trouble::of_connection(&status))
    }

    /// The token has ended before its time: the next connection gets a new one.
    pub(super) async fn refresh(&self) {
        self.target.credentials.refresh().await;
    }

    pub(super) fn has_credentials(&self) -> bool {
        !self.target.credentials.is_none()
    }

    async fn call(
        &self,
        request: Request<UnboundedReceiverStream<AppendRowsRequest>>,
    ) -> Result<Streaming<AppendRowsResponse>, Status> {
        let channel = self.channel.get_or_init(|| self.endpoint.connect_lazy());
        let mut grpc = Grpc::new(channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(APPEND_ROWS);
        let answers = grpc.streaming(request, path, ProstCodec::default()).await;
        Ok(answers?.into_inner())
    }
}

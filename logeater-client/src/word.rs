//! Tells the server's own word from what the transport makes up: of an answer that it cannot read it says the same codes.

use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::{Channel, Error};
use tower::ServiceExt;

/// Is in the metadata of what a server has said.
const MARK: &str = "logeater-word-of-the-server";

/// The same channel, with a mark at each status that comes through it.
pub(crate) fn marking(
    channel: Channel,
) -> impl GrpcService<Body, ResponseBody = Body, Error = Error, Future: Send> + Send {
    channel.map_response(|mut response| {
        // What is no gRPC server has said it with its HTTP status.
        if response.headers().contains_key("grpc-status") || !response.status().is_success() {
            response.headers_mut().insert(MARK, 1.into());
        }
        response.map(|body| {
            Body::new(body.map_frame(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    trailers.insert(MARK, 1.into());
                }
                frame
            }))
        })
    })
}

/// Whether the server has said so, and not the transport.
pub(crate) fn is_of_server(status: &Status) -> bool {
    status.metadata().contains_key(MARK)
}

//! A server behind TLS that wants to know its clients: both show a certificate, and a token comes with each request.
//!
//! `cargo run --example tls`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use logeater_client::{Client, Event};
use logeater_proto::event::event_server::{Event as EventService, EventServer};
use logeater_proto::event::{BatchResponse, EventBatch, EventEntry, EventResponse};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// A payment was made.
#[derive(Event)]
#[event("payment.made")]
struct PaymentMade {
    amount_cents: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new()?;
    let (server_certificate, server_key) = authority.sign("collector.internal")?;
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(server_certificate, server_key))
        .client_ca_root(Certificate::from_pem(authority.pem()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder()
        .tls_config(tls)?
        .add_service(EventServer::new(Collector));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let (own_certificate, own_key) = authority.sign("checkout")?;
    let issued = AtomicU32::new(0);
    let client = Client::builder(format!("https://{address}"))
        .service("checkout")
        // Without an authority of its own it trusts those of the system.
        .tls_ca(authority.pem())
        // The address is not the name in the server's certificate.
        .tls_server_name("collector.internal")
        .tls_identity(own_certificate, own_key)
        // It is asked before the first request, and when the server does not take the token any more. It may block.
        .token_provider(move || {
            let number = issued.fetch_add(1, Ordering::Relaxed) + 1;
            Ok::<_, Infallible>(format!("token-{number}"))
        })
        .build()?;

    client
        .push(PaymentMade {
            amount_cents: 1_999,
        })
        .await?;
    let report = client.shutdown(Duration::from_secs(5)).await;
    println!(
        "{} delivered, after {} retry",
        report.delivered, report.retries
    );
    Ok(())
}

/// A server of the contract that only looks who comes.
struct Collector;

#[tonic::async_trait]
impl EventService for Collector {
    async fn push(&self, _: Request<EventEntry>) -> Result<Response<EventResponse>, Status> {
        Err(Status::unimplemented("this one takes batches"))
    }

    async fn push_batch(
        &self,
        request: Request<EventBatch>,
    ) -> Result<Response<BatchResponse>, Status> {
        let token = request.metadata().get("authorization");
        let token = token
            .and_then(|token| token.to_str().ok())
            .unwrap_or("no token");
        let certificates = request
            .peer_certs()
            .map_or(0, |certificates| certificates.len());
        println!("{token}, {certificates} certificate");
        if token == "Bearer token-1" {
            return Err(Status::unauthenticated("the token has expired"));
        }
        let accepted = request.into_inner().entries.len();
        Ok(Response::new(BatchResponse {
            accepted: u32::try_from(accepted).unwrap_or(u32::MAX),
            ..BatchResponse::default()
        }))
    }
}

/// Who signs the certificates of both sides.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate()?).map(Self)
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key, in PEM.
    fn sign(&self, name: &str) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &self.0)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

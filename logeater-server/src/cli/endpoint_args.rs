//! Where a command finds a collector, and how it connects.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use tonic::transport::{Channel, Endpoint};

/// Where the collector listens, and its TLS.
#[derive(Debug, clap::Args)]
pub(super) struct EndpointArgs {
    /// Where the collector listens; https:// where it has TLS
    #[arg(
        long,
        value_name = "URL",
        env = "LOGEATER_ENDPOINT",
        default_value = "http://127.0.0.1:50051",
        value_parser = endpoint
    )]
    endpoint: Endpoint,

    /// The authorities of the collector's certificate, in PEM form [default: those of the system]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// A certificate of our own, for a collector that asks for one, in PEM form
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Its private key, in PEM form
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl EndpointArgs {
    /// What may help where the collector is reached, and what it says is not understood.
    pub(super) fn hint(&self) -> String {
        let other = url(&self.endpoint);
        match other.strip_prefix("https://") {
            Some(host) => format!("has it no TLS? then write http://{host}"),
            None => format!(
                "does it have TLS? then write {}",
                other.replacen("http", "https", 1)
            ),
        }
    }

    pub(super) async fn connect(self) -> Result<Channel, Box<dyn Error>> {
        let is_https = self.endpoint.uri().scheme_str() == Some("https");
        if !is_https && (self.ca.is_some() || self.cert.is_some()) {
            let url = url(&self.endpoint);
            return Err(
                format!("certificates are for https:// alone, and the URL is {url}").into(),
            );
        }
        let hint = self.hint();
        let endpoint = if is_https { self.tls()? } else { self.endpoint };
        endpoint.connect().await.map_err(|error| {
            let (url, reason) = (url(&endpoint), super::with_sources(&error));
            let hint = if is_no_tls(&error) {
                format!("; {hint}")
            } else {
                String::new()
            };
            format!("cannot reach a collector at {url}: {reason}{hint}").into()
        })
    }

    #[cfg(feature = "tls")]
    fn tls(self) -> Result<Endpoint, Box<dyn Error>> {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};

        let mut config = match &self.ca {
            Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem(ca)?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            config = config.identity(Identity::from_pem(pem(cert)?, pem(key)?));
        }
        let endpoint = self.endpoint.tls_config(config);
        endpoint.map_err(|error| format!("no TLS: {}", super::with_sources(&error)).into())
    }

    #[cfg(not(feature = "tls"))]
    #[expect(
        clippy::unused_self,
        reason = "with the feature it has the certificates"
    )]
    fn tls(self) -> Result<Endpoint, Box<dyn Error>> {
        Err("cannot speak TLS: this logeater was built without its feature `tls`".into())
    }
}

/// Whether a handshake has failed because the other side speaks something else, or hangs up.
fn is_no_tls(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| match error.kind() {
            // Also what a certificate is refused with.
            ErrorKind::InvalidData => error.to_string().contains("corrupt message"),
            kind => matches!(
                kind,
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
            ),
        })
}

#[cfg(feature = "tls")]
fn pem(path: &std::path::Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Its URL as a person writes it.
fn url(endpoint: &Endpoint) -> String {
    let url = endpoint.uri().to_string();
    url.trim_end_matches('/').to_owned()
}

/// A URL of which only the scheme, the host and the port count.
fn endpoint(url: &str) -> Result<Endpoint, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_url = ["http", "https"].contains(&scheme) && rest.trim_end_matches('/') == host;
    let endpoint = Endpoint::from_shared(url.to_owned()).ok();
    let endpoint = endpoint.filter(|endpoint| is_url && endpoint.uri().host().is_some());
    endpoint.ok_or_else(|| {
        let scheme = if scheme == "https" { scheme } else { "http" };
        let host = if host.is_empty() || Endpoint::from_shared(format!("http://{host}")).is_err() {
            "HOST:PORT"
        } else {
            host
        };
        format!("no URL of a collector: write {scheme}://{host}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_work_is_refused_with_what_to_write() {
        for (url, write) in [
            ("localhost:50051", "http://localhost:50051"),
            ("localhost", "http://localhost"),
            ("grpc://localhost:1", "http://localhost:1"),
            ("https://localhost:1/events", "https://localhost:1"),
            ("http://", "http://HOST:PORT"),
            ("http://local host", "http://HOST:PORT"),
            ("", "http://HOST:PORT"),
        ] {
            let reason = endpoint(url).unwrap_err();
            assert_eq!(
                reason,
                format!("no URL of a collector: write {write}"),
                "{url}"
            );
        }
        for url in ["http://localhost:50051", "https://[::1]:1/"] {
            endpoint(url).unwrap();
        }
    }
}

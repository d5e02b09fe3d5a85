//! TLS: whom to trust, and who we are. It decides no protocol version and no cipher; rustls does.
//!
//! The provider is ring, chosen by the feature of tonic, or the one that the application has installed for its
//! process. rustls is never left to guess, which is what panics once a second provider is compiled in.

use std::error::Error;
use std::iter::successors;
use std::time::Duration;
use std::{fmt, io};

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::builder::{BuildError, ClientBuilder};
use crate::endpoint::is_https;
use crate::failure::root_cause;

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// What was set.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// Instead of the system's.
    roots: Vec<Vec<u8>>,
    identity: Option<Identity>,
    server_name: Option<String>,
}

impl ClientBuilder {
    /// Trusts the certificate authorities of this PEM text, instead of the system's.
    ///
    /// A further call adds to the first. Without it the system's roots count, or those that `SSL_CERT_FILE` or
    /// `SSL_CERT_DIR` name. They are read by the client's thread: if there are none, that is a warning, and the
    /// events are counted as lost when their [`retry_for`](Self::retry_for) is over.
    pub fn tls_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connect.tls.roots.push(pem.into());
        self
    }

    /// Shows the server this certificate, with its chain, and proves it with the key; both are PEM texts.
    pub fn tls_identity(
        mut self,
        certificates: impl AsRef<[u8]>,
        private_key: impl AsRef<[u8]>,
    ) -> Self {
        self.connect.tls.identity = Some(Identity::from_pem(certificates, private_key));
        self
    }

    /// Expects the server's certificate to be for this name; by default for the host of the endpoint.
    pub fn tls_server_name(mut self, name: impl Into<String>) -> Self {
        self.connect.tls.server_name = Some(name.into());
        self
    }
}

impl Tls {
    /// Whether it can work with this endpoint. Reads no file.
    pub(crate) fn check(&self, endpoint: &Endpoint) -> Result<(), BuildError> {
        let set = [
            ("tls_ca", !self.roots.is_empty()),
            ("tls_identity", self.identity.is_some()),
            ("tls_server_name", self.server_name.is_some()),
        ];
        let Some(first) = set.iter().find(|(_, is_set)| *is_set) else {
            return Ok(());
        };
        let wrong = |setting, reason| Err(BuildError::Setting { setting, reason });
        if !is_https(endpoint) {
            let reason = format!(
                "it is for https:// alone; the endpoint is {}",
                endpoint.uri()
            );
            return wrong(first.0, reason);
        }
        if self.roots.iter().any(|pem| !has_certificate(pem)) {
            return wrong("tls_ca", "it has no certificate in PEM form".to_owned());
        }
        // One after the other, so that the message names the one that is wrong.
        let mut config = ClientTlsConfig::new();
        config = self.with_name(config);
        check_config("tls_server_name", endpoint, &config)?;
        config = self.with_roots(config);
        check_config("tls_ca", endpoint, &config)?;
        check_config("tls_identity", endpoint, &self.with_identity(config))
    }

    /// The endpoint with TLS, if there are roots to trust.
    pub(crate) fn of(&self, endpoint: &Endpoint) -> Result<Endpoint, String> {
        let mut config = ClientTlsConfig::new().timeout(HANDSHAKE_MAX);
        config = self.with_identity(self.with_roots(self.with_name(config)));
        if self.roots.is_empty() {
            config = config.with_native_roots();
        }
        apply(endpoint, config).map_err(|reason| format!("no TLS: {reason}"))
    }

    fn with_name(&self, config: ClientTlsConfig) -> ClientTlsConfig {
        match &self.server_name {
            Some(name) => config.domain_name(name),
            None => config,
        }
    }

    fn with_roots(&self, config: ClientTlsConfig) -> ClientTlsConfig {
        config.ca_certificates(self.roots.iter().map(Certificate::from_pem))
    }

    fn with_identity(&self, config: ClientTlsConfig) -> ClientTlsConfig {
        match &self.identity {
            Some(identity) => config.identity(identity.clone()),
            None => config,
        }
    }
}

/// No certificate and no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("own_roots", &!self.roots.is_empty())
            .field("identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .finish()
    }
}

/// What to do about an error of the connection, if it is one of TLS that can be helped.
pub(crate) fn fix(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let tls =
        successors(Some(error), |&error| cause(error)).find_map(|error| error.downcast_ref())?;
    Some(match tls {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "give the authority that has signed the server's certificate: `tls_ca`",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "write an endpoint with a name that it is valid for, or give that name: `tls_server_name`"
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
        ) => "the server may want to know who we are: `tls_identity`",
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server speaks no TLS, so write http://"
        }
        _ => return None,
    })
}

/// What an error is made of.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    // What an I/O error was made of is not its source.
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn has_certificate(pem: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    pem.windows(BEGIN.len()).any(|text| text == BEGIN)
}

fn check_config(
    setting: &'static str,
    endpoint: &Endpoint,
    config: &ClientTlsConfig,
) -> Result<(), BuildError> {
    match apply(endpoint, config.clone()) {
        Ok(_) => Ok(()),
        Err(reason) => Err(BuildError::Setting { setting, reason }),
    }
}

fn apply(endpoint: &Endpoint, config: ClientTlsConfig) -> Result<Endpoint, String> {
    endpoint
        .clone()
        .tls_config(config)
        .map_err(|error| root_cause(&error).unwrap_or_else(|| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_helped_is_said_however_deep_it_lies() {
        for (error, fix_of) in [
            (
                rustls::Error::AlertReceived(AlertDescription::CertificateRequired),
                Some("the server may want to know who we are: `tls_identity`"),
            ),
            (
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType),
                Some("the server speaks no TLS, so write http://"),
            ),
            (rustls::Error::HandshakeNotComplete, None),
        ] {
            let mut status = tonic::Status::unavailable("no connection");
            status.set_source(std::sync::Arc::new(io::Error::other(error)));
            assert_eq!(fix(&status), fix_of);
        }
    }
}

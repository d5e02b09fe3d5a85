//! TLS: the collector's certificate, and whose clients it takes. It decides no protocol version and no cipher;
//! rustls does.
//!
//! The provider is ring, as the client's. rustls is never left to guess, which is what panics once a second provider
//! is compiled in.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

/// The collector's certificate and key, and the authority of its clients.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    asks_clients: bool,
}

/// Why there is no TLS, by the text that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificates.
    #[error("no certificate of a server in PEM form: {reason}")]
    Certificate {
        /// What is wrong.
        reason: String,
    },
    /// The private key.
    #[error("no private key in PEM form that belongs to the certificate: {reason}")]
    Key {
        /// What is wrong.
        reason: String,
    },
    /// The authorities of clients' certificates.
    #[error("no certificate of an authority in PEM form: {reason}")]
    ClientCa {
        /// What is wrong.
        reason: String,
    },
}

impl Tls {
    /// Shows clients this certificate, with its chain, and proves it with the key.
    ///
    /// With `client_ca`, only clients with a certificate of one of these authorities are served. All are PEM texts.
    ///
    /// # Errors
    ///
    /// When a text has nothing of its kind, or the key is not the certificate's.
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        client_ca: Option<&[u8]>,
    ) -> Result<Self, TlsError> {
        let chain = certificates(certificate).map_err(|reason| TlsError::Certificate { reason })?;
        let wrong_key = |reason: String| TlsError::Key { reason };
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| wrong_key(error.to_string()))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong_key(error.to_string()))?;
        let builder = match client_ca {
            Some(pem) => builder.with_client_cert_verifier(verifier(pem)?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InvalidCertificate(_) => TlsError::Certificate {
                    reason: error.to_string(),
                },
                error => wrong_key(error.to_string()),
            })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            asks_clients: client_ca.is_some(),
        })
    }

    /// What a connection's handshake is made with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Whether clients need certificates.
    #[cfg(feature = "cli")]
    pub(crate) fn asks_clients(&self) -> bool {
        self.asks_clients
    }
}

/// No certificate and no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("asks_clients", &self.asks_clients)
            .finish_non_exhaustive()
    }
}

fn verifier(pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let wrong = |reason: String| TlsError::ClientCa { reason };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).map_err(wrong)? {
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
        .build()
        .map_err(|error| wrong(error.to_string()))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    if all.is_empty() {
        return Err("there is none in it".to_owned());
    }
    Ok(all)
}

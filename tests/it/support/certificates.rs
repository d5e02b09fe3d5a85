//! Certificates of a test's own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

/// Somebody who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// The authority's own certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name or address.
    pub(crate) fn sign(&self, name: &str) -> Signed {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        Signed {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// A server with a certificate for this name.
    pub(crate) fn server(&self, name: &str) -> ServerTlsConfig {
        let Signed { certificate, key } = self.sign(name);
        ServerTlsConfig::new().identity(Identity::from_pem(certificate, key))
    }

    /// A server that takes only clients with a certificate of this authority.
    pub(crate) fn closed_server(&self, name: &str) -> ServerTlsConfig {
        self.server(name)
            .client_ca_root(Certificate::from_pem(self.pem()))
    }
}

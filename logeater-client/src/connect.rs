//! How the server is reached: its URL and what comes with it, checked when the client is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use crate::builder::BuildError;
use crate::endpoint;
use crate::head::{Head, HeadSettings};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How often an idle connection is probed, and how long an answer may take before it counts as broken.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// What was set, as it was set.
#[derive(Clone)]
pub(crate) struct Connect {
    url: String,
    pub(crate) head: HeadSettings,
    pub(crate) compression: Option<CompressionEncoding>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Tls,
}

impl Connect {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            head: HeadSettings::default(),
            compression: None,
            #[cfg(feature = "tls")]
            tls: Tls::default(),
        }
    }

    /// The server, if everything that was set can work.
    pub(crate) fn server(&self) -> Result<Server, BuildError> {
        let endpoint = endpoint::parse(&self.url, cfg!(feature = "tls"))?
            .connect_timeout(KEEPALIVE)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE);
        #[cfg(feature = "tls")]
        self.tls.check(&endpoint)?;
        Ok(Server {
            endpoint,
            head: Arc::new(self.head.head()?),
            compression: self.compression,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        })
    }
}

/// It shows that secrets are set, and never what they are.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut connect = f.debug_struct("Connect");
        connect.field("url", &endpoint::without_password(&self.url));
        connect.field("head", &self.head);
        connect.field("compression", &self.compression);
        #[cfg(feature = "tls")]
        connect.field("tls", &self.tls);
        connect.finish()
    }
}

/// A server that can be connected to, as far as can be known before.
#[derive(Debug)]
pub(crate) struct Server {
    endpoint: Endpoint,
    pub(crate) head: Arc<Head>,
    pub(crate) compression: Option<CompressionEncoding>,
    #[cfg(feature = "tls")]
    tls: Tls,
}

impl Server {
    /// Host and port.
    pub(crate) fn name(&self) -> String {
        endpoint::name(&self.endpoint)
    }

    /// Connects when the first request is made; must be called within a runtime. The system's roots are read here,
    /// on the client's own thread.
    #[cfg_attr(
        not(feature = "tls"),
        expect(
            clippy::unnecessary_wraps,
            reason = "with TLS the roots may be missing"
        )
    )]
    pub(crate) fn channel(&self) -> Result<Channel, String> {
        #[cfg(feature = "tls")]
        if endpoint::is_https(&self.endpoint) {
            return Ok(self.tls.of(&self.endpoint)?.connect_lazy());
        }
        Ok(self.endpoint.connect_lazy())
    }
}

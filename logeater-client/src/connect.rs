//! How the servers are reached: their URLs and what comes with them, checked when the client is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use crate::builder::{BuildError, ClientBuilder};
use crate::endpoint;
use crate::head::{Head, HeadSettings};
use crate::shared::FAR;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// The part of the time between two probes that the answer to one may take.
const PROBE_ANSWERED_WITHIN: u32 = 3;

/// What was set, as it was set.
#[derive(Clone)]
pub(crate) struct Connect {
    /// At least one.
    urls: Vec<String>,
    pub(crate) head: HeadSettings,
    pub(crate) compression: Option<CompressionEncoding>,
    made_within: Duration,
    keepalive: Duration,
    keepalive_while_idle: bool,
    #[cfg(feature = "tls")]
    pub(crate) tls: Tls,
}

impl ClientBuilder {
    /// Adds a server: batches are balanced over all of them.
    ///
    /// The next batch goes to the server with the fewest on their way, at most four, and to each in turn if there are
    /// several such. One that fails keeps its own pauses, and its batches go to another at once. Everything that is
    /// set here is for all servers alike.
    ///
    /// Batches that are on their way together may be stored in any order, and with several servers those before and
    /// after a failure as well: what needs an order has it from its timestamps.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.connect.urls.push(url.into());
        self
    }

    /// Sets how long a TCP connection may take to be made; 5 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect.made_within = timeout;
        self
    }

    /// Sets after how much silence a connection is probed while a request is on its way; 30 seconds by default.
    ///
    /// A probe is an HTTP/2 ping. One that is not answered within a third of that time breaks the connection, and
    /// its requests are made again on another: without it a server that is gone behind a firewall that drops
    /// everything would look like a slow one.
    pub fn keepalive(mut self, interval: Duration) -> Self {
        self.connect.keepalive = interval;
        self
    }

    /// Probes a connection without a request on its way as well; off by default.
    ///
    /// It keeps what is between from forgetting the connection. Some servers end connections for such pings: those in
    /// Go, for more than one in five minutes.
    pub fn keepalive_while_idle(mut self, idle: bool) -> Self {
        self.connect.keepalive_while_idle = idle;
        self
    }
}

impl Connect {
    pub(crate) fn new(url: String) -> Self {
        Self {
            urls: vec![url],
            head: HeadSettings::default(),
            compression: None,
            made_within: Duration::from_secs(5),
            keepalive: Duration::from_secs(30),
            keepalive_while_idle: false,
            #[cfg(feature = "tls")]
            tls: Tls::default(),
        }
    }

    /// The servers, if everything that was set can work.
    pub(crate) fn servers(&self) -> Result<Vec<Server>, BuildError> {
        self.check_times()?;
        let head = Arc::new(self.head.head()?);
        let server = |url: &String| self.server(url, Arc::clone(&head));
        self.urls.iter().map(server).collect()
    }

    fn server(&self, url: &str, head: Arc<Head>) -> Result<Server, BuildError> {
        let endpoint = endpoint::parse(url, cfg!(feature = "tls"))?
            .connect_timeout(self.made_within.min(FAR))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(self.keepalive.min(FAR))
            .keep_alive_timeout(self.keepalive.min(FAR) / PROBE_ANSWERED_WITHIN)
            .keep_alive_while_idle(self.keepalive_while_idle);
        #[cfg(feature = "tls")]
        self.tls.check(&endpoint)?;
        Ok(Server {
            endpoint,
            head,
            compression: self.compression,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        })
    }

    fn check_times(&self) -> Result<(), BuildError> {
        let times = [
            ("connect_timeout", self.made_within),
            ("keepalive", self.keepalive),
        ];
        let Some((setting, _)) = times.into_iter().find(|(_, time)| time.is_zero()) else {
            return Ok(());
        };
        let reason = "it is no time at all; Duration::MAX is as good as never".to_owned();
        Err(BuildError::Setting { setting, reason })
    }
}

/// It shows that secrets are set, and never what they are.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut connect = f.debug_struct("Connect");
        let urls = self.urls.iter().map(|url| endpoint::without_password(url));
        connect.field("urls", &urls.collect::<Vec<_>>());
        connect.field("head", &self.head);
        connect.field("compression", &self.compression);
        connect.field("connect_timeout", &self.made_within);
        connect.field("keepalive", &self.keepalive);
        connect.field("keepalive_while_idle", &self.keepalive_while_idle);
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

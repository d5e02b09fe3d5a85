//! Makes a client: what can be set, the defaults, and what is wrong with a setting.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use logeater_proto::{ENTRY_BYTES_MAX, REQUEST_BYTES_MAX};
use tonic::transport::Endpoint;

use crate::client::{Client, Shared};
use crate::encode::Encoder;
use crate::event_id::EventIds;
use crate::queue::{Limits, Queue};
use crate::timestamp::TimestampUnit;
use crate::worker::{self, Delivery};

/// How often an idle connection is probed, and how long an answer may take before it counts as broken.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The least that a buffer must hold: an entry of the largest size, and room beside it.
const BUFFER_BYTES_MIN: usize = 2 * ENTRY_BYTES_MAX;

/// Sets up a [`Client`]; made by [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    endpoint: String,
    service: String,
    unit: TimestampUnit,
    limits: Limits,
    timeout: Duration,
    retry_for: Duration,
    drop_timeout: Duration,
}

impl ClientBuilder {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            service: String::new(),
            unit: TimestampUnit::default(),
            limits: Limits {
                batch_bytes: 512 << 10,
                batch_events: 10_000,
                linger: Duration::from_millis(100),
                buffer_bytes: 8 << 20,
            },
            timeout: Duration::from_secs(10),
            retry_for: Duration::from_mins(5),
            drop_timeout: Duration::from_secs(2),
        }
    }

    /// Names the service that sends, the same for all events. It must be set.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Sets the unit of the timestamps; milliseconds by default.
    pub fn timestamp_unit(mut self, unit: TimestampUnit) -> Self {
        self.unit = unit;
        self
    }

    /// Sets how long the first event of a batch waits for company; 100 ms by default.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.limits.linger = linger;
        self
    }

    /// Sets how many bytes of events make a batch; 512 KiB by default, at most 4 MiB. A larger event goes
    /// alone.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes;
        self
    }

    /// Sets how many events make a batch; 10,000 by default.
    pub fn batch_events(mut self, events: u32) -> Self {
        self.limits.batch_events = events;
        self
    }

    /// Sets how many bytes of events may wait or be on their way, a hard ceiling; 8 MiB by default, at
    /// least one event of the largest size. What does not fit is dropped and counted.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.limits.buffer_bytes = bytes;
        self
    }

    /// Sets how long a request may take; 10 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a batch is tried, from its first request on; 5 minutes by default.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = time;
        self
    }

    /// Sets how long the drop of the last handle may take to deliver what is left; 2 seconds by default.
    pub fn drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// Makes the client and starts its thread. It connects when there is something to send, so a server
    /// that is not there yet is no error.
    ///
    /// # Errors
    ///
    /// When a setting cannot work, or the system gives no thread; the message names the value and the fix.
    pub fn build(self) -> Result<Client, BuildError> {
        self.check()?;
        let mut instance = [0; 6];
        getrandom::fill(&mut instance).map_err(|error| BuildError::System(error.to_string()))?;
        let shared = Arc::new(Shared::new(
            Encoder {
                service: self.service,
                unit: self.unit,
            },
            Queue::new(self.limits, EventIds::new(instance)),
        ));
        let delivery = Delivery {
            endpoint: parse_endpoint(&self.endpoint)?,
            timeout: self.timeout,
            retry_for: self.retry_for,
        };
        worker::start(Arc::clone(&shared), delivery)
            .map_err(|error| BuildError::System(error.to_string()))?;
        Ok(Client::sending(shared, self.drop_timeout))
    }

    fn check(&self) -> Result<(), BuildError> {
        let wrong =
            |setting: &'static str, reason: String| Err(BuildError::Setting { setting, reason });
        if self.service.is_empty() {
            return wrong(
                "service",
                "it is not set; name the program that sends: .service(\"checkout\")".to_owned(),
            );
        }
        // The service is in every entry, and one entry must always fit.
        if self.service.len() > SERVICE_BYTES_MAX {
            return wrong(
                "service",
                format!(
                    "it has {} bytes; at most {SERVICE_BYTES_MAX}",
                    self.service.len()
                ),
            );
        }
        let Limits {
            batch_bytes,
            batch_events,
            buffer_bytes,
            ..
        } = self.limits;
        if batch_bytes == 0 || batch_bytes > REQUEST_BYTES_MAX {
            return wrong(
                "batch_bytes",
                format!("{batch_bytes} is not between 1 and {REQUEST_BYTES_MAX}"),
            );
        }
        if batch_events == 0 {
            return wrong(
                "batch_events",
                "0 is too few; 1 sends every event by itself".to_owned(),
            );
        }
        if buffer_bytes < BUFFER_BYTES_MIN {
            return wrong(
                "buffer_bytes",
                format!("{buffer_bytes} holds no large event; at least {BUFFER_BYTES_MIN}"),
            );
        }
        if self.timeout.is_zero() {
            return wrong(
                "timeout",
                "no request can be answered in no time".to_owned(),
            );
        }
        Ok(())
    }
}

/// The longest name of a service.
const SERVICE_BYTES_MAX: usize = 255;

fn parse_endpoint(url: &str) -> Result<Endpoint, BuildError> {
    let wrong = |reason: &str| BuildError::Endpoint {
        url: url.to_owned(),
        reason: reason.to_owned(),
    };
    match url.split_once("://") {
        Some(("http", host)) if !host.is_empty() => {}
        Some(("https", _)) => {
            return Err(wrong("this version speaks to servers over http:// only"));
        }
        Some((scheme, _)) => {
            return Err(wrong(&format!(
                "`{scheme}` is no scheme of gRPC; write http://"
            )));
        }
        None => return Err(wrong(&format!("it has no scheme; write http://{url}"))),
    }
    let endpoint =
        Endpoint::from_shared(url.to_owned()).map_err(|error| wrong(&error.to_string()))?;
    Ok(endpoint
        .connect_timeout(KEEPALIVE)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE))
}

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The endpoint is no URL of a server.
    Endpoint {
        /// What was given.
        url: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// A setting cannot work.
    Setting {
        /// The builder's method.
        setting: &'static str,
        /// What is wrong with the value, and what to set instead.
        reason: String,
    },
    /// The system gives no thread or no random bits.
    System(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { url, reason } => write!(f, "endpoint `{url}`: {reason}"),
            Self::Setting { setting, reason } => write!(f, "`{setting}`: {reason}"),
            Self::System(reason) => write!(f, "the client's thread cannot be started: {reason}"),
        }
    }
}

impl Error for BuildError {}

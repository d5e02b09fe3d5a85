//! All that the program is told: the file, and over it the environment and the flags.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use logeater_schema::Catalog;

use super::{Config, file};

/// Where the program listens for gRPC unless it is told otherwise.
const GRPC: &str = "127.0.0.1:50051";

/// All that the program is told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) listen: Listen,
    pub(crate) sinks: Vec<SinkText>,
}

/// What the file says of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SinkText {
    pub(crate) name: String,
    /// Whether it writes to the standard output.
    pub(crate) prints: bool,
    pub(crate) keys: String,
}

/// Where the program listens, as far as it is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listen {
    pub(crate) grpc: Option<String>,
    pub(crate) http: Option<String>,
}

/// Flags and variables, which stand over the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Where to listen for gRPC; port 0 takes a free one [default: 127.0.0.1:50051]
    #[arg(long, value_name = "HOST:PORT", env = "LOGEATER_LISTEN", value_parser = address)]
    pub(crate) listen: Option<String>,

    /// Where to listen for /metrics, /healthz and /readyz; without it, nowhere
    #[arg(long, value_name = "HOST:PORT", env = "LOGEATER_LISTEN_HTTP", value_parser = address)]
    pub(crate) listen_http: Option<String>,

    /// The folder of the store, made if it is missing
    #[arg(
        long,
        value_name = "DIR",
        env = "LOGEATER_DATA",
        required_unless_present = "config"
    )]
    pub(crate) data: Option<PathBuf>,

    /// The folder of schemas that `assert_catalog_current!` keeps; without it, all details stay in `events`
    #[arg(long, value_name = "PATH", env = "LOGEATER_CATALOG")]
    pub(crate) catalog: Option<PathBuf>,
}

impl Settings {
    /// Reads the file, if there is one, and all that it and the flags name.
    ///
    /// # Errors
    ///
    /// All mistakes of the file, a line each; or why it, or the catalog of the flags, cannot be read.
    pub(crate) fn load(path: Option<&Path>, flags: &Overrides) -> Result<Self, Box<dyn Error>> {
        let mut settings = match path {
            Some(path) => file::parse(path, &text(path)?, flags)?,
            None => Self {
                config: Config::new(flags.data.clone().unwrap_or_default()),
                listen: Listen::default(),
                sinks: Vec::new(),
            },
        };
        if let Some(catalog) = &flags.catalog {
            settings.config = settings.config.catalog(Catalog::read(catalog)?);
        }
        settings.listen.over(flags);
        settings.listen.check()?;
        Ok(settings)
    }

    /// The keys that are others in `next`, and that a collector takes over only when it starts.
    pub(crate) fn fixed_changes(&self, next: &Self) -> Vec<String> {
        let (old, new) = (&self.config, &next.config);
        let changes = [
            ("data", old.data != new.data),
            ("grpc", self.listen.grpc != next.listen.grpc),
            ("http", self.listen.http != next.listen.http),
            ("queue_bytes", old.queue_bytes != new.queue_bytes),
            ("queue_requests", old.queue_requests != new.queue_requests),
            ("request_bytes", old.request_bytes != new.request_bytes),
            (
                "request_timeout",
                old.request_timeout != new.request_timeout,
            ),
            ("streams", old.streams != new.streams),
            ("drain_timeout", old.drain_timeout != new.drain_timeout),
            ("retention", old.retention != new.retention),
        ];
        let others = changes.into_iter().filter(|(_, is_other)| *is_other);
        let mut keys: Vec<_> = others.map(|(key, _)| key.to_owned()).collect();
        let other_sinks = self.sinks.iter().filter(|sink| !next.sinks.contains(sink));
        let new_sinks = next.sinks.iter().filter(|sink| !self.sinks.contains(sink));
        let sinks: BTreeSet<_> = other_sinks
            .chain(new_sinks)
            .map(|sink| &sink.name)
            .collect();
        keys.extend(sinks.into_iter().map(|name| format!("sinks.{name}")));
        keys
    }

    /// Whether the standard output is for events.
    pub(crate) fn prints_events(&self) -> bool {
        self.sinks.iter().any(|sink| sink.prints)
    }
}

impl Listen {
    /// The address for gRPC.
    pub(crate) fn grpc(&self) -> &str {
        self.grpc.as_deref().unwrap_or(GRPC)
    }

    /// Two cannot listen at one place, but for those that take any port.
    fn check(&self) -> Result<(), String> {
        let grpc = self.grpc();
        if self.http.as_deref() == Some(grpc) && !grpc.ends_with(":0") {
            return Err(format!(
                "gRPC and the pages cannot both listen on {grpc}: give one of them another port"
            ));
        }
        Ok(())
    }

    fn over(&mut self, flags: &Overrides) {
        let places = [
            (&mut self.grpc, &flags.listen),
            (&mut self.http, &flags.listen_http),
        ];
        for (place, flag) in places {
            if flag.is_some() {
                place.clone_from(flag);
            }
        }
    }
}

/// Whether it is a host, or an address of one, with a port.
pub(super) fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let is_host = text.parse::<SocketAddr>().is_ok() || !host.is_empty() && !host.contains(':');
        is_host && port.parse::<u16>().is_ok()
    })
}

fn address(text: &str) -> Result<String, &'static str> {
    if is_address(text) {
        Ok(text.to_owned())
    } else {
        Err("no address with a port: write 127.0.0.1:50051 or [::]:50051")
    }
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path)
        .map_err(|error| format!("cannot read the configuration {}: {error}", path.display()))
}

//! What `serve` has loaded, for a person at a terminal.

use std::fmt;

use bytesize::ByteSize;
use logeater_schema::EVENTS_TABLE;

use crate::config::Settings;
use crate::{Config, Retention};

/// What was loaded, a line each.
#[derive(Debug)]
pub(super) struct Loaded(Vec<(&'static str, String)>);

impl Loaded {
    pub(super) fn new(settings: &Settings, address: &str) -> Self {
        let config = &settings.config;
        Self(vec![
            ("grpc", format!("{address}, {}", encryption(config))),
            ("catalog", catalog(config)),
            ("tokens", tokens(config)),
            ("retention", retention(&config.retention)),
        ])
    }

    /// The pages are there too.
    #[cfg(feature = "web")]
    pub(super) fn http(&mut self, address: &str) {
        let text = format!("http://{address}/metrics, /healthz, /readyz");
        self.0.insert(1, ("http", text));
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(what, text)| writeln!(f, "  {what:<10} {text}"))
    }
}

#[cfg(feature = "tls")]
fn encryption(config: &Config) -> &'static str {
    match &config.tls {
        Some(tls) if tls.asks_clients() => "TLS with certificates of clients",
        Some(_) => "TLS",
        None => "no TLS",
    }
}

#[cfg(not(feature = "tls"))]
fn encryption(_: &Config) -> &'static str {
    "no TLS"
}

fn catalog(config: &Config) -> String {
    let tables = || {
        config
            .catalog
            .tables()
            .filter(|table| table.name != EVENTS_TABLE)
    };
    let types: usize = tables().map(|table| table.events.len()).sum();
    match tables().count() {
        0 => "none: all details stay in the table events".to_owned(),
        count => format!("{count} tables, {types} event types"),
    }
}

fn tokens(config: &Config) -> String {
    if config.tokens.is_empty() {
        return "none: everyone may send".to_owned();
    }
    let names: Vec<_> = config.tokens.iter().map(crate::Token::name).collect();
    names.join(", ")
}

fn retention(retention: &Retention) -> String {
    let age = retention
        .age
        .map(|age| humantime::format_duration(age).to_string());
    let size = retention.size.map(|size| ByteSize(size).to_string());
    let limits: Vec<_> = [age, size].into_iter().flatten().collect();
    if limits.is_empty() {
        return "none: everything is kept".to_owned();
    }
    limits.join(", ")
}

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
    pub(super) fn new(settings: &Settings, grpc: &str, http: Option<&str>) -> Self {
        let config = &settings.config;
        Self(vec![
            ("grpc", format!("{grpc}, {}", encryption(config))),
            ("http", http.map_or("off".to_owned(), pages)),
            ("catalog", catalog(config)),
            ("sinks", names(&config.sink_names(), "none")),
            (
                "tokens",
                names(&token_names(config), "none: everyone may send"),
            ),
            ("retention", retention(&config.retention)),
        ])
    }
}

/// Where the pages are.
pub(super) fn pages(address: &str) -> String {
    format!("http://{address}/metrics, /healthz, /readyz")
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

fn token_names(config: &Config) -> Vec<String> {
    let names = config.tokens.iter().map(crate::Token::name);
    names.map(ToOwned::to_owned).collect()
}

fn names(names: &[String], none: &str) -> String {
    match names {
        [] => none.to_owned(),
        names => names.join(", "),
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Listen;

    #[test]
    fn a_person_sees_what_was_loaded_and_no_secret() {
        let config = Config::new("data")
            .token(crate::Token::new("checkout", "secret"))
            .token(crate::Token::new("search", "secret"))
            .retention(
                Retention::default()
                    .age(Duration::from_hours(48))
                    .size(1 << 30),
            );
        let settings = Settings {
            config,
            listen: Listen::default(),
            sinks: Vec::new(),
        };
        let loaded = Loaded::new(&settings, "127.0.0.1:1", Some("127.0.0.1:2"));
        let expected = [
            "  grpc       127.0.0.1:1, no TLS",
            "  http       http://127.0.0.1:2/metrics, /healthz, /readyz",
            "  catalog    none: all details stay in the table events",
            "  sinks      none",
            "  tokens     checkout, search",
            "  retention  2days, 1.0 GiB",
            "",
        ];
        assert_eq!(loaded.to_string(), expected.join("\n"));
    }
}

//! The configuration file, in TOML: each of its keys once, and what becomes of it.

mod document;
mod rules;
mod section;
mod sinks;

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use logeater_proto::{REQUEST_BYTES_MAX, REQUEST_ENTRIES_MAX};
use logeater_schema::Catalog;

pub(crate) use document::{Document, Problems};
pub(crate) use section::Section;

use super::settings::is_address;
use super::{Config, Listen, Overrides, Settings};
use crate::access::Token;

/// A rate of events that a limit may have.
const RATES: RangeInclusive<u32> = 1..=u32::MAX;

/// What the file at `path` with this text says, where `flags` do not say otherwise.
pub(super) fn parse(path: &Path, text: &str, flags: &Overrides) -> Result<Settings, Problems> {
    Document::read(path, text, |root| settings(root, flags))
}

fn settings(root: &mut Section<'_>, flags: &Overrides) -> Settings {
    // Asked for in any case, so that it is known and its type is checked.
    let data = match &flags.data {
        Some(data) => root.path("data").map_or(data.clone(), |_| data.clone()),
        None => root.required("data", Section::path).unwrap_or_default(),
    };
    let mut config = Config::new(data);
    if let Some(catalog) = catalog(root, flags) {
        config = config.catalog(catalog);
    }
    let listen = root.section("listen", listen).unwrap_or_default();
    root.section("limits", |limits| bounds(limits, &mut config));
    root.section("retention", |retention| keep(retention, &mut config));
    root.section("tls", |tls| encrypt(tls, &mut config));
    root.sections("tokens", |section| {
        if let Some(token) = token(section, &config.tokens) {
            config.tokens.push(token);
        }
    });
    let sinks;
    (config.sinks, sinks) = sinks::read(root).into_iter().unzip();
    config.rules = Arc::new(rules::read(root, &config.sink_names()));
    Settings {
        config,
        listen,
        sinks,
    }
}

fn catalog(root: &mut Section<'_>, flags: &Overrides) -> Option<Catalog> {
    let path = root.path("catalog")?;
    if flags.catalog.is_some() {
        return None;
    }
    Catalog::read(path)
        .map_err(|error| root.problem("catalog", error))
        .ok()
}

fn listen(section: &mut Section<'_>) -> Listen {
    Listen {
        grpc: address(section, "grpc"),
        http: address(section, "http"),
    }
}

fn address(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let what = "an address with a port";
    section.parsed(key, what, r#""127.0.0.1:50051" or "[::]:50051""#, |text| {
        is_address(text).then(|| text.to_owned())
    })
}

fn bounds(section: &mut Section<'_>, config: &mut Config) {
    let at_most = REQUEST_BYTES_MAX as u64;
    set(
        &mut config.queue_bytes,
        section
            .size("queue_bytes", at_most..=u64::from(u32::MAX))
            .and_then(|bytes| bytes.try_into().ok()),
    );
    set(
        &mut config.queue_requests,
        section
            .integer("queue_requests", 1..=1_000_000_u32)
            .and_then(|requests| requests.try_into().ok()),
    );
    set(
        &mut config.request_bytes,
        section
            .size("request_bytes", 1..=at_most)
            .and_then(|bytes| bytes.try_into().ok()),
    );
    set(
        &mut config.request_entries,
        section.integer("request_entries", 1..=REQUEST_ENTRIES_MAX),
    );
    set(
        &mut config.request_timeout,
        section.duration("request_timeout"),
    );
    set(
        &mut config.connections,
        section
            .integer("connections", 1..=1_000_000_u32)
            .and_then(|connections| connections.try_into().ok()),
    );
    set(&mut config.streams, section.integer("streams", 1..=100_000));
    config.events_per_second = rate(section);
    set(&mut config.drain_timeout, section.duration("drain_timeout"));
}

fn rate(section: &mut Section<'_>) -> Option<NonZeroU32> {
    section
        .integer("events_per_second", RATES)
        .and_then(NonZeroU32::new)
}

fn keep(section: &mut Section<'_>, config: &mut Config) {
    config.retention.age = section.duration("age");
    config.retention.size = section.size("size", 1 << 20..=u64::MAX);
    set(
        &mut config.retention.ballast,
        section.size("ballast", 0..=u64::MAX),
    );
}

/// A token, which has neither the name nor the text of another.
fn token(section: &mut Section<'_>, others: &[Token]) -> Option<Token> {
    let name = section.required("name", Section::text);
    let digits = section.required("sha256", Section::text);
    let rate = rate(section);
    if let Some(name) = name.filter(|name| others.iter().any(|other| other.name() == *name)) {
        let message = format!("another token has the name `{name}`: give each one of its own");
        section.problem("name", message);
    }
    let Some(token) = Token::from_sha256(name.unwrap_or_default(), digits?) else {
        // What stands there may be the token itself, which is not for logs.
        let message = "it is not the SHA-256 of a token: write the 64 hex digits that `logeater token` prints";
        section.problem("sha256", message);
        return None;
    };
    let sha256 = token.sha256();
    if let Some(other) = others.iter().find(|other| other.sha256() == sha256) {
        let name = other.name();
        let message =
            format!("the token `{name}` has it too: make one for each with `logeater token`");
        section.problem("sha256", message);
    }
    Some(match rate {
        Some(events) => token.events_per_second(events),
        None => token,
    })
}

#[cfg(feature = "tls")]
fn encrypt(section: &mut Section<'_>, config: &mut Config) {
    use crate::access::{Tls, TlsError};

    let certificate = section.required("certificate", pem);
    let key = section.required("key", pem);
    let asks_clients = section.has("client_ca");
    let client_ca = pem(section, "client_ca");
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return;
    };
    // A file that is wrong must not leave a server that asks for nothing.
    if asks_clients && client_ca.is_none() {
        return;
    }
    match Tls::from_pem(&certificate, &key, client_ca.as_deref()) {
        Ok(tls) => config.tls = Some(tls),
        Err(error) => {
            let place = match error {
                TlsError::Certificate { .. } => "certificate",
                TlsError::Key { .. } => "key",
                TlsError::ClientCa { .. } => "client_ca",
            };
            section.problem(place, error);
        }
    }
}

/// The bytes of a file that the section names.
#[cfg(feature = "tls")]
fn pem(section: &mut Section<'_>, key: &'static str) -> Option<Vec<u8>> {
    let path = section.path(key)?;
    std::fs::read(&path)
        .map_err(|error| section.problem(key, format!("cannot read {}: {error}", path.display())))
        .ok()
}

#[cfg(not(feature = "tls"))]
fn encrypt(section: &mut Section<'_>, _: &mut Config) {
    for key in ["certificate", "key", "client_ca"] {
        if section.path(key).is_some() {
            section.problem(key, "this logeater was built without its feature `tls`");
        }
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

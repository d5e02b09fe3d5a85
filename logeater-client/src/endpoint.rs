//! Reads the URL of a server, and says what to write instead of one that cannot work. It connects to nothing.

use tonic::transport::Endpoint;

use crate::builder::{BuildError, needs_feature};

/// What makes an endpoint of a URL; `tls` is whether `https://` can be spoken.
pub(crate) fn parse(url: &str, tls: bool) -> Result<Endpoint, BuildError> {
    check_scheme(url, tls)
        .and_then(|()| endpoint(url))
        .map_err(|reason| BuildError::Endpoint {
            url: without_password(url),
            reason,
        })
}

/// The URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((before_host, host)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    match before_host.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…@{host}"),
        None => format!("…@{host}"),
    }
}

/// Host and port.
pub(crate) fn name(endpoint: &Endpoint) -> String {
    let uri = endpoint.uri();
    let port = uri
        .port_u16()
        .map_or(String::new(), |port| format!(":{port}"));
    format!("{}{port}", uri.host().unwrap_or_default())
}

#[cfg(feature = "tls")]
pub(crate) fn is_https(endpoint: &Endpoint) -> bool {
    endpoint.uri().scheme_str() == Some("https")
}

fn check_scheme(url: &str, tls: bool) -> Result<(), String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        let host = if url.contains('@') { "" } else { host_of(url) };
        return Err(format!("it has no scheme; write {}", example("http", host)));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(()),
        "https" if tls => Ok(()),
        "https" => Err(needs_feature("https://", "tls")),
        _ => Err(format!(
            "`{scheme}` is no scheme of gRPC; write {}",
            example("http", host_of(rest))
        )),
    }
}

fn endpoint(url: &str) -> Result<Endpoint, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|_| format!("it is no URL; write {}", example(scheme, "")))?;
    let uri = endpoint.uri();
    if uri.host().is_none_or(str::is_empty) {
        return Err(format!("it has no host; write {}", example(scheme, "")));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host != authority {
        return Err(format!(
            "only host and port count; write {} and give credentials as a token",
            example(scheme, host)
        ));
    }
    if rest.trim_end_matches('/') != authority {
        return Err(format!(
            "only host and port count; write {}",
            example(scheme, host)
        ));
    }
    // What follows the brackets of an IPv6 address, or a name.
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    if after_host.contains(':') && uri.port_u16().is_none() {
        return Err("its port is no number up to 65535".to_owned());
    }
    Ok(endpoint)
}

fn host_of(rest: &str) -> &str {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &rest[..end];
    host.rsplit('@').next().unwrap_or(host)
}

fn example(scheme: &str, host: &str) -> String {
    let host = if host.is_empty() { "HOST:PORT" } else { host };
    format!("{}://{host}", scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_cannot_work_is_refused_with_what_to_write() {
        for (url, reason) in [
            ("", "it has no scheme; write http://HOST:PORT"),
            (
                "localhost:50051",
                "it has no scheme; write http://localhost:50051",
            ),
            (
                "grpc://localhost:1/a",
                "`grpc` is no scheme of gRPC; write http://localhost:1",
            ),
            ("http://", "it is no URL; write http://HOST:PORT"),
            ("http://:50051", "it has no host; write http://HOST:PORT"),
            (
                "http://localhost:99999",
                "its port is no number up to 65535",
            ),
            (
                "http://localhost:50051/path",
                "only host and port count; write http://localhost:50051",
            ),
            (
                "https://localhost?a=b",
                "only host and port count; write https://localhost",
            ),
            ("http://local host", "it is no URL; write http://HOST:PORT"),
        ] {
            let refusal = parse(url, true).unwrap_err().to_string();
            assert_eq!(refusal, format!("endpoint `{url}`: {reason}"));
        }
    }

    #[test]
    fn an_endpoint_that_can_work_is_taken() {
        for url in [
            "http://localhost:50051",
            "HTTP://127.0.0.1:1/",
            "http://[::1]:50051",
            "http://collector",
            "https://collector",
        ] {
            assert!(parse(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn https_without_the_feature_is_refused_with_its_name() {
        let refusal = parse("https://localhost:1", false).unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("needs the feature `tls` of logeater-client"),
            "{refusal}"
        );
    }

    #[test]
    fn a_password_is_not_repeated() {
        for url in [
            "http://user:secret@localhost:1",
            "user:secret@localhost:1",
            "ftp://user:secret@localhost",
            "http://user:secret@localhost:99999",
            "http://user:secret@local host",
        ] {
            let refusal = parse(url, true).unwrap_err().to_string();
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}

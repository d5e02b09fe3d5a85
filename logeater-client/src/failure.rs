//! What a failed request says: the reason in words, whether the token was refused, and how long to leave the server
//! alone. No clock.

use std::error::Error;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

/// The longest pause that a server can ask for.
const PUSHBACK_MAX: Duration = Duration::from_mins(1);

/// Why a request must be made again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// Whether the server does not believe who we are.
    pub(crate) unauthenticated: bool,
    /// What the server asks for, at most [`PUSHBACK_MAX`].
    pub(crate) pushback: Duration,
}

impl Failure {
    /// A failure that says no more than this.
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Two failures of one time, as one.
    pub(crate) fn and(self, earlier: Option<Self>) -> Self {
        let Some(earlier) = earlier else { return self };
        Self {
            unauthenticated: self.unauthenticated || earlier.unauthenticated,
            pushback: self.pushback.max(earlier.pushback),
            ..self
        }
    }
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        Self {
            reason: describe(status),
            unauthenticated: status.code() == Code::Unauthenticated,
            pushback: pushback(status),
        }
    }
}

/// The code, what the server said, and of what the transport said the cause, which tells most.
pub(crate) fn describe(status: &Status) -> String {
    let mut text = format!("{:?}: {}", status.code(), status.message());
    // Some say their cause themselves.
    if let Some(cause) = root_cause(status).filter(|cause| !text.ends_with(cause)) {
        text.push_str(": ");
        text.push_str(&cause);
    }
    #[cfg(feature = "tls")]
    if let Some(fix) = crate::tls::fix(status) {
        text.push_str("; ");
        text.push_str(fix);
    }
    text
}

pub(crate) fn root_cause(error: &dyn Error) -> Option<String> {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.last().map(ToString::to_string)
}

/// The longer of the two pauses that a server can ask for: `grpc-retry-pushback-ms`
/// (<https://github.com/grpc/proposal/blob/master/A6-client-retries.md>) and `google.rpc.RetryInfo`.
fn pushback(status: &Status) -> Duration {
    let millis = status.metadata().get("grpc-retry-pushback-ms").map(|text| {
        // A negative number, or none at all, means not to try again: as late as can be, here.
        let millis = text.to_str().ok().and_then(|text| text.parse().ok());
        millis.map_or(PUSHBACK_MAX, Duration::from_millis)
    });
    let asked = millis.max(retry_delay(status.details()));
    asked.unwrap_or_default().min(PUSHBACK_MAX)
}

fn retry_delay(details: &[u8]) -> Option<Duration> {
    let details = rpc::Status::decode(details).ok()?.details;
    let retry_info = details
        .iter()
        .find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = rpc::RetryInfo::decode(&*retry_info.value)
        .ok()?
        .retry_delay?;
    let Ok(seconds) = u64::try_from(delay.seconds) else {
        return Some(PUSHBACK_MAX);
    };
    let nanos = u32::try_from(delay.nanos).unwrap_or_default();
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into())))
}

/// As much as is needed of `google/rpc/status.proto`, `google/rpc/error_details.proto` and what they import.
mod rpc {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Status {
        #[prost(message, repeated, tag = "3")]
        pub(super) details: Vec<Any>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Any {
        #[prost(string, tag = "1")]
        pub(super) type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) value: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        pub(super) retry_delay: Option<Duration>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Duration {
        #[prost(int64, tag = "1")]
        pub(super) seconds: i64,
        #[prost(int32, tag = "2")]
        pub(super) nanos: i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_by_trailer(text: &'static str) -> u128 {
        let mut status = Status::unavailable("later");
        let value = text.parse().unwrap();
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", value);
        pushback(&status).as_millis()
    }

    fn asked_by_details(details: &'static [u8]) -> u128 {
        let code = Code::ResourceExhausted;
        pushback(&Status::with_details(code, "later", details.into())).as_millis()
    }

    #[test]
    fn a_pause_in_a_trailer_is_read_and_has_a_bound() {
        assert_eq!(asked_by_trailer("250"), 250);
        for never in ["60001", "-1", "soon", "99999999999999999999"] {
            assert_eq!(asked_by_trailer(never), 60_000, "{never}");
        }
        assert_eq!(pushback(&Status::unavailable("later")), Duration::ZERO);
    }

    #[test]
    fn a_pause_in_the_details_is_read_and_has_a_bound() {
        // As protoc encodes them: code 8, one Any of a RetryInfo of 2.5 s, of 90 s, of -1 s.
        let of_2_5 = b"\x08\x08\x1a\x36\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0a\x0a\x08\x08\x02\x10\x80\xca\xb5\xee\x01";
        assert_eq!(asked_by_details(of_2_5), 2_500);
        let of_90 =
            b"\x1a\x30\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x5a";
        assert_eq!(asked_by_details(of_90), 60_000);
        let of_minus_1 = b"\x1a\x39\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0d\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(asked_by_details(of_minus_1), 60_000);
        for other in [&b"\xff"[..], b"\x08\x08", b"\x1a\x07\x0a\x05other"] {
            assert_eq!(asked_by_details(other), 0);
        }
    }
}

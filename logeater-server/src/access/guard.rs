//! Which of the tokens a request brings, and whether that one may send now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use subtle::{Choice, ConditionallySelectable};
use tonic::metadata::MetadataMap;

use super::Token;
use super::rate::Rate;
use super::token::hash;

/// The tokens that are known, each with what is left of its rate.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    callers: Vec<Arc<Caller>>,
}

/// Who sends one of the tokens.
#[derive(Debug)]
pub(crate) struct Caller {
    token: Token,
    rate: Option<Mutex<Rate>>,
}

/// Why a request is not let in. The text says nothing of the token that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It brings none.
    Missing,
    /// It brings none that is known.
    Unknown,
}

impl Denied {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Missing => {
                "a token is needed: send the metadata `authorization: Bearer TOKEN`, with a token of this collector"
            }
            Self::Unknown => {
                "this collector does not know the token: `logeater token` makes one, and the line to add to the \
                 collector's configuration"
            }
        }
    }
}

impl Guard {
    pub(crate) fn new(tokens: &[Token]) -> Self {
        let callers = tokens.iter().cloned().map(Caller::new).map(Arc::new);
        Self {
            callers: callers.collect(),
        }
    }

    /// Who it is that sends this metadata; nobody in particular where no token is asked for.
    pub(crate) fn caller(&self, metadata: &MetadataMap) -> Result<Option<Arc<Caller>>, Denied> {
        if self.callers.is_empty() {
            return Ok(None);
        }
        let token = bearer(metadata).ok_or(Denied::Missing)?;
        self.find(token).cloned().map(Some).ok_or(Denied::Unknown)
    }

    /// Looks at all of them, whichever it is: how long that takes tells nothing.
    fn find(&self, token: &[u8]) -> Option<&Arc<Caller>> {
        let hash = hash(token);
        let (mut place, mut is_known) = (0, Choice::from(0));
        for (other, caller) in (0_u64..).zip(&self.callers) {
            let is_it = caller.token.is(&hash);
            place.conditional_assign(&other, is_it);
            is_known |= is_it;
        }
        let place = usize::try_from(place).ok()?;
        self.callers.get(place).filter(|_| is_known.into())
    }
}

impl Caller {
    fn new(token: Token) -> Self {
        let rate = token.rate().map(Rate::new).map(Mutex::new);
        Self { token, rate }
    }

    /// The name of the token.
    pub(crate) fn name(&self) -> &str {
        self.token.name()
    }

    /// Whether its rate is used up: how long until it is not.
    pub(crate) fn check(&self, now: Instant) -> Result<(), Duration> {
        let wait = self.with_rate(|rate| rate.wait(now)).unwrap_or_default();
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Counts events that are taken from it.
    pub(crate) fn take(&self, events: u32, now: Instant) {
        self.with_rate(|rate| rate.take(events, now));
    }

    /// Takes back what was counted and is not taken after all.
    pub(crate) fn give_back(&self, events: u32) {
        self.with_rate(|rate| rate.give_back(events));
    }

    fn with_rate<T>(&self, work: impl FnOnce(&mut Rate) -> T) -> Option<T> {
        let rate = self.rate.as_ref()?;
        // Nothing under the lock panics half-way.
        let mut rate = rate.lock().unwrap_or_else(PoisonError::into_inner);
        Some(work(&mut rate))
    }
}

/// The token of `authorization: Bearer TOKEN`; the scheme's case does not count (RFC 9110, 11.1).
fn bearer(metadata: &MetadataMap) -> Option<&[u8]> {
    let value = metadata.get("authorization")?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::new(&[
            Token::new("first", "one"),
            Token::new("second", "two"),
            Token::new("third", "three"),
        ])
    }

    fn caller(guard: &Guard, authorization: &'static str) -> Result<Option<String>, Denied> {
        let mut metadata = MetadataMap::new();
        metadata.insert(
            "authorization",
            tonic::metadata::MetadataValue::from_static(authorization),
        );
        let caller = guard.caller(&metadata)?;
        Ok(caller.map(|caller| caller.name().to_owned()))
    }

    #[test]
    fn each_of_several_tokens_is_known_by_its_name() {
        for (authorization, name) in [
            ("Bearer one", "first"),
            ("bearer two", "second"),
            ("BEARER  three ", "third"),
        ] {
            assert_eq!(caller(&guard(), authorization), Ok(Some(name.to_owned())));
        }
    }

    #[test]
    fn what_is_no_token_and_what_is_none_of_ours_is_denied() {
        for (authorization, denied) in [
            ("Bearer four", Denied::Unknown),
            ("Bearer on", Denied::Unknown),
            ("Bearer ", Denied::Missing),
            ("Basic one", Denied::Missing),
            ("one", Denied::Missing),
            ("", Denied::Missing),
        ] {
            assert_eq!(
                caller(&guard(), authorization),
                Err(denied),
                "{authorization}"
            );
        }
        assert_eq!(caller(&Guard::default(), ""), Ok(None));
    }
}

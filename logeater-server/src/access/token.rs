//! A bearer token, of which only the hash is known here.

use std::fmt::{self, Write};
use std::num::NonZeroU32;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The SHA-256 of a token.
type Hash = [u8; 32];

/// A token that clients may send, as `authorization: Bearer TOKEN`.
///
/// Only its SHA-256 is kept, unsalted: a token has to be random, as those of `logeater token` are, and not a word that
/// can be guessed.
#[derive(Clone)]
#[must_use]
pub struct Token {
    name: String,
    hash: Hash,
    events_per_second: Option<NonZeroU32>,
}

impl Token {
    /// A token by its text. The name says in logs and metrics who sent.
    pub fn new(name: impl Into<String>, token: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.into(),
            hash: hash(token.as_ref()),
            events_per_second: None,
        }
    }

    /// A token by the SHA-256 of its text, in 64 hex digits; `None` if it is not.
    #[must_use]
    pub fn from_sha256(name: impl Into<String>, digits: &str) -> Option<Self> {
        Some(Self {
            name: name.into(),
            hash: from_hex(digits)?,
            events_per_second: None,
        })
    }

    /// How many events are taken in a second from all who send it, on average. Default: no limit.
    pub fn events_per_second(mut self, events: NonZeroU32) -> Self {
        self.events_per_second = Some(events);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of its text, in hex digits, as a configuration has it.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut digits = String::new();
        for byte in self.hash {
            // A text takes all that is written to it.
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }

    pub(super) fn rate(&self) -> Option<NonZeroU32> {
        self.events_per_second
    }

    /// Whether it is the token of this hash; takes as long whether it is or not.
    pub(super) fn is(&self, hash: &Hash) -> Choice {
        self.hash.ct_eq(hash)
    }
}

/// No hash: it is not secret, and not for logs either.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("events_per_second", &self.events_per_second)
            .finish_non_exhaustive()
    }
}

pub(super) fn hash(token: &[u8]) -> Hash {
    Sha256::digest(token).into()
}

fn from_hex(digits: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let is_hex =
        digits.len() == 2 * hash.len() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    is_hex.then_some(hash)
}

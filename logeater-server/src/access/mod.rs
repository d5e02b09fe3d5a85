//! Who may send, and how much: tokens, rates, TLS. No configuration text.

mod guard;
mod rate;
#[cfg(feature = "tls")]
mod tls;
mod token;

pub(crate) use guard::{Caller, Denied, Guard};
pub(crate) use rate::Rates;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use token::Token;

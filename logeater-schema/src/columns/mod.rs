//! The types of the standard library that are columns, and those of other crates behind features.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "chrono")]
mod chrono;
mod containers;
#[cfg(feature = "jiff")]
mod jiff;
mod numbers;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
mod texts;
#[cfg(feature = "time")]
mod time;
mod times;
#[cfg(feature = "url")]
mod url;
#[cfg(feature = "uuid")]
mod uuid;

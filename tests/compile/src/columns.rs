//! Columns under all lints.

use analytics::Column;
use std::borrow::Cow;

/// An id.
#[derive(Clone, Column, Copy, Debug)]
#[column(crate = analytics)]
#[non_exhaustive]
pub struct Id(pub u64);

/// An address.
#[derive(Column, Debug)]
#[column(crate = analytics)]
#[non_exhaustive]
pub struct Address<'a> {
    /// The city.
    #[column(required, max_length = 20)]
    pub city: Cow<'a, str>,
    /// Its parts.
    pub parts: Vec<Pair<&'a str>>,
    /// Deprecated, which the derive may read.
    #[deprecated = "not in use"]
    pub zip: Option<u32>,
}

/// A level.
#[derive(Clone, Column, Copy, Debug)]
#[column(crate = analytics, rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Level {
    /// High.
    VeryHigh,
    /// Low.
    #[deprecated = "not in use"]
    Low,
}

/// Data.
#[derive(Column, Debug)]
#[column(crate = analytics)]
#[non_exhaustive]
pub enum Data<'a, T> {
    /// Nothing.
    Nothing,
    /// A value.
    Value(&'a T),
    /// A record.
    #[non_exhaustive]
    Record {
        /// An id.
        id: Id,
        /// A pair.
        pair: T,
    },
}

/// A pair.
#[derive(Clone, Column, Copy, Debug)]
#[column(crate = analytics)]
#[non_exhaustive]
pub struct Pair<T> {
    /// Left.
    pub left: T,
    /// Right.
    #[column(flatten, prefix = "right_")]
    pub right: Inner,
}

/// What a pair has on its right.
#[derive(Clone, Column, Copy, Debug)]
#[column(crate = analytics)]
#[non_exhaustive]
pub struct Inner {
    /// A level.
    pub level: Level,
}

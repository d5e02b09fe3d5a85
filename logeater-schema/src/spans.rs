//! Spans of time: INTEGERs in microseconds, or in the unit that an option of the field names.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::{Column, ColumnType, JsonWriter, Many};

/// A span of time, for a field marked `millis`, `secs` or `nanos`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a span of time",
    label = "expected a `Duration`, an `Option` or a list of it",
    note = "implement `Span` for it, or remove the unit"
)]
pub trait Span: Column {
    /// Writes the span as a whole number of units, floored.
    fn write_in(&self, nanos_per_unit: u32, out: &mut JsonWriter<'_>);
}

/// Nanoseconds in what spans are written in unless told otherwise.
pub(crate) const MICROSECOND: u32 = 1_000;

/// Writes a span of so many nanoseconds, for types that are one.
pub(crate) fn write_nanos(nanos: i128, nanos_per_unit: u32, out: &mut JsonWriter<'_>) {
    let units = nanos.div_euclid(nanos_per_unit.into());
    match i64::try_from(units) {
        Ok(units) => out.integer(units),
        Err(_) => out.invalid(format!(
            "a span of {units} does not fit an INTEGER, which ends at {}: write a longer unit, such as `secs`",
            i64::MAX
        )),
    }
}

impl Span for Duration {
    fn write_in(&self, nanos_per_unit: u32, out: &mut JsonWriter<'_>) {
        // Less than 2^64 seconds, so less than 2^94 nanoseconds.
        write_nanos(self.as_nanos().cast_signed(), nanos_per_unit, out);
    }
}

impl<T: Span> Span for Option<T>
where
    Self: Column,
{
    fn write_in(&self, nanos_per_unit: u32, out: &mut JsonWriter<'_>) {
        match self {
            Some(span) => span.write_in(nanos_per_unit, out),
            None => out.raw("null"),
        }
    }
}

macro_rules! list_spans {
    ($([$($generics:tt)*] $list:ty;)*) => {$(
        impl<T: Span, $($generics)*> Span for $list
        where
            Self: Column,
        {
            fn write_in(&self, nanos_per_unit: u32, out: &mut JsonWriter<'_>) {
                out.elements(self, |span, out| span.write_in(nanos_per_unit, out));
            }
        }
    )*};
}

list_spans! {
    [] [T];
    [const N: usize] [T; N];
    [] Vec<T>;
    [] VecDeque<T>;
}

macro_rules! pointer_spans {
    ($($pointer:ty)*) => {$(
        impl<T: Span + ?Sized> Span for $pointer {
            fn write_in(&self, nanos_per_unit: u32, out: &mut JsonWriter<'_>) {
                (**self).write_in(nanos_per_unit, out);
            }
        }
    )*};
}

pointer_spans! { &T Box<T> Rc<T> Arc<T> }

/// A span in a unit of so many nanoseconds, which its description names.
#[derive(Debug)]
pub struct InUnit<T: ?Sized, const NANOS: u32>(pub T);

impl<T: Span + ?Sized, const NANOS: u32> Column for InUnit<T, NANOS> {
    type Shape = T::Shape;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Integer;
    const DESCRIPTION: &'static str = match NANOS {
        1 => "In nanoseconds.",
        MICROSECOND => "In microseconds.",
        1_000_000 => "In milliseconds.",
        _ => "In seconds.",
    };

    fn write(&self, out: &mut JsonWriter<'_>) {
        self.0.write_in(NANOS, out);
    }

    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }
}

//! What a filter may do with one event, so that a mistake in it ends neither the sink nor the process: steps, time, depth
//! of recursion, size of values.
//!
//! A step is a call of a definition, a round of a fold, a sum, or a value of a range, of `.[]`, of `..`, of `fromjson` or of a
//! comma: without them nothing goes on for long. What is put into arrays and objects is counted as it is put there, and
//! the rest is looked at from step to step. What a single call of a built-in filter does is not looked into.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use jaq_core::data::HasLut;
use jaq_core::native::Fun;
use jaq_core::{Bind, Cv, DataT, Exn, Lut, Native, ValX, box_iter::box_once};
use jaq_json::{Num, Val};

/// The most steps for one event.
const STEPS_MAX: u32 = 250_000;

/// How many steps are taken between two looks at a whole value.
const STEPS_BETWEEN_LOOKS: u32 = 256;

/// The most bytes of stack that recursion takes: 4 MiB.
const STACK_BYTES_MAX: usize = 4 << 20;

/// The most levels of a value: twice what details have.
const DEPTH_MAX: usize = 1_000;

/// The most values within a value, those that it shares counted each time, and the most that one run puts into others.
const VALUES_MAX: usize = 4 << 20;

/// How many bytes of a text count as a value.
const VALUE_BYTES: usize = 32;

/// The most bytes of a text or of a number: 16 MiB.
const BYTES_MAX: usize = 16 << 20;

/// The name of the filter that counts a step. No code can write it, for it has a space.
pub(super) const STEP: &str = "a step";

/// The name of the filter that counts what is put into another value.
pub(super) const PART: &str = "a part";

/// The name of the filter that multiplies.
pub(super) const PRODUCT: &str = "a product";

/// Which bound a filter went beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    Steps,
    Time(Duration),
    Stack,
    Size,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps => write!(f, "the filter takes more than {STEPS_MAX} steps"),
            Self::Time(patience) => write!(f, "the filter takes more than {patience:?}"),
            Self::Stack => f.write_str("the filter calls itself too deep"),
            Self::Size => f.write_str("the filter makes a value that is too large"),
        }
    }
}

/// One run of a filter.
pub(super) struct Run<'a> {
    lut: &'a Lut<Bounded>,
    since: Instant,
    patience: Duration,
    steps: Cell<u32>,
    /// How many more values may be put into others.
    parts: Cell<usize>,
    stack: usize,
    beyond: Cell<Option<Beyond>>,
}

/// Filters that count their steps.
pub(super) struct Bounded;

impl DataT for Bounded {
    type V<'a> = Val;
    type Data<'a> = &'a Run<'a>;
}

impl<'a> HasLut<'a, Bounded> for &'a Run<'a> {
    fn lut(&self) -> &'a Lut<Bounded> {
        self.lut
    }
}

impl<'a> Run<'a> {
    /// A run that begins now, and takes no step once it has taken longer than `patience`.
    pub(super) fn new(lut: &'a Lut<Bounded>, patience: Duration) -> Self {
        Self {
            lut,
            since: Instant::now(),
            patience,
            steps: Cell::new(0),
            parts: Cell::new(VALUES_MAX),
            stack: stack_address(),
            beyond: Cell::new(None),
        }
    }

    /// The bound that it went beyond, if it did.
    pub(super) fn beyond(&self) -> Option<Beyond> {
        self.beyond.get()
    }

    fn step<'x>(&self, value: &Val) -> Result<(), Exn<'x, Val>> {
        self.check(value).map_err(|beyond| self.stop(beyond))
    }

    /// Counts a step, and looks at what has become of the value that it is taken with.
    fn check(&self, value: &Val) -> Result<(), Beyond> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > STEPS_MAX {
            return Err(Beyond::Steps);
        }
        if self.since.elapsed() > self.patience {
            return Err(Beyond::Time(self.patience));
        }
        if self.stack.abs_diff(stack_address()) > STACK_BYTES_MAX {
            return Err(Beyond::Stack);
        }
        if bytes(value) > BYTES_MAX || len(value) > VALUES_MAX {
            return Err(Beyond::Size);
        }
        if steps.is_multiple_of(STEPS_BETWEEN_LOOKS) {
            return check_size(value);
        }
        Ok(())
    }

    /// Counts the values of one that is put into another.
    fn part<'x>(&self, value: &Val) -> Result<(), Exn<'x, Val>> {
        let mut parts = self.parts.get();
        let is_small = is_small(value, DEPTH_MAX, &mut parts);
        self.parts.set(parts);
        is_small
            .then_some(())
            .ok_or_else(|| self.stop(Beyond::Size))
    }

    /// Nothing catches this, as it does errors.
    fn stop<'x>(&self, beyond: Beyond) -> Exn<'x, Val> {
        self.beyond.set(Some(beyond));
        Exn::halt(1)
    }
}

/// The filters that [`STEP`], [`PART`] and [`PRODUCT`] call.
pub(super) fn funs() -> [Fun<Bounded>; 3] {
    let step = Native::<Bounded>::new(|cv| box_once(cv.0.data().step(&cv.1).map(|()| cv.1)))
        .with_paths(|cv| box_once(cv.0.data().step(&cv.1.0).map(|()| cv.1)))
        .with_update(|cv, update| match cv.0.data().step(&cv.1) {
            Ok(()) => update(cv.1),
            Err(stop) => box_once(Err(stop)),
        });
    let part = Native::<Bounded>::new(|cv| box_once(cv.0.data().part(&cv.1).map(|()| cv.1)));
    let product = Native::new(|cv| box_once(product(cv)));
    let two = [Bind::Var(()), Bind::Var(())];
    [
        (STEP, [].into(), step),
        (PART, [].into(), part),
        (PRODUCT, two.into(), product),
    ]
}

/// Whether a value can be written, and dropped.
pub(super) fn check_size(value: &Val) -> Result<(), Beyond> {
    if is_small(value, DEPTH_MAX, &mut { VALUES_MAX }) {
        Ok(())
    } else {
        Err(Beyond::Size)
    }
}

/// A text times a number can be of any length at once.
fn product(mut cv: Cv<'_, Bounded>) -> ValX<'_, Val> {
    let right = cv.0.pop_var();
    let left = cv.0.pop_var();
    let times = |value: &Val| match value {
        Val::Num(Num::Int(times)) => usize::try_from(*times).unwrap_or(0),
        Val::Num(Num::BigInt(_)) => BYTES_MAX,
        _ => 1,
    };
    let is_text = |value: &Val| matches!(value, Val::TStr(_) | Val::BStr(_));
    let size = match (is_text(&left), is_text(&right)) {
        (true, _) => bytes(&left).saturating_mul(times(&right)),
        (_, true) => bytes(&right).saturating_mul(times(&left)),
        _ => bytes(&left).saturating_add(bytes(&right)),
    };
    if size > BYTES_MAX {
        return Err(cv.0.data().stop(Beyond::Size));
    }
    (left * right).map_err(Exn::from)
}

/// The length of a text or of a large number.
fn bytes(value: &Val) -> usize {
    match value {
        Val::TStr(text) | Val::BStr(text) => text.len(),
        Val::Num(Num::BigInt(number)) => usize::try_from(number.bits()).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// How many values an array or an object has.
fn len(value: &Val) -> usize {
    match value {
        Val::Arr(items) => items.len(),
        Val::Obj(members) => members.len(),
        _ => 0,
    }
}

/// Whether a value has no more levels, and no more values in it. `values` is what is left of them.
fn is_small(value: &Val, depth: usize, values: &mut usize) -> bool {
    let takes = 1 + bytes(value) / VALUE_BYTES;
    if depth == 0 || *values < takes {
        return false;
    }
    *values -= takes;
    match value {
        Val::Arr(items) => items.iter().all(|item| is_small(item, depth - 1, values)),
        Val::Obj(members) => members.iter().all(|(key, value)| {
            is_small(key, depth - 1, values) && is_small(value, depth - 1, values)
        }),
        _ => true,
    }
}

/// About where the stack is.
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

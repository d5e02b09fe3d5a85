//! An event whose RECORDs lie in each other as deep as BigQuery lets them, every other one REPEATED.

use logeater_client::{Column, Event};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Clone, Debug, Event)]
#[event("deep.all")]
pub(crate) struct Deep {
    level: L15,
}

/// Three levels, of which the innermost is given.
#[derive(Clone, Debug, Column)]
pub(crate) struct Three<T> {
    several: Vec<Inner<T>>,
}

#[derive(Clone, Debug, Column)]
pub(crate) struct Inner<T> {
    number: i64,
    maybe: Option<T>,
}

#[derive(Clone, Debug, Column)]
pub(crate) struct Innermost {
    text: String,
    numbers: Vec<u64>,
}

type L3 = Three<Innermost>;
type L5 = Three<L3>;
type L7 = Three<L5>;
type L9 = Three<L7>;
type L11 = Three<L9>;
type L13 = Three<L11>;
type L15 = Three<L13>;

fn three<T: std::fmt::Debug + Clone + 'static>(
    inner: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Three<T>> {
    let inner = (any::<i64>(), option::weighted(0.9, inner));
    vec(
        inner.prop_map(|(number, maybe)| Inner { number, maybe }),
        0..3,
    )
    .prop_map(|several| Three { several })
    .boxed()
}

pub(crate) fn deep() -> impl Strategy<Value = Deep> {
    let innermost = ("[a-z]{0,3}", vec(any::<u64>(), 0..3))
        .prop_map(|(text, numbers)| Innermost { text, numbers });
    let level: BoxedStrategy<L15> = three(three(three(three(three(three(three(innermost)))))));
    level.prop_map(|level| Deep { level })
}

//! Events of `tracing` as events of the product: a layer of a subscriber.

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use logeater_schema::Event;
use tracing::field::{Field, Visit};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::client::Client;

/// Makes a layer that sends what is said to `target`, such as `info!(target: "audit", user = "u-42", ok = true)`, as the
/// events that `convert` makes of it.
///
/// Only the target's own events are looked at, whatever their level; they are not spans, and other layers have them as
/// well. What `convert` cannot make is counted as [invalid](crate::LossReason::Invalid), and so is its panic. What it
/// says itself is not converted.
///
/// ```
/// use logeater_client::{Client, Event, tracing_layer};
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// /// Somebody has tried to log in.
/// #[derive(Event)]
/// #[event("login.tried")]
/// struct LoginTried {
///     ok: bool,
///     attempt: Option<u32>,
///     #[event(user_id)]
///     user: String,
/// }
///
/// let (client, recorded) = Client::recording();
/// let layer = tracing_layer(client, "audit", |seen| {
///     Ok(LoginTried { ok: seen.get("ok")?, attempt: seen.get("attempt")?, user: seen.get("user")? })
/// });
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info!(target: "audit", user = "u-42", ok = true);
///     tracing::info!("this is none");
/// });
/// let events = recorded.of::<LoginTried>();
/// assert_eq!(events[0].details.as_deref(), Some(r#"{"ok":true}"#));
/// assert_eq!(events[0].user_id.as_deref(), Some("u-42"));
/// ```
pub fn tracing_layer<S, E>(
    client: Client,
    target: impl Into<String>,
    convert: impl Fn(&Seen<'_>) -> Result<E, FieldError> + Send + Sync + 'static,
) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    E: Event,
{
    let target = target.into();
    let is_meant =
        move |metadata: &Metadata<'_>| metadata.is_event() && metadata.target() == target;
    Converting { client, convert }.with_filter(filter_fn(is_meant))
}

/// An event of `tracing`, as it is converted.
#[derive(Debug)]
pub struct Seen<'a> {
    metadata: &'a Metadata<'a>,
    values: HashMap<&'static str, FieldValue>,
}

impl Seen<'_> {
    /// Its level, target and place in the source.
    #[must_use]
    pub fn metadata(&self) -> &Metadata<'_> {
        self.metadata
    }

    /// The value of a field; of `"message"`, the text. An `Option` is `None` where there is no such field.
    ///
    /// # Errors
    ///
    /// When there is no such field, or it holds something else.
    pub fn get<T: FromField>(&self, field: &str) -> Result<T, FieldError> {
        let value = self.values.get(field);
        T::from_field(value).ok_or_else(|| FieldError {
            field: field.to_owned(),
            found: value.map(ToString::to_string),
        })
    }
}

/// A field that is missing, or holds something else than is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    field: String,
    found: Option<String>,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "field `{}`: {found} does not fit", self.field),
            None => write!(f, "field `{}`: it is not there", self.field),
        }
    }
}

impl Error for FieldError {}

/// What [`Seen::get`] gives: integers, floats, `bool`, `String` (of whatever is said by `%` or `?` as well), and `Option`
/// of them.
pub trait FromField: Sized {
    #[doc(hidden)]
    fn from_field(value: Option<&FieldValue>) -> Option<Self>;
}

/// The value of a field, as it was said.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    Bool(bool),
    Float(f64),
    Integer(i128),
    Text(String),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl<T: FromField> FromField for Option<T> {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value {
            None => Some(None),
            value => T::from_field(value).map(Some),
        }
    }
}

impl FromField for String {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value? {
            FieldValue::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromField for bool {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value? {
            FieldValue::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromField for f64 {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value? {
            FieldValue::Float(value) => Some(*value),
            _ => None,
        }
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl FromField for $integer {
            fn from_field(value: Option<&FieldValue>) -> Option<Self> {
                match value? {
                    FieldValue::Integer(value) => Self::try_from(*value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64);

/// Keeps what is said.
struct Values<'a>(&'a mut HashMap<&'static str, FieldValue>);

impl Values<'_> {
    fn keep(&mut self, field: &Field, value: FieldValue) {
        self.0.insert(field.name(), value);
    }
}

impl Visit for Values<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, FieldValue::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, FieldValue::Integer(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, FieldValue::Integer(value.into()));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.keep(field, FieldValue::Integer(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, FieldValue::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, FieldValue::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, FieldValue::Text(format!("{value:?}")));
    }
}

thread_local! {
    /// Whether this thread converts: what is said meanwhile must not be converted for ever.
    static CONVERTING: Cell<bool> = const { Cell::new(false) };
}

struct Converting<F> {
    client: Client,
    convert: F,
}

impl<F> Converting<F> {
    fn convert<E: Event>(&self, event: &tracing::Event<'_>)
    where
        F: Fn(&Seen<'_>) -> Result<E, FieldError>,
    {
        let mut values = HashMap::new();
        event.record(&mut Values(&mut values));
        let metadata = event.metadata();
        match (self.convert)(&Seen { metadata, values }) {
            Ok(event) => self.client.emit(event),
            Err(why) => self.client.lose_invalid::<E>(&why.to_string()),
        }
    }
}

impl<S, E, F> Layer<S> for Converting<F>
where
    S: Subscriber,
    E: Event,
    F: Fn(&Seen<'_>) -> Result<E, FieldError> + 'static,
{
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if CONVERTING.replace(true) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| self.convert(event))).is_err() {
            self.client.lose_invalid::<E>("its conversion panicked");
        }
        CONVERTING.set(false);
    }
}

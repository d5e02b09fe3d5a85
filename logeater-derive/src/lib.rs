//! The derives of logeater: a Rust type in, its event types and columns out.
//!
//! Each goes the same way through four stages: the item's syntax (`event_input`, `column_input`, `field`),
//! its attributes (`attr`), the checks (`check`), and the tokens (`event`, `column`, `fields`). Errors are
//! gathered on the way and reported together, each at its own token.

mod attr;
mod check;
mod column;
mod column_input;
mod doc;
mod errors;
mod event;
mod event_input;
mod fallback;
mod field;
mod fields;
mod generics;
mod item;
mod name_rules;
mod names;
mod place;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a type an event: its name, its payload and its table.
///
/// A struct is one event type; its fields are columns. An enum is a namespace, and each variant an event
/// type of it: `Cart::AddItem` under `#[event("cart")]` is `cart.add_item`. An event without type or const
/// parameters is listed in the program's catalog.
///
/// ```text
/// /// A product was put into a shopping cart.
/// #[derive(Event)]
/// #[event("cart.add")]
/// struct CartAdd {
///     /// Stock keeping unit.
///     sku: String,
///     #[event(user_id)]
///     user: String,
/// }
/// ```
///
/// # On the type
///
/// - `#[event("cart.add")]`: the event type; on an enum what the names of its variants begin with.
/// - `#[event(rename_all = "camelCase")]`: how columns are named, in serde's styles. On an enum: those of
///   all variants.
/// - `#[event(description = "…")]`: what it says. Unset: the doc comment.
/// - `#[event(crate = path)]`: where `logeater_client` is found. Unset: `::logeater_client`.
///
/// # On a variant
///
/// - `#[event("add.from_mobile")]`: what follows the enum's levels. Unset: the variant in `snake_case`.
/// - `rename_all`, `description`: as on a struct.
///
/// # On a field
///
/// - `#[event(rename = "…")]`: the name of its column.
/// - `#[event(description = "…")]`: what the column holds. Unset: the doc comment.
/// - `#[event(required)]`: the column is REQUIRED instead of NULLABLE.
/// - `#[event(skip)]`: no column.
/// - `#[event(user_id)]`: who did it, a `UserId`; goes to the envelope and is no column.
/// - `#[event(timestamp)]`: when it happened, an `EventTime`; goes to the envelope and is no column.
/// - `#[event(json)]`: any `serde::Serialize`, a JSON column. What serializes as `null` is left out, and more than 468
///   levels in each other are a loss.
/// - `#[event(display)]`: any `Display`, or an `Option` of one, a STRING column.
/// - `#[event(with = path)]`: by a module that has `type Column` and `fn column(&T) -> Column`.
/// - `#[event(into = Type)]`: as another column type that is `From<&T>`.
/// - `#[event(flatten)]`: the columns of a struct, or of an `Option` of one, in place of the field. With
///   `prefix = "…"` their names begin with that.
/// - `#[event(int64)]`: an INTEGER of a `u64` or `usize`, which are NUMERIC; for what is known to fit.
/// - `#[event(millis)]`, `secs`, `nanos`: a span of time in that unit. Unset: microseconds.
/// - `#[event(numeric(10, 2))]`: a decimal of at most 10 digits, 2 of them behind the point, to which it is
///   rounded, half away from zero.
/// - `#[event(max_length = 10)]`: at most 10 characters of a STRING, or bytes of BYTES.
/// - `#[event(policy_tag = "projects/p/locations/eu/taxonomies/1/policyTags/2")]`: who may read the column.
///
/// A value beyond its limit is not cut: the event is a loss whose reason names column, value and limit.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    event::derive(&input)
        .unwrap_or_else(|error| fallback::event(&input, &error))
        .into()
}

/// Makes a type a column.
///
/// A struct of named fields is a RECORD of them. A newtype is its inner column, and a user id or a moment if
/// that is one. An enum without data is a STRING: the variant as written. An enum with data is a RECORD: a
/// STRING says which variant it is, and each variant with data has a RECORD of its name; data without a name
/// is that RECORD if it is one, and else the column `value` in it.
///
/// ```text
/// #[derive(Column)]
/// struct Sku(String);
///
/// #[derive(Column)]
/// enum Status {
///     Open,
///     #[column(rename = "paid_in_full")]
///     Paid,
/// }
/// ```
///
/// # On the type
///
/// - `#[column(rename_all = "camelCase")]`: how columns or values are named, in serde's styles.
/// - `#[column(description = "…")]`: what the type adds to the description of its columns. Unset: the doc
///   comment. A newtype gives way to what its inner type says; an enum's values follow.
/// - `#[column(kind = "…")]`: on an enum with data, the column that says which variant it is. Unset: `kind`.
/// - `#[column(crate = path)]`: where `logeater_client` is found. Unset: `::logeater_client`.
///
/// # On a variant
///
/// - `#[column(rename = "…")]`: the text of the value, and the name of the column that has its data.
/// - `rename_all`, `description`: on a variant with data, as on a struct.
///
/// # On a field
///
/// As on an event's, but for `user_id` and `timestamp`. A variant has no `flatten`.
#[proc_macro_derive(Column, attributes(column))]
pub fn derive_column(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    column::derive(&input)
        .unwrap_or_else(|error| fallback::column(&input, &error))
        .into()
}

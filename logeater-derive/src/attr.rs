//! The options of `#[event(…)]` and `#[column(…)]`, as they were given.
//!
//! What an option means together with others, and whether a name is a good one, is checked later.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::token::Paren;
use syn::{Attribute, Error, Ident, Lit, LitInt, LitStr, Meta, Path, Result, Token, Type};

use crate::doc;
use crate::errors::Errors;
use crate::names::{Name, RenameRule};
use crate::place::Place;

/// What a message calls a string literal.
const QUOTED: &str = "text in quotation marks";

/// An option as it was given: the word that names it, and its value.
pub(crate) struct Given<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// All options of one type, variant or field.
#[derive(Default)]
pub(crate) struct Attrs {
    pub(crate) name: Option<Name>,
    pub(crate) krate: Option<Given<Path>>,
    pub(crate) description: Option<Given<Name>>,
    pub(crate) rename_all: Option<Given<RenameRule>>,
    pub(crate) kind: Option<Given<Name>>,
    pub(crate) rename: Option<Given<Name>>,
    pub(crate) skip: Option<Given<()>>,
    pub(crate) required: Option<Given<()>>,
    pub(crate) user_id: Option<Given<()>>,
    pub(crate) timestamp: Option<Given<()>>,
    pub(crate) json: Option<Given<()>>,
    pub(crate) display: Option<Given<()>>,
    pub(crate) with: Option<Given<Path>>,
    pub(crate) into: Option<Given<Type>>,
    pub(crate) flatten: Option<Given<()>>,
    pub(crate) prefix: Option<Given<Name>>,
    pub(crate) unit: Option<Given<()>>,
    pub(crate) int64: Option<Given<()>>,
    pub(crate) numeric: Option<Given<Digits>>,
    pub(crate) max_length: Option<Given<LitInt>>,
    pub(crate) policy_tag: Option<Given<Name>>,
}

/// How many digits a decimal has at most, and how many of them behind the point.
pub(crate) struct Digits {
    pub(crate) precision: u32,
    pub(crate) scale: u32,
}

impl Attrs {
    /// Reads the attributes of something that stands at `place`.
    pub(crate) fn read(attributes: &[Attribute], place: Place, errors: &mut Errors) -> Self {
        let mut attrs = Self::default();
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident(place.attribute()))
        {
            let Meta::List(list) = &attribute.meta else {
                errors.at(&attribute.meta, place.wants_parentheses());
                continue;
            };
            let read = list
                .parse_args_with(|input: ParseStream<'_>| attrs.read_options(input, place, errors));
            if let Err(error) = read {
                errors.push(error);
            }
        }
        attrs
    }

    /// Reads options up to the end. One that is wrong does not hide the next.
    fn read_options(
        &mut self,
        input: ParseStream<'_>,
        place: Place,
        errors: &mut Errors,
    ) -> Result<()> {
        while !input.is_empty() {
            if let Err(error) = self.read_option(input, place) {
                errors.push(error);
                skip_to_comma(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn read_option(&mut self, input: ParseStream<'_>, place: Place) -> Result<()> {
        if input.peek(Lit) {
            return self.read_name(input.parse()?, place);
        }
        let key = input.call(Ident::parse_any)?;
        let option = key.unraw().to_string();
        if !place.options().contains(&option.as_str()) {
            return Err(Error::new(key.span(), place.refuses(&option)));
        }
        match option.as_str() {
            "crate" => read_into(&mut self.krate, key, input, crate_path),
            "description" => read_into(&mut self.description, key, input, text),
            "rename_all" => read_into(&mut self.rename_all, key, input, rename_rule),
            "kind" => read_into(&mut self.kind, key, input, text),
            "rename" => read_into(&mut self.rename, key, input, text),
            "with" => read_into(&mut self.with, key, input, adapter),
            "into" => read_into(&mut self.into, key, input, target),
            "skip" => read_into(&mut self.skip, key, input, nothing),
            "required" => read_into(&mut self.required, key, input, nothing),
            "user_id" => read_into(&mut self.user_id, key, input, nothing),
            "timestamp" => read_into(&mut self.timestamp, key, input, nothing),
            "json" => read_into(&mut self.json, key, input, nothing),
            "display" => read_into(&mut self.display, key, input, nothing),
            "flatten" => read_into(&mut self.flatten, key, input, nothing),
            "prefix" => read_into(&mut self.prefix, key, input, text),
            "int64" => read_into(&mut self.int64, key, input, nothing),
            "numeric" => read_into(&mut self.numeric, key, input, digits),
            "max_length" => read_into(&mut self.max_length, key, input, length),
            "policy_tag" => read_into(&mut self.policy_tag, key, input, policy_tag),
            _ => read_into(&mut self.unit, key, input, nothing),
        }
    }

    fn read_name(&mut self, literal: Lit, place: Place) -> Result<()> {
        let Lit::Str(name) = literal else {
            return Err(Error::new_spanned(literal, format!("expected {QUOTED}")));
        };
        if !place.takes_name() {
            let message = format!(
                "a name alone is for events: write `rename = {:?}`",
                name.value()
            );
            return Err(Error::new_spanned(&name, message));
        }
        if self.name.is_some() {
            return Err(Error::new_spanned(
                &name,
                "the name of an event type is given twice: remove one",
            ));
        }
        self.name = Some(name.into());
        Ok(())
    }

    /// The description that was given, or else the text of the doc comments among `attributes`.
    pub(crate) fn description(&self, attributes: &[Attribute]) -> String {
        self.description.as_ref().map_or_else(
            || doc::description(attributes),
            |given| given.value.text.clone(),
        )
    }

    /// The style of the values within, which may be any text.
    pub(crate) fn value_style(&self) -> Option<RenameRule> {
        self.rename_all.as_ref().map(|given| given.value)
    }

    /// The style of the columns within.
    pub(crate) fn column_style(&self, errors: &mut Errors) -> Option<RenameRule> {
        let Given { key, value } = self.rename_all.as_ref()?;
        if value.has_hyphens() {
            errors.at(
                key,
                "a column's name has no hyphens: write `rename_all = \"snake_case\"`",
            );
            return None;
        }
        Some(*value)
    }

    /// The words that give a field one of the roles that have no column.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &Ident> {
        [&self.skip, &self.user_id, &self.timestamp, &self.flatten]
            .into_iter()
            .flatten()
            .map(|given| &given.key)
    }

    /// The words that each say how a field becomes a column.
    pub(crate) fn encodings(&self) -> impl Iterator<Item = &Ident> {
        let with = self.with.as_ref().map(|given| &given.key);
        let into = self.into.as_ref().map(|given| &given.key);
        [&self.json, &self.display, &self.unit]
            .into_iter()
            .flatten()
            .map(|given| &given.key)
            .chain(with)
            .chain(into)
    }

    /// The words that each hold a column to less than its type.
    pub(crate) fn refinements(&self) -> impl Iterator<Item = &Ident> {
        let int64 = self.int64.as_ref().map(|given| &given.key);
        let numeric = self.numeric.as_ref().map(|given| &given.key);
        let max_length = self.max_length.as_ref().map(|given| &given.key);
        [int64, numeric, max_length].into_iter().flatten()
    }

    /// The words that say something of a field's column.
    pub(crate) fn column_options(&self) -> impl Iterator<Item = &Ident> {
        let texts = [&self.rename, &self.description, &self.policy_tag]
            .into_iter()
            .flatten()
            .map(|given| &given.key);
        let required = self.required.as_ref().map(|given| &given.key);
        texts
            .chain(required)
            .chain(self.encodings())
            .chain(self.refinements())
    }

    /// Where the derive's output finds its crate.
    pub(crate) fn krate(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(
            || quote!(::logeater_client),
            |given| given.value.to_token_stream(),
        )
    }
}

/// Reads the value of the option `key`, which must not have one yet.
fn read_into<T>(
    option: &mut Option<Given<T>>,
    key: Ident,
    input: ParseStream<'_>,
    read: fn(&Ident, ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let value = read(&key, input)?;
    if let Some(first) = option {
        let message = if first.key == key {
            format!("`{key}` is given twice: remove one")
        } else {
            format!("`{key}` and `{}` are two units: keep one", first.key)
        };
        return Err(Error::new(key.span(), message));
    }
    *option = Some(Given { key, value });
    Ok(())
}

fn nothing(key: &Ident, input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(Error::new(
        key.span(),
        format!("`{key}` takes no value: write `{key}` alone"),
    ))
}

fn text(key: &Ident, input: ParseStream<'_>) -> Result<Name> {
    value::<LitStr>(key, input, QUOTED, "\"…\"").map(Name::from)
}

fn crate_path(key: &Ident, input: ParseStream<'_>) -> Result<Path> {
    equals(key, input, "path::to::logeater_client")?;
    let explain = |error: Error| {
        Error::new(
            error.span(),
            "expected a path without quotation marks: write `crate = path`",
        )
    };
    Path::parse_mod_style(input).map_err(explain)
}

fn adapter(key: &Ident, input: ParseStream<'_>) -> Result<Path> {
    value(key, input, "a path", "path::to::adapter")
}

fn target(key: &Ident, input: ParseStream<'_>) -> Result<Type> {
    value(key, input, "a type", "Type")
}

/// `(precision, scale)`, where no scale is 0. What a type of the warehouse takes is checked where it is known.
fn digits(key: &Ident, input: ParseStream<'_>) -> Result<Digits> {
    let explain = |span| {
        Error::new(
            span,
            "`numeric` takes how many digits there are, and how many of them behind the point: write `numeric(10, 2)`",
        )
    };
    if !input.peek(Paren) {
        return Err(explain(key.span()));
    }
    let group: Group = input.parse()?;
    let read = |inside: ParseStream<'_>| {
        let precision = inside.parse::<LitInt>()?.base10_parse()?;
        let scale = match inside.parse::<Option<Token![,]>>()? {
            Some(_) => inside.parse::<LitInt>()?.base10_parse()?,
            None => 0,
        };
        Ok(Digits { precision, scale })
    };
    let digits = read
        .parse2(group.stream())
        .map_err(|_| explain(group.span()))?;
    let whole = digits.precision.checked_sub(digits.scale);
    if digits.scale > 38 || !whole.is_some_and(|whole| (1..=38).contains(&whole)) {
        return Err(Error::new(
            group.span(),
            "BigQuery's decimals have 0 to 9 digits behind the point and 1 to 29 before it, a BIGNUMERIC up to 38 each: write such a `numeric(precision, scale)`",
        ));
    }
    Ok(digits)
}

fn length(key: &Ident, input: ParseStream<'_>) -> Result<LitInt> {
    let length: LitInt = value(key, input, "a number", "100")?;
    match length.base10_parse::<u64>() {
        Ok(1..=0x7fff_ffff_ffff_ffff) => Ok(LitInt::new(length.base10_digits(), length.span())),
        _ => Err(Error::new(
            length.span(),
            "BigQuery's lengths are from 1 to 2^63 - 1: write such a `max_length`",
        )),
    }
}

/// <https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema.FIELDS.policy_tags>
fn policy_tag(key: &Ident, input: ParseStream<'_>) -> Result<Name> {
    const SAMPLE: &str = "\"projects/p/locations/eu/taxonomies/1/policyTags/2\"";
    let name: LitStr = value(key, input, QUOTED, SAMPLE)?;
    let text = name.value();
    let levels: Vec<_> = text.split('/').collect();
    let is_tag = matches!(
        levels[..],
        ["projects", a, "locations", b, "taxonomies", c, "policyTags", d]
            if ![a, b, c, d].contains(&"")
    );
    if is_tag {
        return Ok(name.into());
    }
    let message = format!("a policy tag is named by its whole resource: write `{key} = {SAMPLE}`");
    Err(Error::new_spanned(&name, message))
}

fn rename_rule(key: &Ident, input: ParseStream<'_>) -> Result<RenameRule> {
    let name: LitStr = value(key, input, QUOTED, "\"camelCase\"")?;
    RenameRule::parse(&name.value()).ok_or_else(|| {
        let message = format!(
            "`rename_all` does not know this style: write one of {}",
            RenameRule::listed()
        );
        Error::new_spanned(&name, message)
    })
}

/// Reads `= value`. A message says what is `expected`, and shows it by a `sample`.
fn value<T: Parse>(key: &Ident, input: ParseStream<'_>, expected: &str, sample: &str) -> Result<T> {
    equals(key, input, sample)?;
    let explain = |error: Error| {
        let message = format!("expected {expected}: write `{key} = {sample}`");
        Error::new(error.span(), message)
    };
    input.parse().map_err(explain)
}

fn equals(key: &Ident, input: ParseStream<'_>, sample: &str) -> Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(Error::new(
            key.span(),
            format!("`{key}` takes a value: write `{key} = {sample}`"),
        ));
    }
    Ok(())
}

/// After an error: goes on with the next option.
fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

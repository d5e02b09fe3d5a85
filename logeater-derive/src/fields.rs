//! Tokens for fields: what their columns declare, and how they are written.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericArgument, Ident, PathArguments, Type};

use crate::attr::Attrs;
use crate::field::{Encoding, Field};
use crate::generics::Bounds;

/// A span for output about the user's tokens at `place`: errors show them, lints leave them alone.
pub(crate) fn at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// An identifier of the user's as one of the output's: naming what is deprecated is not their doing.
pub(crate) fn own(ident: &Ident) -> Ident {
    let mut own = ident.clone();
    own.set_span(at(ident.span()));
    own
}

/// The field of a struct, by reference. What it is not good for is said at its type.
pub(crate) fn own_field(field: &Field<'_>) -> TokenStream {
    let mut ident = field.ident.clone();
    ident.set_span(at(field.ty.span()));
    quote_spanned!(ident.span()=> &self.#ident)
}

/// What a variant's field is bound to: a reference, by a name that no constant of the user's has.
pub(crate) fn binding(field: &Field<'_>) -> TokenStream {
    let name = format!("__field_{}", field.ident.unraw());
    Ident::new(&name, at(field.ty.span())).into_token_stream()
}

/// The columns that `fields` declare, as an array.
pub(crate) fn declared(fields: &[Field<'_>]) -> TokenStream {
    let columns = columns(fields).map(declaration);
    quote!(&[#(#columns),*])
}

fn declaration(field: &Field<'_>) -> TokenStream {
    let (ty, name, description) = (column_type(field), &field.name, &field.description);
    let required = field.attrs.required.is_some();
    let declare = if required {
        quote_spanned!(at(field.ty.span())=> required::<<#ty as __logeater::Column>::Shape>)
    } else {
        quote!(nullable)
    };
    let policy_tag = field.attrs.policy_tag.as_ref().map(|given| {
        let tag = &given.value;
        quote!(.policy_tag(#tag))
    });
    let declared = quote_spanned! {at(field.ident.span())=>
        __logeater::#declare(<#ty as __logeater::Column>::FIELD, #name, #description) #policy_tag
    };
    match refinement(&field.attrs) {
        Some(_) => {
            quote_spanned!(at(field.ty.span())=> __logeater::refined::<#ty>(#declared))
        }
        None => declared,
    }
}

/// The columns that `fields` declare, as an array of parts: fields of their own, and flattened ones.
pub(crate) fn parts(fields: &[Field<'_>]) -> TokenStream {
    let mut parts = TokenStream::new();
    let written: Vec<_> = fields.iter().filter(|field| field.is_written()).collect();
    for run in written.chunk_by(|one, next| !one.is_flattened() && !next.is_flattened()) {
        if run[0].is_flattened() {
            let (field, ty) = (run[0], run[0].ty);
            let prefix = field.attrs.prefix.as_ref().map(|given| &given.value.text);
            let prefix = prefix.map_or("", String::as_str);
            parts.extend(quote_spanned! {at(ty.span())=>
                __logeater::flat::<<#ty as __logeater::Column>::Shape>(
                    <#ty as __logeater::Column>::FIELD,
                    #prefix,
                ),
            });
        } else {
            let columns = run.iter().map(|field| declaration(field));
            parts.extend(quote!(__logeater::Part::Columns(&[#(#columns),*]),));
        }
    }
    quote!(&[#parts])
}

/// The place of the first flattened field, if there is one.
pub(crate) fn first_flattened(fields: &[Field<'_>]) -> Option<Span> {
    let field = fields.iter().find(|field| field.is_flattened())?;
    Some(at(field.ident.span()))
}

/// Statements that write the columns of `fields` to `__out`; `value` is a reference to a field.
pub(crate) fn written(fields: &[Field<'_>], value: fn(&Field<'_>) -> TokenStream) -> TokenStream {
    let statements = fields
        .iter()
        .filter(|field| field.is_written())
        .map(|field| {
            let span = at(field.ident.span());
            if field.is_flattened() {
                let prefix = field.attrs.prefix.as_ref().map(|given| &given.value.text);
                let (ty, prefix, value) =
                    (field.ty, prefix.map_or("", String::as_str), value(field));
                return quote_spanned! {span=>
                    <#ty as __logeater::Column>::write_flat(#value, #prefix, __out);
                };
            }
            let key = format!(",\"{}\":", &field.name.text);
            let value = value(field);
            if let (Encoding::Itself, None) = (field.encoding(), refinement(&field.attrs)) {
                let ty = field.ty;
                return quote_spanned! {span=>
                    <#ty as __logeater::Column>::write_field(#value, #key, __out);
                };
            }
            let (method, value) = column_value(field, &value);
            quote_spanned!(span=> __out.#method(#key, #value);)
        });
    quote!(#(#statements)*)
}

/// Wants of each column's type what the impl needs of it.
pub(crate) fn bounds(fields: &[Field<'_>], bounds: &mut Bounds<'_>) {
    for field in fields.iter().filter(|field| field.is_flattened()) {
        let ty = field.ty;
        bounds.want(ty, &quote!(__logeater::Column<Shape: __logeater::Flat>));
    }
    for field in columns(fields) {
        let (ty, column) = (field.ty, column_type(field));
        match field.encoding() {
            Encoding::Itself => bounds.want(ty, &quote!(__logeater::Column)),
            Encoding::Json => bounds.want(ty, &quote!(__logeater::Serialize)),
            Encoding::Display => bounds.want(
                inside_option(ty).unwrap_or(ty),
                &quote!(__logeater::std::fmt::Display),
            ),
            Encoding::With(_) => {}
            Encoding::Unit(_) => bounds.want(ty, &quote!(__logeater::Span)),
            Encoding::Into(target) => {
                bounds.want(target, &quote!(__logeater::Column));
                bounds.want(
                    &quote!(for<'__any> #target),
                    &quote!(__logeater::std::convert::From<&'__any #ty>),
                );
            }
        }
        if field.attrs.required.is_some() {
            bounds.want(
                &quote!(<#column as __logeater::Column>::Shape),
                &quote!(__logeater::AlwaysPresent),
            );
        }
    }
}

fn columns<'f, 'a>(fields: &'f [Field<'a>]) -> impl Iterator<Item = &'f Field<'a>> {
    fields.iter().filter(|field| field.is_column())
}

/// The type that is a `Column`.
pub(crate) fn column_type(field: &Field<'_>) -> TokenStream {
    let ty = field.ty;
    let encoded = match field.encoding() {
        Encoding::Itself => quote!(#ty),
        Encoding::Json => quote!(__logeater::AsJson<#ty>),
        Encoding::Display => inside_option(ty).map_or_else(
            || quote!(__logeater::AsDisplay<#ty>),
            |inner| quote!(__logeater::std::option::Option<__logeater::AsDisplay<#inner>>),
        ),
        Encoding::With(adapter) => quote!(#adapter::Column),
        Encoding::Into(target) => quote!(#target),
        Encoding::Unit(nanos) => {
            quote_spanned!(at(ty.span())=> __logeater::InUnit<#ty, #nanos>)
        }
    };
    let span = at(ty.span());
    match refinement(&field.attrs) {
        Some((wrapper, limits)) => {
            quote_spanned!(span=> __logeater::#wrapper<#encoded, #(#limits),*>)
        }
        None => encoded,
    }
}

/// The type that holds a column to less than its own type, and its parameters behind that.
fn refinement(attrs: &Attrs) -> Option<(TokenStream, Vec<TokenStream>)> {
    if let Some(max) = &attrs.max_length {
        let max = &max.value;
        return Some((quote!(MaxLength), vec![quote!(#max)]));
    }
    if let Some(digits) = &attrs.numeric {
        let (precision, scale) = (digits.value.precision, digits.value.scale);
        return Some((quote!(Digits), vec![quote!(#precision), quote!(#scale)]));
    }
    attrs.int64.as_ref().map(|_| (quote!(Int64), Vec::new()))
}

/// The method of the writer, and a reference to the value that is a `Column`.
fn column_value(field: &Field<'_>, value: &TokenStream) -> (TokenStream, TokenStream) {
    let (method, encoded) = encoded_value(field, value);
    match refinement(&field.attrs) {
        Some((wrapper, limits)) => (
            method,
            quote!(&__logeater::#wrapper::<_, #(#limits),*>(#encoded)),
        ),
        None => (method, encoded),
    }
}

fn encoded_value(field: &Field<'_>, value: &TokenStream) -> (TokenStream, TokenStream) {
    let ty = field.ty;
    match field.encoding() {
        Encoding::Itself => (quote!(field), quote!(#value)),
        Encoding::Json => (quote!(json_field), quote!(#value)),
        Encoding::Display if inside_option(ty).is_some() => {
            let lifted =
                quote!(__logeater::std::option::Option::as_ref(#value).map(__logeater::AsDisplay));
            (quote!(field), quote!(&#lifted))
        }
        Encoding::Display => (quote!(field), quote!(&__logeater::AsDisplay(#value))),
        Encoding::With(adapter) => (quote!(field), quote!(&#adapter::column(#value))),
        Encoding::Into(target) => (
            quote!(field),
            quote!(&<#target as __logeater::std::convert::From<&#ty>>::from(#value)),
        ),
        Encoding::Unit(nanos) => (
            quote!(field),
            quote_spanned!(at(ty.span())=> &__logeater::InUnit::<_, #nanos>(#value)),
        ),
    }
}

/// The `T` of a type that is spelled `Option<T>`.
fn inside_option(ty: &Type) -> Option<&Type> {
    let path = match ty {
        Type::Group(group) => return inside_option(&group.elem),
        Type::Path(path) => &path.path,
        _ => return None,
    };
    let last = path.segments.last().filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

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
    quote!(&__logeater::columns([#(#columns),*]))
}

/// A column without its texts, and these.
fn declaration(field: &Field<'_>) -> TokenStream {
    let (ty, name, description) = (column_type(field), &field.name, &field.description);
    let mut column = quote_spanned!(at(field.ident.span())=> <#ty as __logeater::Column>::FIELD);
    if field.attrs.required.is_some() {
        column = quote_spanned! {at(field.ty.span())=>
            __logeater::required::<<#ty as __logeater::Column>::Shape>(#column)
        };
    }
    if let Some(tag) = &field.attrs.policy_tag {
        let tag = &tag.value;
        column = quote!(#column.policy_tag(#tag));
    }
    if refinement(&field.attrs).is_some() {
        column = quote_spanned! {at(field.ty.span())=>
            __logeater::refined(#column, <#ty as __logeater::Column>::PROBLEM)
        };
    }
    quote!((#column, #name, #description))
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
            parts.extend(quote!(__logeater::Part::Columns(&__logeater::columns([#(#columns),*])),));
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
            if let Encoding::Json = field.encoding() {
                return quote_spanned!(span=> __out.json_field(#key, #value););
            }
            let (ty, value) = (column_type(field), column_value(field, value));
            quote_spanned!(span=> <#ty as __logeater::Column>::write_field(#value, #key, __out);)
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
        let ty = field.ty;
        let shaped = match field.encoding() {
            Encoding::Itself => {
                bounds.want(ty, &quote!(__logeater::Column));
                Some(quote!(#ty))
            }
            Encoding::Json => {
                bounds.want(ty, &quote!(__logeater::Serialize));
                None
            }
            Encoding::Display => {
                let shown = inside_option(ty).unwrap_or(ty);
                bounds.want(shown, &quote!(__logeater::std::fmt::Display));
                None
            }
            Encoding::With(adapter) => Some(quote!(#adapter::Column)),
            Encoding::Unit(_) => {
                bounds.want(ty, &quote!(__logeater::Span));
                Some(quote!(#ty))
            }
            Encoding::Into(target) => {
                bounds.want(target, &quote!(__logeater::Column));
                bounds.want(
                    &quote!(for<'__any> #target),
                    &quote!(__logeater::std::convert::From<&'__any #ty>),
                );
                Some(quote!(#target))
            }
        };
        if let (Some(shaped), Some(_)) = (shaped, &field.attrs.required) {
            bounds.want(
                &quote!(<#shaped as __logeater::Column>::Shape),
                &quote!(__logeater::AlwaysPresent),
            );
        }
    }
}

fn columns<'f, 'a>(fields: &'f [Field<'a>]) -> impl Iterator<Item = &'f Field<'a>> {
    fields.iter().filter(|field| field.is_column())
}

/// The type that is a `Column`: the field's own, or one that has it by reference.
///
/// What a column declares and how it is written name this type alike: so the compiler says once, and not twice, what
/// is wrong with it.
pub(crate) fn column_type(field: &Field<'_>) -> TokenStream {
    let (ty, span) = (field.ty, at(field.ty.span()));
    let encoded = match field.encoding() {
        Encoding::Itself => quote!(#ty),
        Encoding::Json => quote!(__logeater::AsJson<#ty>),
        Encoding::Display => inside_option(ty).map_or_else(
            || quote!(__logeater::AsDisplay<__logeater::Ref<'_, #ty>>),
            |inner| quote!(__logeater::std::option::Option<__logeater::AsDisplay<__logeater::Ref<'_, #inner>>>),
        ),
        Encoding::With(adapter) => quote!(#adapter::Column),
        Encoding::Into(target) => quote!(#target),
        Encoding::Unit(nanos) => quote_spanned!(span=> __logeater::InUnit<__logeater::Ref<'_, #ty>, #nanos>),
    };
    match refinement(&field.attrs) {
        Some((wrapper, limits)) => {
            quote_spanned!(span=> __logeater::#wrapper<__logeater::Ref<'_, #encoded>, #(#limits),*>)
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

/// A reference to the value that is a `Column`; `value` is one to the field.
fn column_value(field: &Field<'_>, value: TokenStream) -> TokenStream {
    let (ty, span) = (field.ty, at(field.ty.span()));
    let encoded = match field.encoding() {
        Encoding::Itself | Encoding::Json => value,
        Encoding::Display if inside_option(ty).is_some() => {
            quote!(&__logeater::std::option::Option::as_ref(#value).map(__logeater::AsDisplay))
        }
        Encoding::Display => quote!(&__logeater::AsDisplay(#value)),
        Encoding::With(adapter) => quote!(&#adapter::column(#value)),
        Encoding::Into(target) => {
            quote!(&<#target as __logeater::std::convert::From<&#ty>>::from(#value))
        }
        Encoding::Unit(nanos) => {
            quote_spanned!(span=> &__logeater::InUnit::<_, #nanos>(#value))
        }
    };
    match refinement(&field.attrs) {
        Some((wrapper, limits)) => quote!(&__logeater::#wrapper::<_, #(#limits),*>(#encoded)),
        None => encoded,
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

//! `#[derive(Column)]`: from the checked model to tokens.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Ident, Result, Type};

use crate::check;
use crate::column_input::{Body, Column, DataVariant, Label, VariantData, Variants};
use crate::errors::Errors;
use crate::field::Field;
use crate::fields::{
    at, binding, bounds, declared, first_flattened, own, own_field, parts, written,
};
use crate::generics::{Bounds, static_arguments};
use crate::names::{Name, json_string};

/// Implements `Column` for a type.
///
/// # Errors
///
/// All that is wrong with it, combined.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let column = Column::read(input, &mut errors);
    check::column(&column, &mut errors);
    errors.finish()?;
    let items = match &column.body {
        Body::Newtype(inner) => newtype(&column, inner),
        Body::Record(fields) => record(&column, fields),
        Body::Labels(labels) => text(&column, labels),
        Body::Variants(variants) => tagged(&column, variants),
        Body::Refused => TokenStream::new(),
    };
    Ok(column.item.scope(&items))
}

/// A newtype is its inner column, and stands in the envelope where that can.
fn newtype(column: &Column<'_>, inner: &Type) -> TokenStream {
    let span = at(inner.span());
    let forward = quote_spanned!(span=> <#inner as __logeater::Column>);
    let description = newtype_description(column, &forward);
    let mut wanted = Bounds::new(column.item.generics);
    wanted.want(inner, &quote!(__logeater::Column));
    let (shape, list) = (projected(inner, "Shape"), projected(inner, "List"));
    let implementation = implementation(
        column,
        &wanted,
        &quote_spanned! {span=>
            type Shape = #shape;
            type List = #list;
            const TYPE: __logeater::ColumnType = #forward::TYPE;
            const LIST_TYPE: __logeater::ColumnType = #forward::LIST_TYPE;
            const FIELDS: &'static [__logeater::FieldSchema] = #forward::FIELDS;
            const LIMITS: __logeater::Limits = #forward::LIMITS;
            const DESCRIPTION: &'static __logeater::std::primitive::str = #description;
            fn write(&self, __out: &mut __logeater::JsonWriter<'_>) {
                #forward::write(&self.0, __out)
            }
            fn is_absent(&self) -> __logeater::std::primitive::bool {
                #forward::is_absent(&self.0)
            }
            fn write_list<'__items>(
                __items: impl __logeater::std::iter::IntoIterator<Item = &'__items Self>,
                __out: &mut __logeater::JsonWriter<'_>,
            )
            where
                Self: '__items,
            {
                #forward::write_list(
                    __logeater::std::iter::Iterator::map(
                        __logeater::std::iter::IntoIterator::into_iter(__items),
                        |__item| &__item.0,
                    ),
                    __out,
                )
            }
        },
    );
    let envelope = newtype_envelope(column, inner);
    quote!(#implementation #envelope)
}

/// What `inner` has of that name, and in its very place: so the compiler says once, and not twice, that it is no
/// column.
fn projected(inner: &Type, name: &str) -> TokenStream {
    let mut spans = inner
        .to_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    let begin = quote_spanned!(first=> <);
    let name = Ident::new(name, spans.last().unwrap_or(first));
    quote_spanned!(at(inner.span())=> #begin #inner as __logeater::Column>::#name)
}

fn newtype_description(column: &Column<'_>, forward: &TokenStream) -> TokenStream {
    let own = &column.description;
    if own.is_empty() {
        quote!(#forward::DESCRIPTION)
    } else {
        quote!(__logeater::inner_or_own(#forward::DESCRIPTION, #own))
    }
}

/// A newtype of what names a user names one, and that of a moment is one.
///
/// The bounds are not known to be false where they stand, thanks to the lifetime: the impls compile for any
/// inner type, and hold for those that do.
fn newtype_envelope(column: &Column<'_>, inner: &Type) -> TokenStream {
    let (ident, generics, allow) = (
        own(column.item.ident),
        column.item.generics,
        column.item.allow(),
    );
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let own = generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    let own = quote!(#(#own,)*);
    quote_spanned! {at(inner.span())=>
        #[automatically_derived]
        #allow
        impl #impl_generics __logeater::UserId for #ident #type_generics
        where
            #own
            for<'__any> #inner: __logeater::UserId,
        {
            fn user_id(&self) -> __logeater::std::option::Option<__logeater::std::borrow::Cow<'_, __logeater::std::primitive::str>> {
                __logeater::UserId::user_id(&self.0)
            }
        }
        #[automatically_derived]
        #allow
        impl #impl_generics __logeater::EventTime for #ident #type_generics
        where
            #own
            for<'__any> #inner: __logeater::EventTime,
        {
            fn event_time(&self) -> __logeater::std::option::Option<__logeater::std::time::SystemTime> {
                __logeater::EventTime::event_time(&self.0)
            }
        }
    }
}

/// A struct is a RECORD.
fn record(column: &Column<'_>, fields: &[Field<'_>]) -> TokenStream {
    let columns = columns(column, fields);
    let members = written(fields, own_field);
    let description = description(&column.description);
    let mut wanted = Bounds::new(column.item.generics);
    bounds(fields, &mut wanted);
    let check = first_flattened(fields).and_then(|place| check_early(column, place));
    let implementation = implementation(
        column,
        &wanted,
        &quote! {
            type Shape = __logeater::One;
            type List = __logeater::Many;
            const TYPE: __logeater::ColumnType = __logeater::ColumnType::Record;
            #columns
            #description
            fn write(&self, __out: &mut __logeater::JsonWriter<'_>) {
                let __object = __out.begin_object();
                #members
                __out.end_object(__object);
            }
        },
    );
    quote!(#implementation #check)
}

/// The constants that have the columns of a RECORD.
fn columns(column: &Column<'_>, fields: &[Field<'_>]) -> TokenStream {
    let (columns, parts) = match first_flattened(fields) {
        None => (declared(fields), None),
        Some(place) => {
            let parts = parts(fields);
            let parts = quote!(const PARTS: &'static [__logeater::Part] = #parts;);
            (
                quote_spanned!(place=> __logeater::flat_record::<Self>()),
                Some(parts),
            )
        }
    };
    let span = own(column.item.ident).span();
    quote_spanned! {span=>
        const FIELDS: &'static [__logeater::FieldSchema] = #columns;
        #parts
    }
}

/// Finds what is wrong with flattened fields where they stand, and not where an event first uses the type.
fn check_early(column: &Column<'_>, place: Span) -> Option<TokenStream> {
    let (ident, arguments) = (
        own(column.item.ident),
        static_arguments(column.item.generics)?,
    );
    Some(quote_spanned! {place=>
        const _: &[__logeater::FieldSchema] = <#ident #arguments as __logeater::Column>::FIELDS;
    })
}

/// An enum without data is a STRING, whose values its description lists.
fn text(column: &Column<'_>, labels: &[Label<'_>]) -> TokenStream {
    let arms = labels.iter().map(|label| {
        let (variant, json) = (own(label.ident), json_string(&label.text.text));
        quote!(Self::#variant { .. } => #json,)
    });
    let gap = if column.description.is_empty() {
        ""
    } else {
        " "
    };
    let description = format!("{}{gap}{}", column.description, one_of(labels.iter()));
    let description = self::description(&description);
    implementation(
        column,
        &Bounds::new(column.item.generics),
        &quote! {
            type Shape = __logeater::One;
            type List = __logeater::Many;
            const TYPE: __logeater::ColumnType = __logeater::ColumnType::String;
            #description
            fn write(&self, __out: &mut __logeater::JsonWriter<'_>) {
                __out.raw(match self { #(#arms)* });
            }
        },
    )
}

/// What the description of a column of values ends with.
fn one_of<'l, 'a: 'l>(labels: impl Iterator<Item = &'l Label<'a>>) -> String {
    let listed = labels
        .map(|label| format!("`{}`", label.text.text))
        .collect::<Vec<_>>()
        .join(", ");
    format!("One of: {listed}.")
}

/// An enum with data is a RECORD: which variant it is, and one RECORD for each variant with data.
fn tagged(column: &Column<'_>, Variants { kind, variants }: &Variants<'_>) -> TokenStream {
    let values = one_of(variants.iter().map(|variant| &variant.label));
    let columns = variants.iter().filter_map(variant_column);
    let arms = variants.iter().map(|variant| write_variant(kind, variant));
    let description = description(&column.description);
    let columns = quote! {
        &__logeater::columns([
            (<__logeater::std::primitive::str as __logeater::Column>::FIELD, #kind, #values),
            #(#columns),*
        ])
    };
    let mut wanted = Bounds::new(column.item.generics);
    for variant in variants {
        match &variant.data {
            VariantData::Nothing => {}
            VariantData::Fields(fields) => bounds(fields, &mut wanted),
            VariantData::Value(ty) => wanted.want(ty, &quote!(__logeater::Column)),
        }
    }
    implementation(
        column,
        &wanted,
        &quote! {
            type Shape = __logeater::One;
            type List = __logeater::Many;
            const TYPE: __logeater::ColumnType = __logeater::ColumnType::Record;
            const FIELDS: &'static [__logeater::FieldSchema] = #columns;
            #description
            fn write(&self, __out: &mut __logeater::JsonWriter<'_>) {
                let __object = __out.begin_object();
                match self { #(#arms)* }
                __out.end_object(__object);
            }
        },
    )
}

fn variant_column(variant: &DataVariant<'_>) -> Option<TokenStream> {
    let (name, description) = (&variant.label.text, &variant.description);
    match &variant.data {
        VariantData::Nothing => None,
        VariantData::Fields(fields) => {
            let columns = declared(fields);
            Some(quote!((__logeater::record(#columns), #name, #description)))
        }
        VariantData::Value(ty) => Some(quote_spanned! {at(ty.span())=>
            (<#ty as __logeater::Column>::VARIANT, #name, #description)
        }),
    }
}

fn write_variant(kind: &Name, variant: &DataVariant<'_>) -> TokenStream {
    let (ident, text) = (own(variant.label.ident), &variant.label.text.text);
    let key = format!(",\"{text}\":");
    let kind = format!(",\"{}\":{}", kind.text, json_string(text));
    match &variant.data {
        VariantData::Nothing => quote!(Self::#ident { .. } => __out.raw(#kind),),
        VariantData::Fields(fields) => {
            let bindings = fields
                .iter()
                .filter(|field| field.is_written())
                .map(|field| {
                    let (ident, binding) = (own(field.ident), binding(field));
                    quote!(#ident: #binding,)
                });
            let members = written(fields, binding);
            let opening = format!("{kind}{key}");
            quote! {
                Self::#ident { #(#bindings)* .. } => {
                    __out.raw(#opening);
                    let __variant = __out.begin_object();
                    #members
                    __out.end_object(__variant);
                }
            }
        }
        VariantData::Value(ty) => quote! {
            Self::#ident(__value) => {
                __out.raw(#kind);
                <#ty as __logeater::Column>::write_variant(__value, #key, __out);
            }
        },
    }
}

fn description(text: &str) -> Option<TokenStream> {
    (!text.is_empty())
        .then(|| quote!(const DESCRIPTION: &'static __logeater::std::primitive::str = #text;))
}

fn implementation(column: &Column<'_>, wanted: &Bounds<'_>, body: &TokenStream) -> TokenStream {
    let (ident, allow) = (own(column.item.ident), column.item.allow());
    let (impl_generics, type_generics, _) = column.item.generics.split_for_impl();
    let where_clause = wanted.where_clause();
    quote! {
        #[automatically_derived]
        #allow
        impl #impl_generics __logeater::Column for #ident #type_generics #where_clause {
            #body
        }
    }
}

//! What stands in for an impl after an error, so that the user reads that error and none that follow from it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error};

use crate::attr::Attrs;
use crate::errors::Errors;
use crate::item::scope;
use crate::place::Place;

/// The errors, and an impl of `Event` without event types.
pub(crate) fn event(input: &DeriveInput, error: &Error) -> TokenStream {
    let body = quote! {
        const TYPES: &'static [__logeater::EventType] = &[];
        fn event_type(&self) -> &'static __logeater::EventType {
            __logeater::std::unreachable!()
        }
        fn write_details(&self, _: &mut __logeater::JsonWriter<'_>) {}
    };
    implementation(
        input,
        Place::Event,
        error,
        &quote!(__logeater::Event),
        &body,
    )
}

/// The errors, and an impl of `Column` that writes nothing.
pub(crate) fn column(input: &DeriveInput, error: &Error) -> TokenStream {
    let body = quote! {
        type Shape = __logeater::One;
        type List = __logeater::Many;
        const TYPE: __logeater::ColumnType = __logeater::ColumnType::String;
        fn write(&self, _: &mut __logeater::JsonWriter<'_>) {}
    };
    implementation(
        input,
        Place::Column,
        error,
        &quote!(__logeater::Column),
        &body,
    )
}

fn implementation(
    input: &DeriveInput,
    place: Place,
    error: &Error,
    name: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    // What is wrong with the attributes has been said.
    let krate = Attrs::read(&input.attrs, place, &mut Errors::default()).krate();
    let (ident, errors) = (&input.ident, error.to_compile_error());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let implementation = scope(
        &krate,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #name for #ident #type_generics #where_clause {
                #body
            }
        },
    );
    quote!(#errors #implementation)
}

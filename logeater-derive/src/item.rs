//! The model of a derived type as a whole: all that is not in its parts.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Generics, Ident, Meta};

use crate::attr::Attrs;
use crate::generics::mentions;

/// The type itself.
pub(crate) struct Item<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    /// The path of the crate whose items the output names.
    krate: TokenStream,
    /// Whether an attribute on it or on a part of it allows what is deprecated.
    allows_deprecated: bool,
}

impl<'a> Item<'a> {
    /// Reads the type, on which `attrs` stand.
    pub(crate) fn new(input: &'a DeriveInput, attrs: &Attrs) -> Self {
        let lists = parts(&input.data).chain([&input.attrs]);
        let allows_deprecated = lists.flatten().any(allows_deprecated);
        Self {
            ident: &input.ident,
            generics: &input.generics,
            krate: attrs.krate(),
            allows_deprecated,
        }
    }

    /// Puts `items` where they find what they name.
    pub(crate) fn scope(&self, items: &TokenStream) -> TokenStream {
        scope(&self.krate, items)
    }

    /// For deprecated types of fields, which who allowed them once need not hear of again.
    pub(crate) fn allow(&self) -> Option<TokenStream> {
        self.allows_deprecated.then(|| quote!(#[allow(deprecated)]))
    }
}

/// Puts `items` where `__logeater` is what `krate` has for them: short paths compile in less time.
pub(crate) fn scope(krate: &TokenStream, items: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            use #krate::__private as __logeater;
            #items
        };
    }
}

/// To allow it without being asked would be refused where a crate forbids it.
fn allows_deprecated(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    let lints = ["deprecated", "warnings"].map(|lint| Ident::new(lint, Span::call_site()));
    (list.path.is_ident("allow") || list.path.is_ident("expect"))
        && mentions(list.tokens.clone(), &lints.each_ref())
}

/// The attributes of all fields and variants.
fn parts(data: &Data) -> Box<dyn Iterator<Item = &Vec<Attribute>> + '_> {
    match data {
        Data::Struct(data) => Box::new(data.fields.iter().map(|field| &field.attrs)),
        Data::Enum(data) => Box::new(data.variants.iter().flat_map(|variant| {
            let fields = variant.fields.iter().map(|field| &field.attrs);
            fields.chain([&variant.attrs])
        })),
        Data::Union(_) => Box::new([].into_iter()),
    }
}

//! Bounds for generic types, inferred from the types of their fields.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Ident};

/// The bounds that an impl needs besides those that the type has.
pub(crate) struct Bounds<'a> {
    generics: &'a Generics,
    parameters: Vec<&'a Ident>,
    inferred: Vec<TokenStream>,
}

impl<'a> Bounds<'a> {
    /// No bounds yet.
    pub(crate) fn new(generics: &'a Generics) -> Self {
        let parameters = generics
            .type_params()
            .map(|parameter| &parameter.ident)
            .collect();
        Self {
            generics,
            parameters,
            inferred: Vec::new(),
        }
    }

    /// Wants `ty: bound`, if that depends on a type parameter.
    pub(crate) fn want(&mut self, ty: &impl ToTokens, bound: &impl ToTokens) {
        if self.parameters.is_empty() {
            return;
        }
        let wanted = quote!(#ty: #bound);
        if mentions(wanted.clone(), &self.parameters) {
            self.inferred.push(wanted);
        }
    }

    /// The where clause of the impl.
    pub(crate) fn where_clause(&self) -> TokenStream {
        let own = self
            .generics
            .where_clause
            .iter()
            .flat_map(|clause| &clause.predicates);
        let inferred = &self.inferred;
        quote!(where #(#own,)* #(#inferred,)*)
    }
}

/// Whether one of `names` stands in `tokens` for itself, and not behind a `::`.
pub(crate) fn mentions(tokens: TokenStream, names: &[&Ident]) -> bool {
    let mut behind_colon = false;
    for token in tokens {
        let found = match &token {
            TokenTree::Ident(ident) => !behind_colon && names.contains(&ident),
            TokenTree::Group(group) => mentions(group.stream(), names),
            _ => false,
        };
        if found {
            return true;
        }
        behind_colon = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
    }
    false
}

/// The arguments of the type with `'static` for its lifetimes, if it has no other parameters: the one type
/// that a program can list.
pub(crate) fn static_arguments(generics: &Generics) -> Option<TokenStream> {
    let is_lifetime = |parameter| matches!(parameter, &GenericParam::Lifetime(_));
    if !generics.params.iter().all(is_lifetime) {
        return None;
    }
    let lifetimes = generics.lifetimes().map(|_| quote!('static));
    Some(if generics.params.is_empty() {
        TokenStream::new()
    } else {
        quote!(<#(#lifetimes),*>)
    })
}

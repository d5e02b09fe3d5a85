//! `#[derive(Event)]`: from the checked model to tokens.

use std::collections::HashMap;
use std::mem;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Ident, Result};

use crate::check;
use crate::errors::Errors;
use crate::event_input::{Event, EventType};
use crate::field::{Field, Role};
use crate::fields::{
    at, binding, bounds, column_type, declared, first_flattened, own, own_field, parts, written,
};
use crate::generics::{Bounds, static_arguments};

/// Implements `Event` for a type.
///
/// # Errors
///
/// All that is wrong with it, combined.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let event = Event::read(input, &mut errors);
    check::event(&event, &mut errors);
    errors.finish()?;
    Ok(expand(&event))
}

fn expand(event: &Event<'_>) -> TokenStream {
    let (ident, allow) = (own(event.item.ident), event.item.allow());
    let (impl_generics, type_generics, _) = event.item.generics.split_for_impl();
    let where_clause = where_clause(event);
    let types = event
        .types
        .iter()
        .enumerate()
        .map(|(index, event_type)| declaration(event, event_type, index));
    let parts = flattened_parts(event);
    let mut early = same_columns(event);
    // Where a check needs the parameters of the type it stands within, and the first that fails hides the next.
    let late = if event.item.generics.params.is_empty() {
        Vec::new()
    } else {
        mem::take(&mut early)
    };
    let event_type = event_type(event);
    let user_id = user_id(event);
    let timestamp = timestamp(event);
    let write_details = write_details(event);
    let registration = registration(event);
    let types = one_table(event, quote!(&[#(#types),*]));
    event.item.scope(&quote! {
        #[automatically_derived]
        #allow
        impl #impl_generics __logeater::Event for #ident #type_generics #where_clause {
            const TYPES: &'static [__logeater::EventType] = { #(#late;)* #types };
            #parts
            #event_type
            #user_id
            #timestamp
            #write_details
        }
        #(#allow const _: () = #early;)*
        #registration
    })
}

fn where_clause(event: &Event<'_>) -> TokenStream {
    let mut wanted = Bounds::new(event.item.generics);
    for event_type in &event.types {
        bounds(&event_type.fields, &mut wanted);
        for field in &event_type.fields {
            match field.role() {
                Role::UserId => wanted.want(field.ty, &quote!(__logeater::UserId)),
                Role::Timestamp => wanted.want(field.ty, &quote!(__logeater::EventTime)),
                Role::Column | Role::Skipped | Role::Flattened => {}
            }
        }
    }
    wanted.where_clause()
}

/// One element of `TYPES`.
fn declaration(event: &Event<'_>, event_type: &EventType<'_>, index: usize) -> TokenStream {
    let (name, description) = (&event_type.name, &event_type.description);
    let source = source(event, event_type);
    if let Some(place) = first_flattened(&event_type.fields) {
        return quote_spanned! {place=>
            __logeater::flat_event_type::<Self, #index>(#name, #description, #source)
        };
    }
    let fields = declared(&event_type.fields);
    let span = at(event_type.ident.span());
    quote_spanned!(span=> __logeater::event_type(#name, #description, #fields, #source))
}

/// What event types with flattened fields are joined of.
fn flattened_parts(event: &Event<'_>) -> Option<TokenStream> {
    let has_flattened = |event_type: &EventType<'_>| first_flattened(&event_type.fields).is_some();
    if !event.types.iter().any(has_flattened) {
        return None;
    }
    let parts = event.types.iter().map(|event_type| {
        if has_flattened(event_type) {
            parts(&event_type.fields)
        } else {
            quote!(&[])
        }
    });
    Some(quote! {
        const PARTS: &'static [&'static [__logeater::Part]] = &[#(#parts),*];
    })
}

/// Checks what no derive can see: the columns of several variants of which some are flattened.
fn one_table(event: &Event<'_>, types: TokenStream) -> TokenStream {
    let mut fields = event.types.iter().map(|event_type| &event_type.fields);
    match fields.find_map(|fields| first_flattened(fields)) {
        Some(place) if event.is_enum => quote_spanned!(place=> __logeater::one_table(#types)),
        _ => types,
    }
}

fn source(event: &Event<'_>, event_type: &EventType<'_>) -> TokenStream {
    let mut path = format!("::{}", event.item.ident.unraw());
    if event.is_enum {
        path = format!("{path}::{}", event_type.ident.unraw());
    }
    let (file, line) = place(event_type.ident.span());
    quote! {
        __logeater::Source::new(
            __logeater::std::concat!(__logeater::std::module_path!(), #path),
            #file,
            #line,
        )
    }
}

/// The file and the line of an identifier. `file!()` and `line!()` would be those of the derive, or of the
/// macro around it.
fn place(span: Span) -> (String, u32) {
    if !proc_macro::is_available() {
        return (String::new(), 0);
    }
    let span = span.unwrap();
    (span.file(), u32::try_from(span.line()).unwrap_or(u32::MAX))
}

/// Checks that a column of several variants has one type. Types that are spelled alike are alike.
fn same_columns(event: &Event<'_>) -> Vec<TokenStream> {
    let mut checks = Vec::new();
    if !event.is_enum {
        return checks;
    }
    let mut seen = HashMap::new();
    for event_type in &event.types {
        for field in event_type.fields.iter().filter(|field| field.is_column()) {
            let (name, ty) = (&field.name.text, column_type(field));
            let Some((first, first_type)) = seen.get(name) else {
                seen.insert(name, (event_type.ident, ty));
                continue;
            };
            if first_type.to_string() != ty.to_string() {
                let message = two_types(name, first, event_type.ident);
                let span = at(field.ty.span());
                checks.push(quote_spanned! {span=>
                    __logeater::same_column(
                        <#first_type as __logeater::Column>::FIELD,
                        <#ty as __logeater::Column>::FIELD,
                        #message,
                    )
                });
            }
        }
    }
    checks
}

fn two_types(name: &str, first: &Ident, second: &Ident) -> String {
    format!(
        "the variants `{first}` and `{second}` share a table and give its column `{name}` two types: \
         write one type, or `#[event(rename = \"…\")]` on one of them"
    )
}

/// Which of several types a value has.
fn event_type(event: &Event<'_>) -> Option<TokenStream> {
    if !event.is_enum {
        return None;
    }
    let arms = event.types.iter().enumerate().map(|(index, event_type)| {
        let variant = own(event_type.ident);
        quote!(Self::#variant { .. } => #index,)
    });
    Some(quote! {
        fn event_type(&self) -> &'static __logeater::EventType {
            &<Self as __logeater::Event>::TYPES[match self { #(#arms)* }]
        }
    })
}

fn user_id(event: &Event<'_>) -> Option<TokenStream> {
    let body = envelope(event, Role::UserId, &quote!(UserId::user_id))?;
    let std = quote!(__logeater::std);
    Some(quote! {
        fn user_id(&self) -> #std::option::Option<#std::borrow::Cow<'_, #std::primitive::str>> {
            #body
        }
    })
}

fn timestamp(event: &Event<'_>) -> Option<TokenStream> {
    let body = envelope(event, Role::Timestamp, &quote!(EventTime::event_time))?;
    Some(quote! {
        fn timestamp(&self) -> __logeater::std::option::Option<__logeater::std::time::SystemTime> {
            #body
        }
    })
}

/// Calls `method` with the field of that role; `None` if no event type has one.
fn envelope(event: &Event<'_>, role: Role, method: &TokenStream) -> Option<TokenStream> {
    let field_of = |event_type| marked(event_type, role);
    event.types.iter().find_map(field_of)?;
    let call = |field: &Field<'_>, value: TokenStream| quote_spanned!(at(field.ty.span())=> __logeater::#method(#value));
    if !event.is_enum {
        let field = event.types.iter().find_map(field_of)?;
        return Some(call(field, own_field(field)));
    }
    let arms = event.types.iter().map(|event_type| {
        let variant = own(event_type.ident);
        let Some(field) = field_of(event_type) else {
            return quote!(Self::#variant { .. } => __logeater::std::option::Option::None,);
        };
        let (ident, bound, call) = (
            own(field.ident),
            binding(field),
            call(field, binding(field)),
        );
        quote!(Self::#variant { #ident: #bound, .. } => #call,)
    });
    Some(quote!(match self { #(#arms)* }))
}

fn marked<'f, 'a>(event_type: &'f EventType<'a>, role: Role) -> Option<&'f Field<'a>> {
    event_type.fields.iter().find(|field| field.role() == role)
}

fn write_details(event: &Event<'_>) -> TokenStream {
    let types = event.types.iter();
    let members: TokenStream = if event.is_enum {
        let arms = types.map(|event_type| write_variant(event_type));
        quote!(match self { #(#arms)* })
    } else {
        types
            .map(|event_type| written(&event_type.fields, own_field))
            .collect()
    };
    quote! {
        fn write_details(&self, __out: &mut __logeater::JsonWriter<'_>) {
            let __object = __out.begin_object();
            #members
            __out.end_object(__object);
        }
    }
}

fn write_variant(event_type: &EventType<'_>) -> TokenStream {
    let variant = own(event_type.ident);
    let columns = event_type.fields.iter().filter(|field| field.is_written());
    let bindings = columns.map(|field| {
        let (ident, binding) = (own(field.ident), binding(field));
        quote!(#ident: #binding,)
    });
    let statements = written(&event_type.fields, binding);
    quote!(Self::#variant { #(#bindings)* .. } => { #statements })
}

/// Lists the event types among those of the program.
fn registration(event: &Event<'_>) -> Option<TokenStream> {
    let (ident, arguments) = (
        own(event.item.ident),
        static_arguments(event.item.generics)?,
    );
    Some(quote!(__logeater::register! { #ident #arguments }))
}

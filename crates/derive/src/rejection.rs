//! `Rejection`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, LitStr, Path};

use crate::attributes::{Entries, name_or, refuse_duplicates};
use crate::errors::Errors;
use crate::message::refuse_generics;

/// A variant, or the struct.
struct Case<'a> {
    /// `Self::Variant`, or `Self`.
    path: TokenStream,
    code: LitStr,
    fields: &'a Fields,
}

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    refuse_generics(input, &mut errors);
    let (container, cases) = read(input, &mut errors);
    refuse_duplicates(cases.iter().map(|case| &case.code), "code", &mut errors);
    let core = container.core();
    let codes = cases
        .iter()
        .map(|Case { path, code, .. }| quote!(#path { .. } => #code));
    let fields: Vec<_> = cases
        .iter()
        .map(|case| expand_fields(&core, case, &mut errors))
        .collect();
    errors.check()?;
    let ident = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        #[allow(deprecated, reason = "the type says so to its users, not to this")]
        impl #core::Rejection for #ident {
            fn code(&self) -> &'static str {
                match self { #(#codes,)* }
            }

            fn fields(&self) -> ::std::vec::Vec<(&'static str, #core::codec::json::Value)> {
                match self { #(#fields,)* }
            }
        }
    })
}

fn read<'a>(input: &'a DeriveInput, errors: &mut Errors) -> (Entries, Vec<Case<'a>>) {
    match &input.data {
        Data::Struct(data) => {
            let container = Entries::read(&input.attrs, &["code", "crate"], errors);
            let case = Case {
                path: quote!(Self),
                code: name_or(container.code.as_ref(), &input.ident),
                fields: &data.fields,
            };
            (container, vec![case])
        }
        Data::Enum(data) => {
            let container = Entries::read(&input.attrs, &["crate"], errors);
            if data.variants.is_empty() {
                errors.add(
                    &input.ident,
                    "add a variant, or use `seriatim::Never` for an aggregate that rejects nothing",
                );
            }
            let case = |variant: &'a syn::Variant| {
                let ident = &variant.ident;
                let entries = Entries::read(&variant.attrs, &["code"], errors);
                Case {
                    path: quote!(Self::#ident),
                    code: name_or(entries.code.as_ref(), ident),
                    fields: &variant.fields,
                }
            };
            let cases = data.variants.iter().map(case).collect();
            (container, cases)
        }
        Data::Union(data) => {
            errors.add(
                data.union_token,
                "a union is no error type; make it an enum",
            );
            (Entries::default(), Vec::new())
        }
    }
}

/// Returns the match arm that lists a case's fields.
fn expand_fields(core: &Path, case: &Case<'_>, errors: &mut Errors) -> TokenStream {
    let mut bindings = Vec::new();
    let mut values = Vec::new();
    for (at, field) in case.fields.iter().enumerate() {
        if Entries::read(&field.attrs, &["skip"], errors).skip {
            continue;
        }
        let index = syn::Index::from(at);
        let (member, name) = match &field.ident {
            Some(ident) => (quote!(#ident), name_or(None, ident)),
            None => (
                quote!(#index),
                LitStr::new(&at.to_string(), proc_macro2::Span::call_site()),
            ),
        };
        // Spanned at the type, where a missing `Serialize` must be reported.
        let binding = format_ident!("field_{at}", span = syn::spanned::Spanned::span(&field.ty));
        bindings.push(quote!(#member: #binding));
        values.push(quote!((#name, #core::codec::json::field_value(#binding))));
    }
    let path = &case.path;
    quote!(#path { #(#bindings,)* .. } => ::std::vec![#(#values),*])
}

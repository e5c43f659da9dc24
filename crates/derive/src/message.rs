//! `Message`, and with it `Event` or `Command`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, LitStr, Path, Variant};

use crate::attributes::{Codec, Entries, name_or, refuse_duplicates};
use crate::errors::Errors;
use crate::{json, protobuf, serde_rules};

/// The role of a message in a domain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Event,
    Command,
}

/// A variant, or the struct, with the names under which it is stored.
pub(crate) struct Case<'a> {
    /// `None` if the type is a struct.
    pub(crate) variant: Option<&'a Variant>,
    pub(crate) fields: &'a Fields,
    /// The name given by `name`.
    pub(crate) said: Option<LitStr>,
    /// The given name, or its own.
    pub(crate) name: LitStr,
    pub(crate) aliases: Vec<LitStr>,
}

/// A checked type.
pub(crate) struct Message<'a> {
    pub(crate) ident: &'a Ident,
    /// The path by which the generated code finds `seriatim_core`.
    pub(crate) core: Path,
    pub(crate) cases: Vec<Case<'a>>,
}

pub(crate) fn expand(input: &DeriveInput, role: Role) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let container = Entries::read(&input.attrs, container_entries(input, role), &mut errors);
    refuse_generics(input, &mut errors);
    let cases = match &input.data {
        Data::Struct(data) => {
            read_fields(&data.fields, &mut errors);
            vec![Case {
                variant: None,
                fields: &data.fields,
                said: container.name.clone(),
                name: name_or(container.name.as_ref(), &input.ident),
                aliases: container.aliases.clone(),
            }]
        }
        Data::Enum(data) => {
            if container.codec() == Codec::Json {
                serde_rules::check(input, data, &mut errors);
            }
            read_variants(input, data, role, &mut errors)
        }
        Data::Union(data) => {
            errors.add(
                data.union_token,
                "a union has no stored form; make it an enum",
            );
            Vec::new()
        }
    };
    refuse_duplicates(cases.iter().flat_map(names), "name", &mut errors);
    let message = Message {
        ident: &input.ident,
        core: container.core(),
        cases,
    };
    let stored = match container.codec() {
        Codec::Json => json::expand(&message),
        Codec::Protobuf => protobuf::expand(&message, &mut errors),
    };
    errors.check()?;
    let role = expand_role(&message, role, container.canonical.as_ref());
    Ok(quote!(#stored #role))
}

fn container_entries(input: &DeriveInput, role: Role) -> &'static [&'static str] {
    match (&input.data, role) {
        (Data::Struct(_), Role::Event) => &["name", "alias", "codec", "canonical", "crate"],
        (Data::Struct(_), Role::Command) => &["name", "alias", "codec", "crate"],
        (Data::Enum(_) | Data::Union(_), Role::Event) => &["codec", "canonical", "crate"],
        (Data::Enum(_) | Data::Union(_), Role::Command) => &["codec", "crate"],
    }
}

/// Fails if there are generic parameters: a type name stands for one type.
pub(crate) fn refuse_generics(input: &DeriveInput, errors: &mut Errors) {
    if !input.generics.params.is_empty() {
        errors.add(
            &input.generics,
            "a type name stands for one type; write the type without generic parameters",
        );
    }
}

fn read_variants<'a>(
    input: &DeriveInput,
    data: &'a DataEnum,
    role: Role,
    errors: &mut Errors,
) -> Vec<Case<'a>> {
    if data.variants.is_empty() {
        let advice = match role {
            Role::Event => "an aggregate without events keeps nothing; add a variant",
            Role::Command => {
                "add a variant, or use `seriatim::Never` for an aggregate that takes no commands"
            }
        };
        errors.add(&input.ident, advice);
    }
    let read = |variant: &'a Variant| {
        let entries = Entries::read(&variant.attrs, &["name", "alias"], errors);
        read_fields(&variant.fields, errors);
        Case {
            variant: Some(variant),
            fields: &variant.fields,
            name: name_or(entries.name.as_ref(), &variant.ident),
            said: entries.name,
            aliases: entries.aliases,
        }
    };
    data.variants.iter().map(read).collect()
}

fn read_fields(fields: &Fields, errors: &mut Errors) {
    for field in fields {
        Entries::read(&field.attrs, &[], errors);
    }
}

fn names<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a LitStr> {
    std::iter::once(&case.name).chain(&case.aliases)
}

fn expand_role(message: &Message<'_>, role: Role, canonical: Option<&Path>) -> TokenStream {
    let Message { ident, core, .. } = message;
    let canonical = canonical.map(|function| {
        quote! {
            fn canonical(&self) -> ::std::borrow::Cow<'_, Self> {
                ::std::borrow::Cow::Owned(#function(self))
            }
        }
    });
    match role {
        Role::Event => quote! {
            #[automatically_derived]
            impl #core::Event for #ident { #canonical }
        },
        Role::Command => quote! {
            #[automatically_derived]
            impl #core::Command for #ident {}
        },
    }
}

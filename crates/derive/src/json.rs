//! `Message` for the JSON codec.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, LitStr, Variant};

use crate::attributes::name_or;
use crate::message::{Case, Message};

pub(crate) fn expand(message: &Message<'_>) -> TokenStream {
    let Message { ident, core, cases } = message;
    let names = cases.iter().map(|case| &case.name);
    let aliases = cases.iter().flat_map(|case| {
        let Case { name, aliases, .. } = case;
        aliases.iter().map(move |alias| quote!((#alias, #name)))
    });
    let type_names = cases.iter().map(|case| {
        let (pattern, name) = (pattern(case), &case.name);
        quote!(#pattern => #name)
    });
    let encode = cases.iter().map(|case| encode(message, case));
    let read = cases.iter().map(|case| decode(message, case));
    let noting = cases.iter().map(|case| decode_noting(message, case));
    let schemas = cases.iter().map(|case| schema(message, case));
    // A struct without fields need not be `Serialize`.
    let has_fields = cases
        .iter()
        .any(|case| case.variant.is_some() || !is_unit(case));
    let tree = has_fields.then(|| {
        quote! {
            fn tree(&self) -> ::std::option::Option<#core::Tree> {
                #core::Tree::of(self).ok()
            }
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(deprecated, reason = "the type says so to its users, not to this")]
        impl #core::Message for #ident {
            const TYPE_NAMES: &'static [&'static str] = &[#(#names),*];
            const ALIASES: &'static [(&'static str, &'static str)] = &[#(#aliases),*];
            const CODEC: #core::Codec = #core::Codec::Json;

            fn type_name(&self) -> &'static str {
                match self { #(#type_names,)* }
            }

            fn encode(&self) -> ::std::result::Result<#core::Payload, #core::EncodeError> {
                match self { #(#encode,)* }
            }

            fn decode(payload: &#core::Payload) -> ::std::result::Result<Self, #core::DecodeError> {
                match &*payload.type_name {
                    #(#read,)*
                    _ => ::std::result::Result::Err(
                        #core::codec::unknown_type(payload, <Self as #core::Message>::TYPE_NAMES)
                    ),
                }
            }

            fn decode_noting(
                payload: &#core::Payload,
                unknown: &mut #core::UnknownFields,
            ) -> ::std::result::Result<Self, #core::DecodeError> {
                match &*payload.type_name {
                    #(#noting,)*
                    _ => <Self as #core::Message>::decode(payload),
                }
            }

            fn json_schemas() -> ::std::vec::Vec<(&'static str, #core::codec::json::Value)> {
                #[allow(unused_imports, reason = "it is used if the type does not derive `JsonSchema`")]
                use #core::codec::json_schema::WithoutSchema as _;
                let whole = #core::codec::json_schema::Of::<Self>::new().whole();
                [#(#schemas),*].into_iter().flatten().collect()
            }

            #tree
        }
    }
}

fn pattern(case: &Case<'_>) -> TokenStream {
    match case.variant {
        Some(Variant { ident, .. }) => quote!(Self::#ident { .. }),
        None => quote!(Self { .. }),
    }
}

fn encode(message: &Message<'_>, case: &Case<'_>) -> TokenStream {
    let (core, pattern, name) = (&message.core, pattern(case), &case.name);
    match case.variant.map(own_name) {
        Some(variant) => {
            quote!(#pattern => #core::codec::json::encode_variant(#name, #variant, self))
        }
        None if is_unit(case) => {
            quote!(#pattern => ::std::result::Result::Ok(#core::codec::json::encode_unit(#name)))
        }
        None => quote!(#pattern => #core::codec::json::encode(#name, self)),
    }
}

fn decode(message: &Message<'_>, case: &Case<'_>) -> TokenStream {
    let (core, name, aliases) = (&message.core, &case.name, &case.aliases);
    match case.variant.map(own_name) {
        Some(variant) => {
            quote!(#name #(| #aliases)* => #core::codec::json::decode_variant(#variant, payload))
        }
        None if is_unit(case) => {
            quote!(#name #(| #aliases)* => #core::codec::json::decode_unit(payload).map(|()| Self))
        }
        None => quote!(#name #(| #aliases)* => #core::codec::json::decode(payload)),
    }
}

fn decode_noting(message: &Message<'_>, case: &Case<'_>) -> TokenStream {
    let (core, name, aliases) = (&message.core, &case.name, &case.aliases);
    let json = quote!(#core::codec::json);
    match case.variant.map(own_name) {
        Some(variant) => quote! {
            #name #(| #aliases)* => #json::decode_variant_noting(#variant, payload, unknown)
        },
        None if is_unit(case) => {
            quote!(#name #(| #aliases)* => #json::decode_unit(payload).map(|()| Self))
        }
        None => quote!(#name #(| #aliases)* => #json::decode_noting(payload, unknown)),
    }
}

fn schema(message: &Message<'_>, case: &Case<'_>) -> TokenStream {
    let (core, name) = (&message.core, &case.name);
    let schemas = quote!(#core::codec::json_schema);
    match case.variant.map(own_name) {
        Some(variant) => quote!(#schemas::of_variant(whole.clone(), #name, #variant)),
        None if is_unit(case) => quote!(#schemas::of_unit(whole.clone(), #name)),
        None => quote!(#schemas::of_struct(whole.clone(), #name)),
    }
}

fn is_unit(case: &Case<'_>) -> bool {
    matches!(case.fields, Fields::Unit)
}

/// Returns the name that serde has for the variant.
fn own_name(variant: &Variant) -> LitStr {
    name_or(None, &variant.ident)
}

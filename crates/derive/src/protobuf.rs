//! `Message` for the protobuf codec.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Fields, Type, Variant};

use crate::errors::Errors;
use crate::message::{Case, Message};

pub(crate) fn expand(message: &Message<'_>, errors: &mut Errors) -> TokenStream {
    let Message { ident, core, cases } = message;
    let messages: Vec<_> = cases
        .iter()
        .filter_map(|case| Stored::of(case, errors))
        .collect();
    refuse_same_message(&messages, errors);
    let names: Vec<_> = messages.iter().map(|stored| stored.name(message)).collect();
    let type_names = messages.iter().zip(&names).map(|(stored, name)| {
        let pattern = stored.pattern(false);
        quote!(#pattern => #name)
    });
    let encode = messages.iter().map(|stored| stored.encode(message));
    let decode = messages.iter().zip(&names).map(|(stored, name)| {
        let (read, aliases) = (stored.read(message), &stored.case.aliases);
        quote! {
            if [#name #(, #aliases)*].contains(&&*payload.type_name) {
                return #read;
            }
        }
    });
    let aliases = messages.iter().zip(&names).flat_map(|(stored, name)| {
        let aliases = stored.case.aliases.iter();
        aliases.map(move |alias| (quote!(#alias), name))
    });
    let (aliases, todays): (Vec<_>, Vec<_>) = aliases.unzip();
    let all_names = names.iter().chain(&aliases);
    quote! {
        const _: () = #core::codec::protobuf::assert_distinct(&[#(#all_names),*]);

        #[automatically_derived]
        #[allow(deprecated, reason = "the type says so to its users, not to this")]
        impl #core::Message for #ident {
            const TYPE_NAMES: &'static [&'static str] = &[#(#names),*];
            const ALIASES: &'static [(&'static str, &'static str)] = &[#((#aliases, #todays)),*];
            const CODEC: #core::Codec = #core::Codec::Protobuf;

            fn type_name(&self) -> &'static str {
                match self { #(#type_names,)* }
            }

            fn encode(&self) -> ::std::result::Result<#core::Payload, #core::EncodeError> {
                match self { #(#encode,)* }
            }

            fn decode(payload: &#core::Payload) -> ::std::result::Result<Self, #core::DecodeError> {
                #(#decode)*
                ::std::result::Result::Err(
                    #core::codec::unknown_type(payload, <Self as #core::Message>::TYPE_NAMES)
                )
            }
        }
    }
}

/// Fails if two variants have the same message. A message that is spelled in two ways is left to `assert_distinct`,
/// which cannot point at it.
fn refuse_same_message(messages: &[Stored<'_>], errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    let unnamed = messages.iter().filter(|stored| stored.case.said.is_none());
    for (_, content) in unnamed.filter_map(|stored| stored.content) {
        let text = quote!(#content).to_string();
        if seen.contains(&text) {
            errors.add(
                content,
                "another variant holds this message too; tell them apart by `#[seriatim(name = \"...\")]`",
            );
        }
        seen.push(text);
    }
}

/// A case and the message that is its payload.
struct Stored<'a> {
    case: &'a Case<'a>,
    /// `None` if the struct is the message itself.
    content: Option<(&'a Variant, &'a Type)>,
}

impl<'a> Stored<'a> {
    fn of(case: &'a Case<'a>, errors: &mut Errors) -> Option<Self> {
        let Some(variant) = case.variant else {
            return Some(Self {
                case,
                content: None,
            });
        };
        let content = match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
            Fields::Unnamed(_) | Fields::Named(_) | Fields::Unit => None,
        };
        match content {
            Some(field) => Some(Self {
                case,
                content: Some((variant, &field.ty)),
            }),
            None => {
                let ident = &variant.ident;
                errors.add(
                    variant,
                    format!("a protobuf variant holds one message; write it as `{ident}(Message)`, with a prost message"),
                );
                None
            }
        }
    }

    fn pattern(&self, bind: bool) -> TokenStream {
        match (self.content, bind) {
            (Some((Variant { ident, .. }, _)), true) => quote!(Self::#ident(message)),
            (Some((Variant { ident, .. }, _)), false) => quote!(Self::#ident(_)),
            (None, true) => quote!(message),
            (None, false) => quote!(_),
        }
    }

    /// The type name: the given one, or the full name of the message.
    fn name(&self, message: &Message<'_>) -> TokenStream {
        let (core, ident) = (&message.core, message.ident);
        if let Some(name) = &self.case.said {
            return quote!(#name);
        }
        let content = match self.content {
            Some((_, content)) => quote!(#content),
            None => quote!(#ident),
        };
        quote_spanned!(self.span(message)=> <#content as #core::codec::protobuf::Named>::FULL_NAME)
    }

    /// The place to report that the message is not what it must be.
    fn span(&self, message: &Message<'_>) -> Span {
        match self.content {
            Some((_, content)) => content.span(),
            None => message.ident.span(),
        }
    }

    fn encode(&self, message: &Message<'_>) -> TokenStream {
        let (core, pattern) = (&message.core, self.pattern(true));
        match &self.case.said {
            Some(name) => quote! {
                #pattern => ::std::result::Result::Ok(#core::codec::protobuf::encode(#name, message))
            },
            None => {
                // Spanned like the name, so that a message without one is reported in one place.
                let encode = quote_spanned! {self.span(message)=>
                    #core::codec::protobuf::encode_named(message)
                };
                quote!(#pattern => #encode)
            }
        }
    }

    fn read(&self, message: &Message<'_>) -> TokenStream {
        let core = &message.core;
        match self.content {
            Some((Variant { ident, .. }, _)) => quote! {
                #core::codec::protobuf::decode(payload).map(Self::#ident)
            },
            None => quote!(#core::codec::protobuf::decode(payload)),
        }
    }
}

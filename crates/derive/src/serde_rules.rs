//! Refuses serde attributes that change how an enum's variant is written: the payload's type name already names it.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, DataEnum, DeriveInput, Token};

use crate::errors::Errors;

pub(crate) fn check(input: &DeriveInput, data: &DataEnum, errors: &mut Errors) {
    each(&input.attrs, errors, |entry| {
        match entry {
        "tag" | "content" | "untagged" => Some(format!(
            "`{entry}` does not fit: the type name of the payload says which variant it is; take it out, and use \
             `#[seriatim(name = \"...\")]` on a variant to store it under another name"
        )),
        "rename_all" => Some(
            "`rename_all` does not fit: the type name of the payload is the variant's name; use \
             `#[seriatim(name = \"...\")]` on the variants, and `rename_all_fields` for their fields"
                .into(),
        ),
        "from" | "try_from" | "into" | "transparent" => Some(format!(
            "`{entry}` does not fit: the variants themselves are stored; take it out, and derive the event or \
             command on the other type if that is the stored one"
        )),
        _ => None,
    }
    });
    for variant in &data.variants {
        each(&variant.attrs, errors, |entry| {
            match entry {
            "rename" => Some(
                "`rename` does not fit: use `#[seriatim(name = \"...\")]` to store the variant under another name"
                    .into(),
            ),
            "alias" => Some(
                "`alias` does not fit: use `#[seriatim(alias = \"...\")]` to read what was stored under an old name"
                    .into(),
            ),
            "untagged" | "other" | "skip" | "skip_serializing" | "skip_deserializing" => Some(format!(
                "`{entry}` does not fit: every variant is stored and read back under its name; take it out"
            )),
            _ => None,
        }
        });
    }
}

/// Asks `refusal` about each entry of `#[serde(...)]`. serde itself refuses what it cannot read.
fn each(attributes: &[Attribute], errors: &mut Errors, refusal: impl Fn(&str) -> Option<String>) {
    for attribute in attributes {
        if attribute.path().is_ident("serde") {
            let _unreadable = attribute.parse_nested_meta(|meta| {
                let entry = meta.path.get_ident().map(ToString::to_string);
                if let Some(message) = entry.as_deref().and_then(&refusal) {
                    errors.add(&meta.path, message);
                }
                pass_over(&meta)
            });
        }
    }
}

/// Steps over `= value` or `(...)`.
fn pass_over(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| pass_over(&inner))?;
    }
    Ok(())
}

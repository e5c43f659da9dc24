//! Reads `#[seriatim(...)]`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Path, parse_quote};

use crate::errors::Errors;

/// The codec that encodes the payloads of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    Protobuf,
}

/// The entries of `#[seriatim(...)]` in one place.
#[derive(Default)]
pub(crate) struct Entries {
    core: Option<Path>,
    codec: Option<Codec>,
    pub(crate) canonical: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) code: Option<LitStr>,
    pub(crate) skip: bool,
}

impl Entries {
    /// Reads the entries of a place where only those of `allowed` are valid.
    pub(crate) fn read(attributes: &[Attribute], allowed: &[&str], errors: &mut Errors) -> Self {
        let mut entries = Self::default();
        for attribute in attributes {
            if attribute.path().is_ident("seriatim")
                && let Err(error) = attribute.parse_nested_meta(|meta| entries.add(&meta, allowed))
            {
                errors.push(error);
            }
        }
        entries
    }

    fn add(&mut self, meta: &ParseNestedMeta<'_>, allowed: &[&str]) -> syn::Result<()> {
        let name = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        if !allowed.contains(&name.as_str()) {
            return Err(meta.error(misplaced(&name, allowed)));
        }
        let value = || -> syn::Result<LitStr> {
            let text: LitStr = meta.value()?.parse()?;
            if text.value().is_empty() {
                return Err(syn::Error::new_spanned(
                    &text,
                    format!("`{name}` is empty; give it a text"),
                ));
            }
            Ok(text)
        };
        let once = |given: bool| match given {
            true => Err(meta.error(format!("`{name}` is given twice; keep one"))),
            false => Ok(()),
        };
        match name.as_str() {
            "crate" => {
                once(self.core.is_some())?;
                self.core = Some(value()?.parse()?);
            }
            "codec" => {
                once(self.codec.is_some())?;
                self.codec = Some(codec(&value()?)?);
            }
            "canonical" => {
                once(self.canonical.is_some())?;
                self.canonical = Some(meta.value()?.parse()?);
            }
            "name" => {
                once(self.name.is_some())?;
                self.name = Some(value()?);
            }
            "alias" => self.aliases.push(value()?),
            "code" => {
                once(self.code.is_some())?;
                self.code = Some(value()?);
            }
            "skip" => self.skip = true,
            _ => unreachable!("only known entries are allowed anywhere"),
        }
        Ok(())
    }

    /// Returns where the generated code finds `seriatim_core`.
    pub(crate) fn core(&self) -> Path {
        self.core
            .clone()
            .unwrap_or_else(|| parse_quote!(::seriatim::core))
    }

    pub(crate) fn codec(&self) -> Codec {
        self.codec.unwrap_or(Codec::Json)
    }
}

fn codec(text: &LitStr) -> syn::Result<Codec> {
    match text.value().as_str() {
        "json" => Ok(Codec::Json),
        "protobuf" => Ok(Codec::Protobuf),
        other => Err(syn::Error::new_spanned(
            text,
            format!("there is no codec `{other}`; say \"json\" or \"protobuf\""),
        )),
    }
}

fn misplaced(name: &str, allowed: &[&str]) -> String {
    let hint = match name {
        "name" | "alias" | "code" => "; put it on the variant, or on the struct",
        "codec" | "crate" => "; put it on the type",
        "canonical" => "; put it on an event type",
        _ => "",
    };
    let known: Vec<_> = allowed.iter().map(|name| format!("`{name}`")).collect();
    match known.as_slice() {
        [] => format!("`{name}` has no meaning here{hint}"),
        _ => format!(
            "`{name}` has no meaning here{hint} (known here: {})",
            known.join(", ")
        ),
    }
}

/// Returns the name under which something is stored: the given one, or its own.
pub(crate) fn name_or(said: Option<&LitStr>, own: &syn::Ident) -> LitStr {
    use syn::ext::IdentExt;
    match said {
        Some(name) => name.clone(),
        None => LitStr::new(&own.unraw().to_string(), own.span()),
    }
}

/// Fails if a name stands for two things.
pub(crate) fn refuse_duplicates<'a>(
    names: impl IntoIterator<Item = &'a LitStr>,
    what: &str,
    errors: &mut Errors,
) {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let text = name.value();
        if seen.contains(&text) {
            errors.add(
                name,
                format!("the {what} `{text}` is taken already; give each its own"),
            );
        }
        seen.push(text);
    }
}

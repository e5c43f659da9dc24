//! Collects all errors of a type, so that one build reports all of them.

use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error that points at `culprit`.
    pub(crate) fn add(&mut self, culprit: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(culprit, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Fails if anything was added.
    pub(crate) fn check(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

//! `#[derive(Event)]`, `#[derive(Command)]` and `#[derive(Rejection)]`, re-exported by the crate `seriatim`.

mod attributes;
mod errors;
mod json;
mod message;
mod protobuf;
mod rejection;
mod serde_rules;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a type an event: something that happened, stored under a type name.
///
/// ```ignore
/// #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// enum AccountEvent {
///     Opened { owner: String },
///     #[seriatim(alias = "MoneyAdded")]
///     Deposited { cents: u64 },
/// }
/// ```
///
/// # Names
/// The variants of an enum are stored under their own names, a struct under its name. The names are the storage format:
/// a variant that is renamed needs `#[seriatim(alias = "OldName")]` (repeatable, read only), or
/// `#[seriatim(name = "OldName")]` to keep its stored name. For a struct, put both on the struct.
///
/// # Codecs
/// - JSON through serde, by default. The type needs `Serialize` and `Deserialize`. serde's attributes for fields and
///   `rename_all_fields` work; those that change how the variant itself is written do not.
/// - `#[seriatim(codec = "protobuf")]` on the type: each variant holds one prost message, as in the `oneof` enums that
///   prost generates, and the payload is that message. The name is the full name of the message, by
///   [`prost::Name`](https://docs.rs/prost/latest/prost/trait.Name.html); a message without it, and a message that is
///   nested in another, needs `#[seriatim(name = "bank.v1.Account.Opened")]`. A struct that is a message is stored as
///   itself.
///
/// # Canonical form
/// `#[seriatim(canonical = path::to::function)]` on the type names a function `fn(&Self) -> Self` that removes the
/// parts which differ each time an event is decided, for comparing decisions.
///
/// # Where the generated code finds Seriatim
/// It looks in `::seriatim::core`; `#[seriatim(crate = "path")]` on the type names another place.
#[proc_macro_derive(Event, attributes(seriatim))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(message::expand(&input, message::Role::Event))
}

/// Makes a type a command: something that a domain is asked to do. Names and codecs are as for [`Event`](derive_event).
#[proc_macro_derive(Command, attributes(seriatim))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(message::expand(&input, message::Role::Command))
}

/// Makes an error type a rejection: a domain's "no".
///
/// ```ignore
/// #[derive(Rejection, thiserror::Error, Debug)]
/// enum AccountRejection {
///     #[error("the account has only {balance} cents")]
///     InsufficientFunds { balance: u64 },
/// }
/// ```
///
/// Its code is the name of the variant or the struct; `#[seriatim(code = "...")]` sets another. Its fields are those of
/// the variant, through `Serialize` (tuple fields as `0`, `1`); leave out a field that does not serialise by
/// `#[seriatim(skip)]`.
#[proc_macro_derive(Rejection, attributes(seriatim))]
pub fn derive_rejection(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(rejection::expand(&input))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

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
/// The variants of an enum are stored under their own names, a struct under its name. They are the storage
/// format: one that is renamed needs `#[seriatim(alias = "OldName")]` (repeatable, read only), or
/// `#[seriatim(name = "OldName")]` to stay as it is stored. On a struct both stand on the struct.
///
/// # Codecs
/// - JSON through serde, where nothing is said. The type needs `Serialize` and `Deserialize`; serde's attributes
///   for fields and `rename_all_fields` work, those that change how the variant itself is written do not.
/// - `#[seriatim(codec = "protobuf")]` on the type: each variant holds one prost message, as the `oneof` enums that
///   prost generates do, and the payload is that message. The name is the full name of the message, by
///   [`prost::Name`](https://docs.rs/prost/latest/prost/trait.Name.html); a message without it, and one that is
///   nested in another, needs `#[seriatim(name = "bank.v1.Account.Opened")]`. A struct that is a message is
///   stored as itself.
///
/// # Canonical form
/// `#[seriatim(canonical = path::to::function)]` on the type names a function `fn(&Self) -> Self` that takes out
/// what differs each time an event is decided, for comparing decisions.
///
/// # Where the generated code finds Seriatim
/// In `::seriatim::core`; `#[seriatim(crate = "path")]` on the type says otherwise.
#[proc_macro_derive(Event, attributes(seriatim))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(message::expand(&input, message::Role::Event))
}

/// Makes a type a command: something a domain is asked to do. Names and codecs are as for [`Event`](derive_event).
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
/// Its code is the variant's name, or the struct's; `#[seriatim(code = "...")]` says otherwise. Its fields are those
/// of the variant, through `Serialize` (tuple fields as `0`, `1`); one that does not serialise is left out by
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

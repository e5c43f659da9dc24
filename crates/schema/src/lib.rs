//! Describes the messages of domains, and shows payloads to people.
//!
//! Payloads of JSON are readable as they are. For those of protobuf an application registers [`Descriptors`], by which
//! they are shown as JSON and written as JSON.

mod bounded;
mod descriptors;
mod domain;
mod message_schema;
mod outline;
mod payloads;

pub use descriptors::{Descriptors, InvalidDescriptors};
pub use domain::{DomainSchema, MessageSchema};
pub use outline::{Field, Outline, outline};
pub use payloads::Payloads;

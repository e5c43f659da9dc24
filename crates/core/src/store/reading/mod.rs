//! Helps a store on a database to read millions of events without a copy for each: it shares their few type names, and
//! the metadata of the events of one command. It also has the checksum that the store keeps with each event.

mod checksum;
mod metadata;
mod type_names;

pub use checksum::{ChecksumDiffers, checksum};
pub use metadata::MetadataReader;
pub use type_names::TypeNames;

//! What a store on a database needs for reading millions of events back without a copy for each: their few type
//! names, and the metadata that events of one command share. And the checksum that it keeps with each.

mod checksum;
mod metadata;
mod type_names;

pub use checksum::{ChecksumDiffers, checksum};
pub use metadata::MetadataReader;
pub use type_names::TypeNames;

//! What a store on a database needs for reading millions of events back without a copy for each: their few type
//! names, and the metadata that events of one command share.

mod metadata;
mod type_names;

pub use metadata::MetadataReader;
pub use type_names::TypeNames;

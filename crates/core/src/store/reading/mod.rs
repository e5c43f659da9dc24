//! Helps a store on a database to read millions of events with few allocations: it shares their few type names, the
//! metadata of the events of one command, and the buffers of their data. It also has the checksum that the store keeps
//! with each event.

mod checksum;
mod metadata;
mod shared_data;
mod type_names;

pub use checksum::{ChecksumDiffers, checksum};
pub use metadata::MetadataReader;
pub use shared_data::SharedData;
pub use type_names::TypeNames;

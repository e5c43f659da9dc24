//! The contenders, one file each.

mod cqrs_es;
mod disintegrate;
mod esrs;
mod eventcore;
mod mire;
mod raw;
mod raw_table;
mod seriatim;

use crate::contender::Library;

/// All of them, in the order of the table.
pub(crate) fn all() -> Vec<Box<dyn Library>> {
    vec![
        Box::new(seriatim::Seriatim),
        Box::new(esrs::Esrs { locking: false }),
        Box::new(esrs::Esrs { locking: true }),
        Box::new(cqrs_es::CqrsEs),
        Box::new(eventcore::EventCore),
        Box::new(mire::Mire { locking: false }),
        Box::new(mire::Mire { locking: true }),
        Box::new(disintegrate::Disintegrate),
        Box::new(raw::Raw::Cycle),
        Box::new(raw::Raw::Inserts),
        Box::new(raw::Raw::Batches),
    ]
}

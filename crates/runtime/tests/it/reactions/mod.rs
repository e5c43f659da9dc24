//! Tests components that are fed with the log, and their failures.

mod beginning;
mod desk;
mod failing;
mod interrupted;
mod model;
mod owners;
mod parking;
mod pausing;
mod resuming;
mod retrying;
mod sharing;
mod store_failed;
pub(crate) mod tally;
mod whole;
mod widened;

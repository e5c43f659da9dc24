//! The chat in a real browser, over real gateways that are killed.

mod chaos;
mod page;
mod resequencer;
mod service;
#[path = "../../../../crates/core/tests/support/vectors.rs"]
mod vectors;

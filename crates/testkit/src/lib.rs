//! Tests for applications and for Seriatim itself: `given(..).when(..).then(..)` for aggregates, `given_process(..)`
//! for process managers, `commutes` for merges, a conformance suite for stores, processes that take work over from each
//! other or write beside each other, and a store that fails on request.

mod child;
pub mod clock;
pub mod commutes;
pub mod conformance;
pub mod earlier_logs;
pub mod faults;
mod given;
mod interruption;
pub mod owners;
mod process;
mod quiet;
mod reacting;
mod rejected;
mod round_trip;
mod text;
mod then;
mod waiting;
pub mod writers;

pub use commutes::commutes;
pub use given::{Given, given, given_no_events};
pub use process::{GivenProcess, ThenPlanned, given_process};
/// The crate of the generators that [`commutes()`] takes.
pub use proptest;
pub use reacting::{Asked, Reacting, reacting};
pub use then::{ByCode, ByValue, ExpectedRejection, Then};
pub use waiting::{PATIENCE, soon, until};

//! Tests for what is built on Seriatim and for what it is built of: `given(..).when(..).then(..)` for aggregates,
//! a conformance suite for stores, and a store that fails on request.

pub mod conformance;
pub mod faults;

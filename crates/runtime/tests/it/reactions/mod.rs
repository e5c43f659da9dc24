//! Components that are fed with the log, and what can happen to them.

mod failing;
mod owners;
mod tally;
mod whole;

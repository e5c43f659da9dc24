//! Read models in SQL: every event once, whatever happens; versions beside one another.

mod account;
mod bags;
mod compared;
mod databases;
mod elsewhere;
mod exactly_once;
mod failing;
mod names;
mod processes;
mod renamed;
mod sharing;
mod tally;
mod unknown;
mod versions;
mod widened;

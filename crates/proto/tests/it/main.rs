//! Tests the wire as both of its ends see it.

mod samples;
mod golden;
mod empty;
mod both_ways;
mod malformed;
mod read_models;
mod errors;
mod trailers;
mod subscriptions;

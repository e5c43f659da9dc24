//! The wire, as both of its ends see it.

mod samples;
mod generated;
mod golden;
mod folder;
mod empty;
mod both_ways;
mod malformed;
mod read_models;
mod errors;
mod trailers;
mod subscriptions;

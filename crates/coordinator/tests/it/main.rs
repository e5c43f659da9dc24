//! Tests the coordinator as a sender sees it.

mod cart;
mod strategies;
mod facts;
mod effects;
mod external_ids;
mod books;
mod bad_input;
mod cache;
mod chaining;
mod changes;
mod failures;
mod limits;
mod large_events;
mod merges;
mod snapshots;
mod views;
mod workflows;
mod own_domains;
mod desk;
mod desk_edits;
mod desk_expectations;
mod desk_facts;
mod desk_forecast;
mod histories;

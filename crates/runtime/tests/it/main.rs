//! Tests subscriptions against real stores.

mod audit;
mod damaged;
mod live;
mod reactions;
mod replaced;
mod store_down;
mod support;
mod waiting;
mod where_to_begin;

//! The server, as a client on a real socket sees it.

mod till;
mod meter;
mod rig;
mod bad_input;
mod large_input;
mod strategies;
mod facts;
mod external_ids;
mod payloads;
mod submit_stream;
mod simulate;
mod queries;
mod components;
mod dead_letters;
mod failures;
mod health;
mod reflection;
mod log;
mod subscriptions;
mod subscribed_clients;
mod proxy;
mod shutdown;
mod waiting;
mod remote;
mod sagas;
mod sqlite;

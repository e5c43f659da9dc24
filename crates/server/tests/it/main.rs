//! Tests the server as a client on a real socket sees it.

mod till;
mod meter;
mod rig;
mod bad_input;
mod large_input;
mod malformed;
mod mutated;
mod strategies;
mod facts;
mod external_ids;
mod payloads;
mod submit_stream;
mod simulate;
mod queries;
mod read_models;
mod components;
mod annotations;
mod dead_letters;
mod failures;
mod health;
mod reflection;
mod descriptors;
mod unknown_fields;
mod log;
mod tokens;
mod subscriptions;
mod subscribed_clients;
mod proxy;
mod shutdown;
mod waiting;
mod remote;
mod departures;
#[path = "../../../security/tests/certificates/mod.rs"]
mod certificates;
mod connections;
mod tls_rig;
mod tls;
mod tls_clients;
mod tls_tools;
mod metrics_door;
mod raw;
mod arriving;
mod unread;
mod overload;
mod refused_unread;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod own_process;
mod access;
mod sagas;
mod sqlite;

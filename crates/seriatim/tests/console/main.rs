//! The console, over real HTTP and in a real browser: who may see and do what, and what cannot be done by mistake.

mod tab;
mod server;
mod client;

mod entry;
mod rights;
mod forms;
mod lists;
mod meter;
mod protobuf;
mod streams;
mod components;
mod read_models;
mod jobs;
mod notes;
mod operations;
mod changes;
mod browser;

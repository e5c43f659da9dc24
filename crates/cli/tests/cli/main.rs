//! The real binary against a real server: what it prints where, and how it ends.

mod account;
mod meter;
mod stage;

mod advice;
mod audit;
mod damaged;
mod bad_input;
mod config;
mod dead_letters;
mod dead_letter_edits;
mod failures;
mod largest;
mod hostile;
mod jobs;
mod log_tail;
mod migrations;
mod protobuf;
mod questions;
mod reactions;
mod read_models;
mod sending;
mod tls;
mod waiting;
mod tokens;
mod top;

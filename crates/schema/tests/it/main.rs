//! Payloads of protobuf as JSON, and JSON as payloads, by descriptors that are known only when the program runs.

mod hostile;
mod json;
mod registering;
mod schemas;
mod shop;

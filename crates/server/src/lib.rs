//! The gRPC services of Seriatim, in front of a [`Coordinator`](seriatim_coordinator::Coordinator).

mod server;
mod settings;
mod message_limit;
mod health;
mod services;

pub use server::{ServeError, Server, ServerBuilder};

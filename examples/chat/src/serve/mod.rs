//! Serves the chat: one process that looks after the gateways, and the gateways.

mod gateway;
mod pages;
mod presence;
mod supervisor;
mod welcome;

pub(crate) use gateway::{GatewayArgs, run as run_gateway};
pub(crate) use supervisor::{ServeArgs, run};

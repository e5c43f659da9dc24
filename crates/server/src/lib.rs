//! The gRPC services of Seriatim, in front of a [`Coordinator`](seriatim_coordinator::Coordinator) and a
//! [`Feed`](seriatim_runtime::Feed).

mod server;
mod settings;
mod tls;
mod trouble;
mod arrivals;
mod greeting;
mod connections;
mod call;
mod asking;
mod strangers;
mod caller;
mod allowance;
mod operation_recorder;
mod own;
mod routes;
mod grpc_timeout;
mod gate;
mod entry;
mod arriving;
mod request_time;
mod frames;
mod method;
mod answer;
mod taking;
mod token_follower;
mod ration;
mod health;
mod http_door;
mod metrics;
mod meter;
mod services;

pub use http_door::serve_pages;
pub use metrics::{InstallError, Metrics, describe_metrics};
pub use own::follow_tokens;
pub use server::{ServeError, Server, ServerBuilder};
pub use settings::ServerSettings;

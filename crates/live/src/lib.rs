//! Streams in browsers: a gateway from WebSockets to aggregates.
//!
//! A client joins a stream by its id, gets a page of its history and then each event as it is recorded, resumes after a
//! lost connection on any server without a gap or a repeat, and sends commands. `docs/live-protocol.md` has the frames;
//! the modules `live.js` and `resequencer.js` that a [`Live`] serves are a client for browsers.
//!
//! An application says by [`Room`] who may read a stream, what is shown of it, and what users send to it. It mounts the
//! gateway on axum: see [`Live::router`].
//!
//! Each process follows the log and serves the clients that are connected to it, so there is no registry of connections:
//! any number of processes on one store serve the same streams. Only who is here is shared by [`SharePresence`], if the
//! application wants that.

mod settings;
mod room;
mod kind;
mod frames;
mod event_json;
mod outbox;
mod telling;
mod open_room;
mod rooms;
mod follower;
mod presence;
mod users;
mod history;
mod answer;
mod ended;
mod gateway;
mod hello;
mod meter;
mod writer;
mod session;
mod joining;
mod sending;
mod connection;
mod connections;
mod client;
mod upgrade;
mod live;

pub use live::{Live, LiveBuilder, StartLiveError};
pub use meter::describe_metrics;
pub use presence::{HERE, SharePresence, Shown};
pub use room::{NoRequests, Room, Sent};
pub use settings::LiveSettings;

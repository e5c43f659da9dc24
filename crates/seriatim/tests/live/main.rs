//! The gateway, over real sockets and on real stores: docs/live-protocol.md, word by word.

#[path = "../support/storage.rs"]
mod storage;

mod club;
mod transcript;
mod server;
mod client;

mod joins;
mod resumes;
mod membership;
mod commands;
mod crashes;
mod bad_frames;
mod odd_ids;
mod http;
mod slow;
#[path = "../../../security/tests/certificates/mod.rs"]
mod certificates;
mod meter;
mod rights;
mod encrypted;
mod shutdown;
mod strange_events;
mod presence;
mod rooms;
mod page;
mod reports;

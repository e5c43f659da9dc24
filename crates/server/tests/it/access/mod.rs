//! Tests who may call what, over real sockets.

mod callers;
mod matrix;
mod streams;
mod hidden;
mod actors;
mod limits;
mod operations;
mod ways;
mod strangers;

//! Bulk jobs on dead letters: each letter is tried once, in the order of its stream, whoever dies meanwhile.

#[path = "../support/broken_off.rs"]
mod broken_off;
mod interrupted;
mod killed;
mod picky;
mod running;
mod shelf;
#[path = "../support/storage.rs"]
mod storage;

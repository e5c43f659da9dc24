//! A protobuf variant holds one message.

use seriatim_derive::Event;

#[derive(Event)]
#[seriatim(crate = "seriatim_core", codec = "protobuf")]
enum AccountEvent {
    Opened { owner: String },
    Moved(u8, u8),
    Closed,
}

fn main() {}

//! A message that does not say its name is given one.

use seriatim_derive::Event;

#[derive(Clone, PartialEq, prost::Message)]
struct Opened {}

#[derive(Event, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core", codec = "protobuf")]
enum AccountEvent {
    Opened(Opened),
}

fn main() {}

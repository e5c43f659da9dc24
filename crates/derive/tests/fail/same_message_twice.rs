//! A message stands for one variant.

use seriatim_derive::Event;

#[derive(Event)]
#[seriatim(crate = "seriatim_core", codec = "protobuf")]
enum Twice {
    Opened(v1::Opened),
    Reopened(v1::Opened),
    #[seriatim(name = "bank.v1.OpenedAgain")]
    OpenedAgain(v1::Opened),
}

fn main() {}

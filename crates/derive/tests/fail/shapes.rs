//! Types that can be no message.

use seriatim_derive::{Command, Event, Rejection};

#[derive(Event)]
union Either {
    left: u8,
    right: u8,
}

#[derive(Event)]
enum NoEvents {}

#[derive(Command)]
enum NoCommands {}

#[derive(Rejection)]
enum NoRejections {}

#[derive(Event)]
struct Generic<T> {
    value: T,
}

fn main() {}

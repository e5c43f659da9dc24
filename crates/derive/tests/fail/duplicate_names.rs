//! A type name stands for one variant.

use seriatim_derive::{Command, Rejection};

#[derive(Command)]
#[seriatim(crate = "seriatim_core")]
enum Twice {
    Opened,
    #[seriatim(name = "Opened")]
    Started,
    #[seriatim(alias = "Added", alias = "Added")]
    Deposited,
}

#[derive(Rejection)]
#[seriatim(crate = "seriatim_core")]
enum SameCode {
    Closed,
    #[seriatim(code = "Closed")]
    Shut,
}

fn main() {}

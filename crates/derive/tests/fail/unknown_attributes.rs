//! An attribute that has no meaning is refused, and the error names those that have one.

use seriatim_derive::{Command, Event, Rejection};

#[derive(Event)]
#[seriatim(crate = "seriatim_core", name = "Account")]
enum AccountEvent {
    #[seriatim(rename = "Open")]
    Opened {
        #[seriatim(alias = "name")]
        owner: String,
    },
    #[seriatim(name = "")]
    Closed,
}

#[derive(Command)]
#[seriatim(crate = "seriatim_core", canonical = without_time)]
struct Open;

#[derive(Command)]
#[seriatim(crate = "seriatim_core", codec = "xml")]
struct Close;

#[derive(Command)]
#[seriatim(crate = "seriatim_core", name = "A", name = "B")]
struct Reopen;

#[derive(Rejection)]
#[seriatim(crate = "seriatim_core", code = "Account")]
enum AccountRejection {
    #[seriatim(name = "Closed")]
    Shut,
}

fn main() {}

//! The same messages under a counter for each user, for each conversation, for each partition of the log, and for
//! everything: which orders each of them tells, and which it cannot tell.
//!
//! The numbers are the sequences and positions of real events, which are sent to applications and read back.

mod script;
mod record;
mod report;
mod print;

use seriatim::AnyError;

pub use report::{Message, Number, Pairs, Report, Scope, SequenceAndPosition};

/// Sends the messages, and prints what was found: for people, or as JSON.
pub async fn show(json: bool) -> Result<(), AnyError> {
    let report = Report::make().await?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{report}"),
    }
    Ok(())
}

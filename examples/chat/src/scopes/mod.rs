//! The same messages under a counter for each user, for each conversation, for each partition of the log, and for
//! everything: which orders each of them tells, and which it cannot tell.
//!
//! The numbers are the sequences and positions of real events, which are sent to applications and read back.

mod script;
mod record;
mod report;
mod print;

use std::io::{self, ErrorKind, Write as _};

use seriatim::AnyError;

pub use report::{Message, Number, Pairs, Report, Scope, SequenceAndPosition};

/// Sends the messages, and prints what was found: for people, or as JSON.
pub async fn show(json: bool) -> Result<(), AnyError> {
    let report = Report::make().await?;
    let text = match json {
        true => serde_json::to_string_pretty(&report)? + "\n",
        false => report.to_string(),
    };
    Ok(print(&text)?)
}

/// Prints a text. A reader that wants no more of it, such as `head`, is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

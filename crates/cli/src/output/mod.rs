//! What is printed: answers on stdout, talk and errors on stderr.

pub(crate) mod json;
pub(crate) mod letters;
pub(crate) mod lines;
pub(crate) mod reactions;
pub(crate) mod read_models;
pub(crate) mod text;
pub(crate) mod three_way;
pub(crate) mod top;

use std::io::{self, ErrorKind, Write};

use serde_json::Value;
use seriatim_core::printable;

use self::lines::Lines;
use crate::exit::Exit;
use crate::failure::Failure;

/// To the upper left corner, and everything from there on away.
const CLEAR_SCREEN: &str = "\x1b[H\x1b[J";
/// Everything from here to the end of the line away.
const CLEAR_LINE: &str = "\x1b[K";

/// Where answers go, and in which form.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads it.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one answer: a JSON document on one line, or text.
    pub(crate) fn answer(&self, json: &Value, text: &Lines) -> Result<(), Failure> {
        match self.json {
            true => write(Lines::of(&json.to_string()).as_str()),
            false => write(text.as_str()),
        }
    }

    /// Prints some of a list: JSON line by line, or text.
    pub(crate) fn lines<T>(
        &self,
        items: &[T],
        json: impl Fn(&T) -> Value,
        text: impl Fn(&[T]) -> Lines,
    ) -> Result<(), Failure> {
        let lines = match self.json {
            true => items.iter().map(|item| json(item).to_string()).collect(),
            false => text(items),
        };
        write(lines.as_str())
    }

    /// Prints what only people are shown.
    pub(crate) fn text(&self, text: &Lines) -> Result<(), Failure> {
        write(text.as_str())
    }

    /// Fills a terminal with text, in place of what was there.
    pub(crate) fn screen(&self, text: &Lines) -> Result<(), Failure> {
        write(&format!("{CLEAR_SCREEN}{}", text.as_str()))
    }

    /// Prints a program's text as it is.
    pub(crate) fn script(&self, text: &str) -> Result<(), Failure> {
        write(text)
    }

    /// Tells a person what could be done next; programs are not told.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            talk(Lines::of(text).as_str());
        }
    }

    /// Shows a person on a terminal how far something has come, in place of what was shown before; programs are not told.
    pub(crate) fn progress(&self, text: &str) {
        if !self.json {
            talk(&format!("\r  {}{CLEAR_LINE}", printable(text)));
        }
    }

    /// Takes away what [`progress`](Self::progress) has shown.
    pub(crate) fn end_of_progress(&self) {
        if !self.json {
            talk(&format!("\r{CLEAR_LINE}"));
        }
    }

    /// Prints what went wrong, and gives the exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        if failure.exit == Exit::Ok {
            return Exit::Ok;
        }
        let mut lines = Lines::default();
        if self.json {
            lines.push(&json::failure(failure).to_string());
        } else {
            lines.push(&format!("error: {}", failure.message));
            lines.append(&failure.more);
            let next = failure.next.iter();
            next.for_each(|next| lines.push(&format!("next: {next}")));
        }
        talk(lines.as_str());
        failure.exit
    }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        // The reader has seen enough, as in `seriatim events ... | head`.
        ErrorKind::BrokenPipe => Failure::new(Exit::Ok, ""),
        _ => Failure::new(
            Exit::Unexpected,
            format!("the answer could not be written: {error}"),
        ),
    })
}

/// Nobody listening on stderr is no reason to fail.
fn talk(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

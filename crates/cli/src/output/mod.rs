//! Prints answers on stdout, and messages and errors on stderr.

pub(crate) mod changes;
pub(crate) mod config;
pub(crate) mod forecast;
pub(crate) mod jobs;
pub(crate) mod json;
pub(crate) mod letters;
pub(crate) mod letter_notes;
pub(crate) mod lines;
pub(crate) mod reactions;
pub(crate) mod read_models;
pub(crate) mod text;
pub(crate) mod three_way;
pub(crate) mod operations;
pub(crate) mod schema;
pub(crate) mod tokens;
pub(crate) mod top;
pub(crate) mod workflow;

use std::io::{self, ErrorKind, Write};

use serde_json::Value;
use seriatim_core::printable;

use self::lines::Lines;
use crate::exit::Exit;
use crate::failure::Failure;

/// Moves to the upper left corner and erases the screen.
const CLEAR_SCREEN: &str = "\x1b[H\x1b[J";
/// Erases the rest of the line.
const CLEAR_LINE: &str = "\x1b[K";

/// The output that answers go to, and their form.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Returns whether a program reads it.
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

    /// Prints text that only people see.
    pub(crate) fn text(&self, text: &Lines) -> Result<(), Failure> {
        write(text.as_str())
    }

    /// Fills a terminal with text, in place of the text before.
    pub(crate) fn screen(&self, text: &Lines) -> Result<(), Failure> {
        write(&format!("{CLEAR_SCREEN}{}", text.as_str()))
    }

    /// Prints a program's text unchanged.
    pub(crate) fn script(&self, text: &str) -> Result<(), Failure> {
        write(text)
    }

    /// Tells a person what to do next; programs are not told.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            talk(Lines::of(text).as_str());
        }
    }

    /// Shows progress to a person on a terminal, in place of the progress before; programs are not told.
    pub(crate) fn progress(&self, text: &str) {
        if !self.json {
            talk(&format!("\r  {}{CLEAR_LINE}", printable(text)));
        }
    }

    /// Removes what [`progress`](Self::progress) has shown.
    pub(crate) fn end_of_progress(&self) {
        if !self.json {
            talk(&format!("\r{CLEAR_LINE}"));
        }
    }

    /// Prints a failure, and returns the exit code.
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

/// If nobody listens on stderr, that is no reason to fail.
fn talk(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

//! What is printed: answers on stdout, talk and errors on stderr.

pub(crate) mod json;
pub(crate) mod letters;
pub(crate) mod reactions;
pub(crate) mod read_models;
mod table;
pub(crate) mod text;
pub(crate) mod three_way;
pub(crate) mod top;

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;

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
    pub(crate) fn answer(&self, json: &Value, text: &str) -> Result<(), Failure> {
        if self.json {
            return self.write(&format!("{json}\n"));
        }
        self.write(text)
    }

    /// Prints some of a list: JSON line by line, or text.
    pub(crate) fn lines<T>(
        &self,
        items: &[T],
        json: impl Fn(&T) -> Value,
        text: impl Fn(&[T]) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let lines: String = items
                .iter()
                .map(|item| format!("{}\n", json(item)))
                .collect();
            return self.write(&lines);
        }
        self.write(&text(items))
    }

    /// Prints text as it is, in either form.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
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

    /// Tells a person what could be done next; programs are not told.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            talk(&format!("{text}\n"));
        }
    }

    /// Shows a person on stderr how far something has come; programs are not told.
    pub(crate) fn talk(&self, text: &str) {
        if !self.json {
            talk(text);
        }
    }

    /// Prints what went wrong, and gives the exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        if failure.exit == Exit::Ok {
            return Exit::Ok;
        }
        if self.json {
            talk(&format!("{}\n", json::failure(failure)));
            return failure.exit;
        }
        talk(&format!("error: {}\n{}", failure.message, failure.more));
        if let Some(next) = &failure.next {
            talk(&format!("next: {next}\n"));
        }
        failure.exit
    }
}

/// Nobody listening on stderr is no reason to fail.
fn talk(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

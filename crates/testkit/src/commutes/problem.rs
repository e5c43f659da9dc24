//! A broken rule, with the case that shows it.

use std::fmt;

use crate::round_trip::Lost;
use crate::text;

/// The result, or the rule that is broken.
pub(super) type Checked<T> = Result<T, Box<Problem>>;

/// A label, and the lines under it.
pub(super) type Shown = (&'static str, Vec<String>);

/// A broken rule, with the case that shows it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// The fault, in a sentence.
    pub(super) title: String,
    /// The advice to the author of the aggregate.
    pub(super) advice: &'static str,
    /// The case: labels and lines.
    pub(super) story: Vec<Shown>,
    /// The evidence: labels and lines.
    pub(super) evidence: Vec<Shown>,
}

impl Problem {
    pub(super) fn new(title: impl Into<String>, advice: &'static str) -> Box<Self> {
        Box::new(Self {
            title: title.into(),
            advice,
            story: Vec::new(),
            evidence: Vec::new(),
        })
    }

    pub(super) fn panicked(function: &str, message: &str) -> Box<Self> {
        let advice = match function {
            "decide" => "reject a command that does not fit, with the reason",
            "on_fact" => {
                "a fact cannot be refused: what happened elsewhere happened; take it as it came"
            }
            "merge" => "where it cannot merge, answer `Merge::Conflict` or `Merge::Manual`",
            _ => {
                "it must be total: an event that does not fit the state happened all the same; take in what can be"
            }
        };
        Self::new(format!("`{function}` panicked: {message}"), advice)
    }

    pub(super) fn shows(mut self: Box<Self>, label: &'static str, lines: Vec<String>) -> Box<Self> {
        self.evidence.push((label, lines));
        self
    }

    pub(super) fn shows_all(
        mut self: Box<Self>,
        shown: impl IntoIterator<Item = Shown>,
    ) -> Box<Self> {
        self.evidence.extend(shown);
        self
    }
}

impl From<Lost> for Box<Problem> {
    fn from(lost: Lost) -> Self {
        Problem::new(
            lost.what,
            "everything that is stored must read back as it was: look at its serde attributes",
        )
        .shows("stored", lost.evidence)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (label, lines) in &self.story {
            text::block(&mut text, label, lines);
        }
        if !self.evidence.is_empty() {
            text.push('\n');
        }
        for (label, lines) in &self.evidence {
            text::block(&mut text, label, lines);
        }
        let advice = text::wrap(self.advice).join("\n  ");
        write!(
            f,
            "{}\n\n{text}\n  {advice}",
            text::wrap(&self.title).join("\n")
        )
    }
}

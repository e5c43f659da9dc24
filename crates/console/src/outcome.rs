//! Says what a command would do, or would have done.

use seriatim_core::{FirstResult, Sequence, Simulated};

use crate::show::{self, Content};

/// What a command would do.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) events: Vec<Content>,
    /// The state after it, as JSON text.
    pub(crate) after: Option<String>,
    pub(crate) is_good: bool,
}

impl From<&Simulated> for Outcome {
    fn from(simulated: &Simulated) -> Self {
        let said = |text: String, is_good| Self {
            text: show::line(&text),
            events: Vec::new(),
            after: None,
            is_good,
        };
        match simulated {
            Simulated::Commits {
                events,
                merged,
                after,
            } => {
                let merged = if *merged {
                    ", merged with what came before"
                } else {
                    ""
                };
                let events: Vec<_> = events.iter().map(Content::from).collect();
                let number = show::count(events.len() as u64, "event", "events");
                Self {
                    text: format!("{number}{merged}"),
                    events,
                    after: Some(show::state(&after.state)),
                    is_good: true,
                }
            }
            Simulated::Unchanged => said("nothing to do".into(), true),
            Simulated::Duplicate(first) => {
                let before = first_result(first);
                said(
                    format!("seen before under this external id: {before}"),
                    false,
                )
            }
            Simulated::ExternalIdReused(first) => {
                let before = first_result(first);
                said(
                    format!("refused: its external id stands for other content ({before})"),
                    false,
                )
            }
            Simulated::Rejected(rejected) => said(
                format!("rejected: {} ({})", rejected.message, rejected.code),
                false,
            ),
            Simulated::Conflict(conflict) => said(format!("refused: {conflict}"), false),
            Simulated::Parks(reason) => said(format!("parked: {reason}"), false),
        }
    }
}

fn first_result(first: &FirstResult) -> String {
    match first {
        FirstResult::Committed { first, last, .. } if first == last => {
            format!("committed then, sequence {first}")
        }
        FirstResult::Committed { first, last, .. } => {
            format!("committed then, sequences {first} to {last}")
        }
        FirstResult::Unchanged { .. } => "there was nothing to do".into(),
        FirstResult::DeadLettered { id } => format!("parked then as dead letter {id}"),
        FirstResult::Rejected(rejected) => {
            format!("rejected then: {} ({})", rejected.message, rejected.code)
        }
    }
}

/// Returns a sequence, or that there is none.
pub(crate) fn at(sequence: Option<Sequence>) -> String {
    sequence.map_or("none".into(), |sequence| sequence.to_string())
}

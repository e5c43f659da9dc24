//! Dead letters of all kinds, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::{
    Action, Annotation, Attempt, CommandLetter, DeadLetter, GivenUp, LetterDecision, LetterStatus,
    ListedLetter, MergeStrategy, ReactionLetter, ThreeWay, Tree, Tried, Verb, assignee,
};

use super::lines::Lines;
use super::reactions::work_json;
use super::{json, letter_notes, text, three_way};

/// The number of characters of a letter's content that a list shows.
const LISTED: usize = 200;

pub(crate) fn letter_json(letter: &DeadLetter) -> Value {
    match letter {
        DeadLetter::Command(letter) => command_json(letter),
        DeadLetter::Reaction(letter) => reaction_json(letter),
    }
}

fn command_json(letter: &CommandLetter) -> Value {
    let request = &letter.request;
    let metadata = &request.metadata;
    let mut value = json!({
        "kind": "command",
        "id": letter.id,
        "stream": request.stream.to_string(),
        "status": letter.status,
        "reason": letter.reason.to_string(),
        "parked_at": letter.parked_at,
        "commands": json::payloads(&request.commands),
        "premises": request.premises,
        "merge": request.merge.map(MergeStrategy::as_str),
        "intervening": letter.intervening.map(|(first, last)| json!({ "first": first, "last": last })),
        "base_sha256": letter.base_hash,
        "actor": metadata.actor,
        "external_id": metadata.external_id,
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "sent_at": metadata.sent_at,
        "attempts": attempts_json(&letter.attempts),
    });
    json::merge(&mut value, json::conflict(&letter.conflict));
    value
}

pub(crate) fn three_way_json(view: &ThreeWay) -> Value {
    let fields = three_way::fields(view);
    let value = |side: &Option<Tree>| side.as_ref().map(Value::from);
    let fields = fields.iter().map(|field| {
        json!({
            "path": field.path,
            "base": value(&field.base),
            "theirs": value(&field.theirs),
            "yours": value(&field.yours),
        })
    });
    json!({
        "letter": command_json(&view.letter),
        "base": json::state(&view.base),
        "theirs": json::state(&view.theirs),
        "intervening": view.intervening.iter().map(json::event).collect::<Vec<_>>(),
        "intervening_total": view.intervening_total,
        "yours": json::simulated(&view.yours),
        "obstacle": view.obstacle.as_ref().map(json::conflict_reason),
        "fields": fields.collect::<Vec<_>>(),
    })
}

fn reaction_json(letter: &ReactionLetter) -> Value {
    json!({
        "kind": "reaction",
        "id": letter.id,
        "work": work_json(&letter.work),
        "stream": letter.stream.to_string(),
        "sequence": letter.sequence,
        "status": letter.status,
        "failure": letter.failure,
        "tries": letter.tries,
        "parked_at": letter.parked_at,
        "attempts": attempts_json(&letter.attempts),
        "decision": letter.decision.as_ref().map(|decision| json!({
            "verb": decision.verb.as_str(),
            "actor": decision.actor,
            "reason": decision.reason,
            "at": decision.at,
        })),
        "closed_at": letter.closed_at,
    })
}

pub(crate) fn given_up_json(given_up: &GivenUp) -> Value {
    json!({
        "letter": reaction_json(&given_up.letter),
        "event": given_up.event.as_ref().map(json::event),
        "followers": given_up.followers,
        "more_followers": given_up.more_followers,
    })
}

fn attempts_json(attempts: &[Attempt]) -> Vec<Value> {
    let attempts = attempts.iter().map(|attempt| {
        json!({
            "at": attempt.at,
            "actor": attempt.actor,
            "reason": attempt.reason,
            "result": attempt.result,
            "tried": attempt.tried.as_ref().map(tried_json),
            "closes": attempt.closes,
        })
    });
    attempts.collect()
}

fn tried_json(tried: &Tried) -> Value {
    match tried {
        Tried::Resubmit => json!({ "action": "resubmit" }),
        Tried::Discard => json!({ "action": "discard" }),
        Tried::Edit { commands } => {
            json!({ "action": "edit", "commands": json::payloads(commands) })
        }
        Tried::Record {
            facts,
            origin,
            external_id,
        } => json!({
            "action": "record",
            "facts": json::payloads(facts),
            "source": origin.source,
            "description": origin.description,
            "external_id": external_id,
        }),
    }
}

pub(crate) fn with_annotations(mut letter: Value, annotations: &[Annotation]) -> Value {
    let all: Vec<_> = annotations
        .iter()
        .map(letter_notes::annotation_json)
        .collect();
    letter["annotations"] = Value::from(all);
    letter["assignee"] = assignee(annotations).into();
    letter
}

pub(crate) fn listed_json(listed: &ListedLetter) -> Value {
    let mut letter = letter_json(&listed.letter);
    letter["assignee"] = listed.assignee.as_deref().into();
    letter
}

pub(crate) fn listed(letters: &[ListedLetter]) -> Lines {
    let pairs = letters.iter();
    rows(pairs.map(|listed| (&listed.letter, listed.assignee.as_deref())))
}

pub(crate) fn letters(letters: &[DeadLetter]) -> Lines {
    rows(letters.iter().map(|letter| (letter, None)))
}

fn rows<'a>(letters: impl Iterator<Item = (&'a DeadLetter, Option<&'a str>)>) -> Lines {
    let rows = letters.map(|(letter, assignee)| {
        let (whose, what) = match letter {
            DeadLetter::Command(letter) => {
                let commands: Vec<_> = letter.request.commands.iter().map(text::payload).collect();
                ("command".to_owned(), commands.join("; "))
            }
            DeadLetter::Reaction(letter) => {
                let what = format!("at {}: {}", letter.sequence, letter.failure);
                (letter.work.component.to_string(), what)
            }
        };
        vec![
            letter.id().to_string(),
            standing(letter).into(),
            letter.parked_at().to_string(),
            whose,
            letter.stream().to_string(),
            shortened(match assignee {
                Some(name) => format!("({name}) {what}"),
                None => what,
            }),
        ]
    });
    Lines::aligned(&rows.collect::<Vec<_>>())
}

/// Returns a letter as a readable line of a list; `show` has all of it.
fn shortened(what: String) -> String {
    match what.char_indices().nth(LISTED) {
        Some((end, _)) => format!("{} ...", &what[..end]),
        None => what,
    }
}

/// Returns its status, or what will be done about it.
fn standing(letter: &DeadLetter) -> &'static str {
    let decision = match letter {
        DeadLetter::Reaction(letter) => letter.decision.as_ref(),
        DeadLetter::Command(_) => None,
    };
    match (letter.status(), decision.map(|decision| decision.verb)) {
        (LetterStatus::Parked, Some(Verb::Resubmit)) => "is resubmitted",
        (LetterStatus::Parked, Some(Verb::Discard)) => "is discarded",
        (status, _) => status.as_str(),
    }
}

pub(crate) fn given_up(given_up: &GivenUp, annotations: &[Annotation]) -> Lines {
    let letter = &given_up.letter;
    let mut rows = vec![
        cells("dead letter", letter.id.unwrap_or_default()),
        cells("status", letter.status.as_str()),
        cells("component", &letter.work),
        cells("stream", &letter.stream),
        cells("sequence", letter.sequence),
        cells("parked", letter.parked_at),
        cells("failure", &letter.failure),
        cells("tries", letter.tries),
    ];
    rows.extend(history(&letter.attempts, annotations));
    let decided = letter.decision.iter();
    rows.extend(decided.map(|decided| cells("decision", decision(decided))));
    rows.extend(letter.closed_at.map(|at| cells("closed", at)));
    if letter.status == LetterStatus::Parked {
        let or_more = if given_up.more_followers {
            " or more"
        } else {
            ""
        };
        let followers = format!("{}{or_more} events", given_up.followers);
        rows.push(cells("waiting behind", followers));
    }
    let mut lines = Lines::aligned(&rows);
    lines.push("");
    lines.append(&match &given_up.event {
        Some(event) => text::event_lines(std::slice::from_ref(event)),
        None => Lines::of("the event is not in the log any more; restore a backup"),
    });
    lines
}

/// Returns the attempts and what people have written, in the order of time.
pub(super) fn history(attempts: &[Attempt], annotations: &[Annotation]) -> Vec<Vec<String>> {
    let attempts = attempts.iter().map(|tried| (tried.at, attempt(tried)));
    let notes = annotations.iter();
    let notes = notes.map(|note| (note.at, letter_notes::annotation(note)));
    let mut lines: Vec<_> = attempts.chain(notes).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, cells)| cells).collect()
}

fn attempt(attempt: &Attempt) -> Vec<String> {
    let (at, result) = (attempt.at, &attempt.result);
    let actor = attempt.actor.as_deref().unwrap_or("somebody");
    let reason = attempt.reason.as_deref();
    let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
    let tried = match &attempt.tried {
        Some(Tried::Edit { commands }) => {
            let commands: Vec<_> = commands.iter().map(text::payload).collect();
            format!(" with {}", commands.join("; "))
        }
        Some(Tried::Record {
            facts,
            origin,
            external_id,
        }) => {
            let facts: Vec<_> = facts.iter().map(text::payload).collect();
            let (facts, source) = (facts.join("; "), &origin.source);
            let description = &origin.description;
            format!(" with {facts} ({external_id} of {source}: {description})")
        }
        Some(Tried::Resubmit | Tried::Discard) | None => String::new(),
    };
    cells(
        "attempt",
        format!("{at}, by {actor}{reason}{tried}: {result}"),
    )
}

fn decision(decision: &LetterDecision) -> String {
    let (verb, at) = (decision.verb.as_str(), decision.at);
    let actor = decision.actor.as_deref().unwrap_or("somebody");
    let reason = decision.reason.as_deref();
    let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
    format!("{at}, by {actor}: {verb}{reason}")
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "texts and numbers alike are handed in"
)]
pub(super) fn cells(name: &str, value: impl ToString) -> Vec<String> {
    vec![name.into(), value.to_string()]
}

pub(crate) fn decided(action: &Action, letter: &DeadLetter) -> Lines {
    let id = letter.id();
    Lines::of(&match letter {
        DeadLetter::Command(letter) => {
            let result = letter
                .attempts
                .last()
                .map(|attempt| attempt.result.as_str());
            let status = letter.status.as_str();
            match result.filter(|result| *result != status) {
                Some(result) => format!("{id}: {status}: {result}"),
                None => format!("{id}: {status}"),
            }
        }
        DeadLetter::Reaction(letter) => {
            let (component, sequence) = (&letter.work.component, letter.sequence);
            let stream = &letter.stream;
            let (will, then) = match action {
                Action::Resubmit { .. } | Action::Edit { .. } | Action::Record(_) => {
                    ("will handle", "then")
                }
                Action::Discard => ("will skip", "then handle"),
            };
            format!(
                "{id}: {component} {will} {stream} at {sequence}, and {then} what waits behind it"
            )
        }
    })
}

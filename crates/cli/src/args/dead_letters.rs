//! Dead letters.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args as Group, Subcommand};
use seriatim_core::{Assignee, Component, Domain, ExpectedSequence, StreamId};
use uuid::Uuid;

use crate::values::{Kind, Source, Status, letter_id};

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List the letters that wait for a person, oldest first
    List(List),
    /// List the faults for which letters wait, those with most letters first
    Faults(About),
    /// Show one letter with all that belongs to it: a command from three sides (what its sender saw, what happened
    /// since, and what it would have done), or an event with its failure, its tries, and how many events wait behind it
    Show {
        /// The letter's id
        #[arg(value_parser = letter_id)]
        id: Uuid,
    },
    /// Show what resubmitting would give, of one letter or of many: nothing is written
    Simulate(Subject),
    /// Try again: a command on the current state, an event and then the events that wait behind it
    Resubmit(Resubmit),
    /// Do something else in place of a parked command: edit it, in the editor that VISUAL or EDITOR names. The letter
    /// closes if that is accepted
    Edit(Edit),
    /// Record what happened anyway in place of a parked command, as a fact on its stream; the letter closes
    Record(RecordInstead),
    /// Give up for good, for a reason; the events that wait behind an event are then handled
    Discard(Discard),
    /// Write a note into the history of a letter, open or closed
    Annotate {
        /// The letter's id
        #[arg(value_parser = letter_id)]
        id: Uuid,
        /// The note
        note: String,
    },
    /// Say who looks after a letter; others may still decide about it
    Assign(Assign),
    /// Say that nobody looks after a letter any more
    Unassign {
        /// The letter's id
        #[arg(value_parser = letter_id)]
        id: Uuid,
    },
}

/// The letters to list, and their order.
#[derive(Debug, Group)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) about: About,
    /// Only letters with this status
    #[arg(long, value_enum, default_value = "parked")]
    pub(crate) status: Status,
    /// Show the latest first
    #[arg(long)]
    pub(crate) latest_first: bool,
}

/// The kinds and subjects of letters.
#[derive(Debug, Group)]
#[group(multiple = true)]
pub(crate) struct About {
    /// Only letters of this kind
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// Only letters of this component: a saga, a process manager, a projector or a read model
    #[arg(long)]
    pub(crate) component: Option<Component>,
    /// Only letters of this domain: that of the command, or of the event that was given up
    #[arg(long)]
    pub(crate) domain: Option<Domain>,
    /// Only letters of this stream
    #[arg(long, value_name = "DOMAIN/ROOT", conflicts_with = "domain")]
    pub(crate) stream: Option<StreamId>,
    /// Only letters that this person looks after, or, with an empty text, that nobody looks after
    #[arg(long, value_name = "NAME", value_parser = assignee)]
    pub(crate) assignee: Option<Assignee>,
    /// Only letters with this fault, as `faults` shows it
    #[arg(long, value_name = "TEXT")]
    pub(crate) fault: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct Assign {
    /// The letter's id
    #[arg(value_parser = letter_id)]
    pub(crate) id: Uuid,
    /// The person who looks after it from now on
    #[arg(value_parser = person)]
    pub(crate) name: String,
    /// The person who looks after it as you saw it, or an empty text for nobody. If it is somebody else, nothing is done
    #[arg(long, value_name = "NAME", value_parser = assignee)]
    pub(crate) from: Option<Assignee>,
}

fn person(name: &str) -> Result<String, String> {
    match name.trim() {
        "" => Err("name a person; `seriatim dead-letters unassign` says that nobody does".into()),
        name => Ok(name.into()),
    }
}

fn assignee(name: &str) -> Result<Assignee, Infallible> {
    Ok(Assignee::named(name))
}

#[derive(Debug, Group)]
pub(crate) struct Resubmit {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The reason; kept with the attempt
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Only show what it would give, as `simulate` does
    #[arg(long, conflicts_with_all = ["yes", "reason", "stop_at_failure", "detach"])]
    pub(crate) dry_run: bool,
    /// The sequence at which you saw the stream of a command: a number, or `none` for a stream without events. If it is
    /// at another one, nothing is done
    #[arg(
        long,
        default_value = "any",
        hide_default_value = true,
        value_name = "N|none",
        allow_negative_numbers = true,
        conflicts_with_all = ["all", "kind", "component", "domain", "stream", "assignee", "fault"]
    )]
    pub(crate) expect: ExpectedSequence,
}

#[derive(Debug, Group)]
pub(crate) struct Edit {
    /// The letter's id
    #[arg(value_parser = letter_id)]
    pub(crate) id: Uuid,
    /// The file with what to do instead, or `-` for stdin: an object with `type` and `data`, or a list of them. Without
    /// it, the editor is opened with the parked command
    #[arg(long, value_name = "FILE|-")]
    pub(crate) command: Option<PathBuf>,
    /// The sequence at which you saw its stream: a number, or `none` for a stream without events. If it is at another
    /// one, nothing is done
    #[arg(
        long,
        default_value = "any",
        hide_default_value = true,
        value_name = "N|none",
        allow_negative_numbers = true
    )]
    pub(crate) expect: ExpectedSequence,
    /// The reason; kept with the attempt
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct RecordInstead {
    /// The letter's id
    #[arg(value_parser = letter_id)]
    pub(crate) id: Uuid,
    /// The event's type name, for example `Paid`
    #[arg(value_name = "EVENT")]
    pub(crate) type_name: String,
    /// Its content as JSON; `-` reads it from stdin, `@FILE` from a file
    #[arg(value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    pub(crate) content: Source,
    /// The system it happened in, for example `stripe`
    #[arg(long, value_name = "NAME")]
    pub(crate) source: String,
    /// What happened, for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: String,
    /// The name that it has where it happened, its idempotency key: it is recorded once, whichever sender is first
    #[arg(long, value_name = "KEY")]
    pub(crate) external_id: String,
    /// Append it unchanged, without asking the aggregate to translate it or add to it
    #[arg(long)]
    pub(crate) no_route: bool,
    /// The reason; kept with the attempt
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct Discard {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The reason why it may be given up; kept for good
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// One letter, or all waiting letters that pass a filter.
#[derive(Debug, Group)]
#[group(multiple = true)]
pub(crate) struct Subject {
    /// The letter's id
    #[arg(value_parser = letter_id, required_unless_present_any = ["all", "kind", "component", "domain", "stream", "assignee", "fault"])]
    pub(crate) id: Option<Uuid>,
    #[command(flatten)]
    pub(crate) about: About,
    /// All waiting letters, of both kinds
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
}

/// The letters to decide about, and how to go on.
#[derive(Debug, Group)]
#[group(multiple = true)]
pub(crate) struct Which {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// Do it, as a job that goes on if you leave; without this, letters that pass the filter are only counted
    #[arg(long, conflicts_with = "id")]
    pub(crate) yes: bool,
    /// Stop the job at the first that is not accepted; it can be resumed
    #[arg(long, conflicts_with = "id")]
    pub(crate) stop_at_failure: bool,
    /// Do not wait for the job
    #[arg(long, requires = "yes")]
    pub(crate) detach: bool,
}

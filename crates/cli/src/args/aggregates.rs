//! Commands, facts, and what is shown of streams.

use std::num::NonZero;
use std::time::Duration;

use clap::Args as Group;
use seriatim_core::{
    At, Component, Domain, ExpectedSequence, FieldPath, Sequence, StreamId, Timestamp, WaitFor,
};

use crate::values::{Merge, Source, Target, UnknownFields, seconds, sequence};

#[derive(Debug, Group)]
pub(crate) struct SendAndWait {
    #[command(flatten)]
    pub(crate) send: Send,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Group)]
pub(crate) struct RecordAndWait {
    #[command(flatten)]
    pub(crate) record: Record,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// The components to wait for.
#[derive(Debug, Group)]
pub(crate) struct Wait {
    /// Answer only when this component has handled the events, for example `order_list.v1`; may be repeated
    #[arg(long = "wait-for", value_name = "COMPONENT")]
    pub(crate) wait_for: Vec<Component>,
    /// How long to wait for them, in seconds (1 to 86400)
    #[arg(
        long = "wait-limit",
        default_value = "10",
        value_name = "SECONDS",
        requires = "wait_for",
        allow_negative_numbers = true,
        value_parser = seconds
    )]
    pub(crate) limit: Duration,
}

impl Wait {
    /// Returns `None` if there is no component to wait for.
    pub(crate) fn given(self) -> Option<WaitFor> {
        let (components, limit) = (self.wait_for, self.limit);
        (!components.is_empty()).then_some(WaitFor { components, limit })
    }
}

/// A command, and the conditions under which it may take effect.
#[derive(Debug, Group)]
pub(crate) struct Send {
    /// The stream it is for: DOMAIN/ROOT, where ROOT is a UUID, or `new` for a new one
    #[arg(value_name = "DOMAIN/ROOT")]
    pub(crate) stream: Target,
    /// The command's type name, for example `Deposit`
    #[arg(value_name = "COMMAND")]
    pub(crate) type_name: String,
    /// Its content as JSON; `-` reads it from stdin, `@FILE` from a file
    #[arg(value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    pub(crate) content: Source,
    /// The sequence that you believe is current: a number, `none` for a stream without events, or `any`
    #[arg(
        long,
        default_value = "any",
        value_name = "N|none|any",
        allow_negative_numbers = true
    )]
    pub(crate) expect: ExpectedSequence,
    /// What to do if the expected sequence is wrong; without it, the aggregate's own strategy
    #[arg(long, value_enum)]
    pub(crate) merge: Option<Merge>,
    /// A field of the state that your decision rests on, for example `address.city`: if it has changed, that is a
    /// conflict; may be repeated
    #[arg(long = "premise", value_name = "PATH")]
    pub(crate) premises: Vec<FieldPath>,
    /// Your idempotency key: a command that is sent again under the same key is done once
    #[arg(long, value_name = "KEY")]
    pub(crate) external_id: Option<String>,
    /// The workflow that it belongs to; without it, the command begins a new one
    #[arg(long, value_name = "ID")]
    pub(crate) correlation_id: Option<String>,
    /// What to do about fields that the command does not have
    #[arg(long, value_enum, default_value = "refuse")]
    pub(crate) unknown_fields: UnknownFields,
}

#[derive(Debug, Group)]
pub(crate) struct Record {
    /// The stream that it is for: DOMAIN/ROOT, where ROOT is a UUID, or `new` for a new one
    #[arg(value_name = "DOMAIN/ROOT")]
    pub(crate) stream: Target,
    /// The event's type name, for example `PaymentConfirmed`
    #[arg(value_name = "EVENT")]
    pub(crate) type_name: String,
    /// Its content as JSON; `-` reads it from stdin, `@FILE` from a file
    #[arg(value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    pub(crate) content: Source,
    /// The system it happened in, for example `stripe`
    #[arg(long, value_name = "NAME")]
    pub(crate) source: String,
    /// A description of what happened, for people
    #[arg(
        long,
        default_value = "",
        value_name = "TEXT",
        hide_default_value = true
    )]
    pub(crate) description: String,
    /// The name that it has where it happened, its idempotency key: it is recorded once, however often it is sent
    #[arg(long, value_name = "KEY")]
    pub(crate) external_id: String,
    /// The workflow that it belongs to; without it, the fact begins a new one
    #[arg(long, value_name = "ID")]
    pub(crate) correlation_id: Option<String>,
    /// Append it unchanged, without asking the aggregate to translate it or add to it
    #[arg(long)]
    pub(crate) no_route: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) send: Send,
    #[command(flatten)]
    pub(crate) when: When,
}

#[derive(Debug, Group)]
pub(crate) struct Events {
    /// The stream
    #[arg(value_name = "DOMAIN/ROOT")]
    pub(crate) stream: StreamId,
    /// The first sequence to show
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = sequence)]
    pub(crate) from: Option<Sequence>,
    /// The last sequence to show
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = sequence)]
    pub(crate) through: Option<Sequence>,
    /// Only the last COUNT events, oldest first
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["from", "through"])]
    pub(crate) last: Option<NonZero<u32>>,
}

/// The streams to list.
#[derive(Debug, Group)]
pub(crate) struct Streams {
    /// Only the streams of this domain
    pub(crate) domain: Option<Domain>,
    /// The most streams to list
    #[arg(long, value_name = "COUNT", default_value = "100")]
    pub(crate) limit: NonZero<u32>,
    /// Only streams after this one, the last that was listed before
    #[arg(long, value_name = "DOMAIN/ROOT")]
    pub(crate) after: Option<StreamId>,
    /// All streams, however many they are
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Why {
    /// The stream
    #[arg(value_name = "DOMAIN/ROOT")]
    pub(crate) stream: StreamId,
    /// A field of its state, for example `address.city`; without it, everything that each event changed
    #[arg(value_name = "FIELD")]
    pub(crate) field: Option<FieldPath>,
    /// The last sequence to look at
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = sequence)]
    pub(crate) through: Option<Sequence>,
    /// The most events to show
    #[arg(long, value_name = "COUNT", default_value = "20")]
    pub(crate) limit: NonZero<usize>,
}

#[derive(Debug, Group)]
pub(crate) struct State {
    /// The stream
    #[arg(value_name = "DOMAIN/ROOT")]
    pub(crate) stream: StreamId,
    #[command(flatten)]
    pub(crate) when: When,
}

/// The state of a stream that is meant.
#[derive(Clone, Copy, Debug, Group)]
#[group(multiple = false)]
pub(crate) struct When {
    /// After the event with this sequence
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = sequence)]
    at: Option<Sequence>,
    /// After the last event recorded at or before this time, for example 2026-11-21T14:30:00Z
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
}

impl When {
    pub(crate) fn at(self) -> At {
        match (self.at, self.as_of) {
            (Some(sequence), _) => At::Sequence(sequence),
            (None, Some(time)) => At::Time(time),
            (None, None) => At::Current,
        }
    }
}

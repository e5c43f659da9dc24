//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};
use clap_complete::Shell;
use seriatim_core::{
    At, Begin, Component, Domain, ExpectedSequence, FieldPath, ReadModelVersion, Sequence,
    StreamId, Timestamp, WaitFor,
};
use uuid::Uuid;

use crate::exit;
use crate::values::{
    Kind, Merge, Source, Status, Target, Token, begin, letter_id, period, read_model, root,
    seconds, sequence, server, token_id,
};

/// Shows what is in a Seriatim server and sends requests to it.
#[derive(Debug, Parser)]
#[command(name = "seriatim", version, after_help = exit::HELP, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options that every command takes.
#[derive(Debug, Group)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The address of the server
    #[arg(
        long,
        global = true,
        env = "SERIATIM_SERVER",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL",
        value_parser = server
    )]
    pub(crate) server: String,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who you are, for the record of what happened
    #[arg(long, global = true, env = "SERIATIM_ACTOR", value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// How long to wait for the answer, in seconds (1 to 86400)
    #[arg(
        long,
        global = true,
        default_value = "30",
        value_name = "SECONDS",
        allow_negative_numbers = true,
        value_parser = seconds
    )]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// The options for TLS, and for showing who you are.
#[derive(Debug, Group)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Shown {
    /// The certificates of the authorities that sign the server's certificate, as PEM; without it, those that this
    /// machine trusts
    #[arg(long, global = true, env = "SERIATIM_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Your client certificate, as PEM, for servers that ask for one
    #[arg(long, global = true, env = "SERIATIM_CERT", value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The key of your client certificate, as PEM; only you may be able to read the file
    #[arg(long, global = true, env = "SERIATIM_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Your token; `@FILE` reads it from a file that only you can read. Other users of this machine see what is on a
    /// command line, so give a token itself in the environment
    #[arg(
        long,
        global = true,
        env = "SERIATIM_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN|@FILE"
    )]
    pub(crate) token: Option<Token>,
    /// Send the token to another machine without TLS, where others can read it on its way
    #[arg(long, global = true)]
    pub(crate) token_in_clear: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a command to an aggregate
    Send(SendAndWait),
    /// Record a fact: an event that already happened elsewhere
    Record(RecordAndWait),
    /// Show what a command would do; nothing is written
    Simulate(Simulate),
    /// Show the events of a stream
    Events(Events),
    /// Show the state of a stream, now or in the past
    State(State),
    /// List the streams
    Streams {
        /// Only the streams of this domain
        domain: Option<Domain>,
    },
    /// List the domains, with their commands and events
    Domains,
    /// Follow the log
    #[command(subcommand)]
    Log(Log),
    /// Look at dead letters (commands and events that wait for a person), and decide about them
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Look at sagas, process managers, projectors and read models; pause and resume them
    #[command(subcommand)]
    Reactions(Reactions),
    /// Look at read models in SQL; compare, switch and drop their versions
    #[command(subcommand)]
    ReadModels(ReadModels),
    /// Make, list and revoke API tokens, over a server or on a store itself
    Tokens(Tokens),
    /// Look at what operators and administrators did, the newest first, and at who was turned away
    #[command(subcommand)]
    Operations(Operations),
    /// Look at a configuration; calls no server
    #[command(subcommand)]
    Config(Config),
    /// Bring the tables of a store to this program's schema; calls no server
    Migrate(Migrate),
    /// Watch the components: position, speed, parked streams; until Ctrl-C, or once without a terminal
    Top,
    /// Check that a store's log is whole and that no progress contradicts it; calls no server
    Audit(Audit),
    /// Make certificates for a server and a client; calls no server
    #[command(subcommand)]
    Certs(Certs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

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
}

#[derive(Debug, Group)]
pub(crate) struct State {
    /// The stream
    #[arg(value_name = "DOMAIN/ROOT")]
    pub(crate) stream: StreamId,
    #[command(flatten)]
    pub(crate) when: When,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Say everything that is wrong with a configuration, or who may do what
    Check {
        /// The file, for example `seriatim.toml`; the environment of this program counts too
        file: PathBuf,
    },
}

#[derive(Debug, Group)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    pub(crate) verb: TokensVerb,
    /// Call no server: write to this store, for example to make the first token
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensVerb {
    /// Make a token, and print it: nobody can see it again
    Create(CreateToken),
    /// List the tokens: whose they are, their roles, and when they were made, used and revoked
    List,
    /// Revoke a token, for ever
    Revoke {
        /// The token's id, which is in the list
        #[arg(value_parser = token_id)]
        id: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operations {
    /// List the newest operations
    List {
        /// How many
        #[arg(long, default_value_t = 100, value_name = "COUNT")]
        limit: usize,
    },
}

#[derive(Debug, Group)]
pub(crate) struct CreateToken {
    /// The name of the principal that will show it, for example `billing`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A role that it brings; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// How long it is valid, for example `90d`, `12h` or `30m`; without this it does not end by itself
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub(crate) expires: Option<Duration>,
    /// Write it into this file, which only you can read, and which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct Migrate {
    /// The store: sqlite://FILE or postgres://USER@HOST/DATABASE
    #[arg(value_name = "URL", env = "SERIATIM_STORE", hide_env_values = true)]
    pub(crate) store: String,
    /// Only show what is missing; ends with code 10 if something is
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Audit {
    /// The store: sqlite://FILE or postgres://USER@HOST/DATABASE
    #[arg(value_name = "URL", env = "SERIATIM_STORE", hide_env_values = true)]
    pub(crate) store: String,
    /// A database that holds only read models of this store's events; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) read_models: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Certs {
    /// Make an authority, a certificate for a server and one for a client, for a trial: they are valid for 30 days, and
    /// the authority's key is not kept; overwrites nothing
    MakeTrial(MakeTrial),
}

#[derive(Debug, Group)]
pub(crate) struct MakeTrial {
    /// Where to write the files
    #[arg(long, default_value = "certs", value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// A name or an address by which clients call the server, besides those of this machine; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
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

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Print events as they are recorded, of all streams or of some, until Ctrl-C
    Tail(Tail),
}

/// The options that say where to begin, and what to print.
#[derive(Debug, Group)]
pub(crate) struct Tail {
    /// Where to begin: at the `first` event of the log, at events that are recorded from `now` or from a time on, or
    /// after a cursor
    #[arg(
        long,
        default_value = "now",
        value_name = "first|now|TIME|CURSOR",
        allow_negative_numbers = true,
        value_parser = begin
    )]
    pub(crate) from: Begin,
    /// Only events of this domain; may be repeated
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub(crate) domains: Vec<Domain>,
    /// Only events of this type, for example `Deposited`; may be repeated
    #[arg(long = "type", value_name = "EVENT")]
    pub(crate) types: Vec<String>,
    /// Only events of this root; may be repeated
    #[arg(long = "root", value_name = "UUID", value_parser = root)]
    pub(crate) roots: Vec<Uuid>,
    /// End at the end of the log instead of waiting for more
    #[arg(long)]
    pub(crate) until_caught_up: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reactions {
    /// List the components of the server: how far each has come, and which process does its work
    List,
    /// Pause a component until it is resumed, also across restarts
    Pause {
        /// The component; a process manager has several
        component: Component,
        /// The reason, for those who find it paused
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Resume a component that is paused
    Resume {
        /// The component
        component: Component,
    },
    /// Make a component begin anew at another place; its progress and its parked streams are forgotten
    Begin {
        /// The component; a process manager has several
        component: Component,
        /// Where: at the `first` event of the log, at events that are recorded from `now` or from a time on, or after a
        /// cursor
        #[arg(
            long,
            value_name = "first|now|TIME|CURSOR",
            allow_negative_numbers = true,
            value_parser = begin
        )]
        at: Begin,
        /// Do it; without this, only show what would be forgotten
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReadModels {
    /// List the versions: the standing of each, how far it has come, and which process feeds it
    List {
        /// Only the versions of this read model, for example `balances`
        name: Option<String>,
    },
    /// Show how far a version has come, how fast it is and how long it still takes; on a terminal until it is done
    Progress {
        /// The version, for example `balances.v2`
        #[arg(value_parser = read_model)]
        version: ReadModelVersion,
    },
    /// Compare the rows of a version with those of the live one; ends with code 13 if they differ
    Compare(CompareReadModel),
    /// Make the views show a version, in one step; the one before is kept
    Switch {
        /// The version, for example `balances.v2`
        #[arg(value_parser = read_model)]
        version: ReadModelVersion,
    },
    /// Drop a version that is not live, with its tables and its progress; if it is being built, this ends the rebuild
    Drop {
        /// The version, for example `balances.v1`
        #[arg(value_parser = read_model)]
        version: ReadModelVersion,
        /// Do it; without this, only show what would be lost
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Group)]
pub(crate) struct CompareReadModel {
    /// The version, for example `balances.v2`
    #[arg(value_parser = read_model)]
    pub(crate) version: ReadModelVersion,
    /// Only this table, by its plain name
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// Only this column of the table; may be repeated
    #[arg(long = "column", value_name = "COLUMN", requires = "table")]
    pub(crate) columns: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List the letters that wait for a person, oldest first
    List(List),
    /// Show one letter with all that belongs to it: a command from three sides (what its sender saw, what happened
    /// since, and what it would have done), or an event with its failure, its tries, and how many events wait behind it
    Show {
        /// The letter's id
        #[arg(value_parser = letter_id)]
        id: Uuid,
    },
    /// Try again: a command on the current state, an event and then the events that wait behind it
    Resubmit(Resubmit),
    /// Give up for good, for a reason; the events that wait behind an event are then handled
    Discard(Discard),
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
}

#[derive(Debug, Group)]
pub(crate) struct Resubmit {
    #[command(flatten)]
    pub(crate) which: Which,
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
pub(crate) struct Which {
    /// The letter's id
    #[arg(value_parser = letter_id, required_unless_present_any = ["all", "kind", "component", "domain", "stream"])]
    pub(crate) id: Option<Uuid>,
    #[command(flatten)]
    pub(crate) about: About,
    /// All waiting letters, of both kinds
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
    /// Do it; without this, letters that pass the filter are only shown
    #[arg(long, conflicts_with = "id")]
    pub(crate) yes: bool,
    /// Stop at the first that fails
    #[arg(long, conflicts_with = "id")]
    pub(crate) stop_at_failure: bool,
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::CommandFactory;

    #[test]
    fn the_definition_does_not_contradict_itself() {
        Args::command().debug_assert();
    }
}

//! The command line.

mod administration;
mod aggregates;
mod dead_letters;
mod jobs;
mod reactions;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};
use clap_complete::Shell;
use seriatim_core::Domain;

use crate::exit;
use crate::values::{Token, seconds, server};

pub(crate) use administration::{
    Audit, Certs, Config, CreateToken, MakeTrial, Migrate, Operations, Tokens, TokensVerb,
};
pub(crate) use aggregates::{
    Events, Record, RecordAndWait, Send, SendAndWait, Simulate, State, Streams, Why,
};
pub(crate) use dead_letters::{
    About, Assign, DeadLetters, Discard, Edit, List, RecordInstead, Resubmit, Subject, Which,
};
pub(crate) use jobs::Jobs;
pub(crate) use reactions::{CompareReadModel, Log, Reactions, ReadModels, Tail, Workflow};

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
    /// Show which events made a field of a state what it is, newest first
    Why(Why),
    /// Show everything that a command or a fact has caused: the events and dead letters with one correlation id
    Workflow(Workflow),
    /// List the streams
    Streams(Streams),
    /// List the domains, with their commands and events
    Domains {
        /// Show the fields of each command and event
        #[arg(long)]
        schema: bool,
        /// Only this domain
        #[arg(requires = "schema")]
        domain: Option<Domain>,
    },
    /// Follow the log
    #[command(subcommand)]
    Log(Log),
    /// Look at dead letters (commands and events that wait for a person), and decide about them
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Look at bulk jobs on dead letters; pause, resume and cancel them
    #[command(subcommand)]
    Jobs(Jobs),
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

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::CommandFactory;

    #[test]
    fn the_definition_does_not_contradict_itself() {
        Args::command().debug_assert();
    }
}

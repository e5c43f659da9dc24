//! The log, components and read models.

use clap::{Args as Group, Subcommand};
use seriatim_core::{Begin, Component, Domain, ReadModelVersion};
use uuid::Uuid;

use crate::values::{begin, read_model, root};

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
    /// Only events of this workflow; may be repeated
    #[arg(long = "correlation-id", value_name = "ID")]
    pub(crate) workflows: Vec<String>,
    /// End at the end of the log instead of waiting for more
    #[arg(long)]
    pub(crate) until_caught_up: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Workflow {
    /// Its correlation id: `send` and `record` print it, and `events --json` shows it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Where to begin to look, as for `log tail`; without it, at the time in the id, or at
    /// the first event if the id has none
    #[arg(long, value_name = "first|now|TIME|CURSOR", allow_negative_numbers = true, value_parser = begin)]
    pub(crate) from: Option<Begin>,
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

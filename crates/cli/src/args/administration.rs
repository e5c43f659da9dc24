//! The configuration, tokens, certificates, and stores.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Subcommand};
use uuid::Uuid;

use crate::values::{period, token_id};

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

//! Why a database could not be opened.

use std::num::NonZero;

use crate::refused;

/// Why a database could not be opened. Messages name it without its password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The location is no URL of a PostgreSQL database.
    #[error(
        "the URL names no PostgreSQL database; write it as `postgres://user:password@host:5432/database`: {reason}"
    )]
    InvalidUrl {
        /// What is the matter with it.
        reason: String,
    },
    /// The URL has an option that there is none of.
    #[error("there is no option `{name}`; the store has {known}, and the connection {connection}")]
    UnknownOption {
        /// What was given.
        name: String,
        /// Those of the store.
        known: String,
        /// Those of the connection.
        connection: String,
    },
    /// An option of the URL has a value that it cannot have.
    #[error("the option `{name}` cannot be `{value}`; it takes {takes}")]
    InvalidOption {
        /// Which option.
        name: &'static str,
        /// What was given.
        value: String,
        /// What may be given.
        takes: &'static str,
    },
    /// Nobody answers at the address, or the server is still starting.
    #[error(
        "no PostgreSQL answers at {database}; start it, or correct the address (`wait=60` waits a minute for it): {source}"
    )]
    Unreachable {
        /// Which database.
        database: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// The server is not reached by TLS, which `sslmode` asks for.
    #[error(
        "{database} cannot be reached by TLS; set `ssl = on` at the server, or correct `sslmode` and the files it needs: {source}"
    )]
    NoTls {
        /// Which database.
        database: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// The server has shown a certificate that proves nothing to this program.
    #[error(
        "the certificate of {database} is not to be trusted; name that of its authority in `sslrootcert`, and the server by a name that it was made for: {source}"
    )]
    NotTrusted {
        /// Which database.
        database: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// The server does not know the user, or not by this password.
    #[error(
        "{database} does not let this user in; correct the user, the password or `sslmode`, or the server's `pg_hba.conf`: {source}"
    )]
    NotLetIn {
        /// Which database.
        database: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The server has no such database.
    #[error("there is no database {database}; create it first: {source}")]
    NoSuchDatabase {
        /// Which database.
        database: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The user may not make or use the tables.
    #[error(
        "this user may not make or use the tables in the schema `{schema}` of {database}; run `seriatim migrate` as one who may, and grant this one USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables: {source}"
    )]
    NotAllowed {
        /// Which database.
        database: String,
        /// The schema of the tables.
        schema: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The user may read the tables but lacks a right that the store needs to write.
    #[error(
        "this user may not write to all tables of {database}; as the owner of the tables, run: {grants}"
    )]
    NoRightToWrite {
        /// Which database.
        database: String,
        /// The statements that give it what it lacks.
        grants: String,
    },
    /// A standby, or a server that was told to refuse writes.
    #[error(
        "{database} may be read but not written; name the primary server, or all of them: {source}"
    )]
    ReadOnly {
        /// Which database.
        database: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The tables are older than this program, and the URL says not to touch them.
    #[error(
        "the tables of {database} are at migration {found}, and this program needs them at {needed}; run `seriatim migrate` on it as a user who may make tables, or leave `migrate=never` out"
    )]
    SchemaOlder {
        /// Which database.
        database: String,
        /// The number of its last migration; 0: there are no tables.
        found: u32,
        /// The number of the last migration of this program.
        needed: u32,
    },
    /// A newer program has brought the tables to a newer schema.
    #[error(
        "the tables of {database} are at migration {found}, and this program knows them up to {supported}; use a newer program"
    )]
    SchemaNewer {
        /// Which database.
        database: String,
        /// The number of its last migration.
        found: u32,
        /// The number of the last migration of this program.
        supported: u32,
    },
    /// A migration was made from another text than this program has.
    #[error(
        "migration {number} (`{name}`) of {database} was made by a program whose text of it differs; use that program, or restore a backup"
    )]
    ChangedMigration {
        /// Which database.
        database: String,
        /// The number of the migration.
        number: u32,
        /// Its name.
        name: String,
    },
    /// The log was created with another number of partitions.
    #[error(
        "the log in {database} was created with `partitions={found}`, which cannot be changed to {asked}; leave the option out, or create a log in another `schema`"
    )]
    OtherPartitions {
        /// Which database.
        database: String,
        /// How many it has.
        found: NonZero<u16>,
        /// How many the URL asks for.
        asked: NonZero<u16>,
    },
    /// Anything else.
    #[error("{database} could not be opened; see what its server says and try again: {source}")]
    Failed {
        /// Which database.
        database: String,
        /// What the driver said.
        source: sqlx::Error,
    },
}

impl OpenError {
    /// Whether the same may work later, with nothing changed here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::ReadOnly { .. } => true,
            Self::Failed { source, .. } => refused::kind(source).is_transient(),
            Self::InvalidUrl { .. }
            | Self::UnknownOption { .. }
            | Self::InvalidOption { .. }
            | Self::NoTls { .. }
            | Self::NotTrusted { .. }
            | Self::NotLetIn { .. }
            | Self::NoSuchDatabase { .. }
            | Self::NotAllowed { .. }
            | Self::NoRightToWrite { .. }
            | Self::SchemaOlder { .. }
            | Self::SchemaNewer { .. }
            | Self::ChangedMigration { .. }
            | Self::OtherPartitions { .. } => false,
        }
    }
}

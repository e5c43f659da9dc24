//! The reasons why a database could not be opened.

use std::num::NonZero;

use seriatim_store_sql::SchemaError;

use crate::opening::driver_error;

/// The reason why a database could not be opened. The messages name the database without its password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The location is not the URL of a PostgreSQL database.
    #[error(
        "the URL names no PostgreSQL database; write it as `postgres://user:password@host:5432/database`: {reason}"
    )]
    InvalidUrl {
        /// The fault of the URL.
        reason: String,
    },
    /// The URL has an unknown option.
    #[error("there is no option `{name}`; the store has {known}, and the connection {connection}")]
    UnknownOption {
        /// The name in the URL.
        name: String,
        /// The options of the store.
        known: String,
        /// The options of the connection.
        connection: String,
    },
    /// An option of the URL has an invalid value.
    #[error("the option `{name}` cannot be `{value}`; it takes {takes}")]
    InvalidOption {
        /// The name of the option.
        name: &'static str,
        /// The value in the URL.
        value: String,
        /// The values that are allowed.
        takes: String,
    },
    /// No server answers at the address, or the server is still starting.
    #[error(
        "no PostgreSQL answers at {database}; start it, or correct the address (`wait=60` waits a minute for it): {source}"
    )]
    Unreachable {
        /// The database.
        database: String,
        /// The error of the driver.
        source: sqlx::Error,
    },
    /// The server cannot be reached by TLS, which `sslmode` asks for.
    #[error(
        "{database} cannot be reached by TLS; set `ssl = on` at the server, or correct `sslmode` and the files it needs: {source}"
    )]
    NoTls {
        /// The database.
        database: String,
        /// The error of the driver.
        source: sqlx::Error,
    },
    /// The certificate of the server cannot be trusted.
    #[error(
        "the certificate of {database} is not to be trusted; name that of its authority in `sslrootcert`, and the server by a name that it was made for: {source}"
    )]
    NotTrusted {
        /// The database.
        database: String,
        /// The error of the driver.
        source: sqlx::Error,
    },
    /// The server refuses the user or the password.
    #[error(
        "{database} does not let this user in; correct the user, the password or `sslmode`, or the server's `pg_hba.conf`: {source}"
    )]
    NotLetIn {
        /// The database.
        database: String,
        /// The error of the server.
        source: sqlx::Error,
    },
    /// The server has no such database.
    #[error("there is no database {database}; create it first: {source}")]
    NoSuchDatabase {
        /// The database.
        database: String,
        /// The error of the server.
        source: sqlx::Error,
    },
    /// The user may not make or use the tables.
    #[error(
        "this user may not make or use the tables in the schema `{schema}` of {database}; run `seriatim migrate` as one who may, and grant this one USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables: {source}"
    )]
    NotAllowed {
        /// The database.
        database: String,
        /// The schema of the tables.
        schema: String,
        /// The error of the server.
        source: sqlx::Error,
    },
    /// The user may read the tables but lacks a right that the store needs to write.
    #[error(
        "this user may not write to all tables of {database}; as the owner of the tables, run: {grants}"
    )]
    NoRightToWrite {
        /// The database.
        database: String,
        /// The statements that grant the missing rights.
        grants: String,
    },
    /// The server is a standby, or was told to refuse writes.
    #[error(
        "{database} may be read but not written; name the primary server, or all of them: {source}"
    )]
    ReadOnly {
        /// The database.
        database: String,
        /// The error of the server.
        source: sqlx::Error,
    },
    /// The tables do not fit this program.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The log was created with another number of partitions.
    #[error(
        "the log in {database} was created with `partitions={found}`, which cannot be changed to {asked}; leave the option out, or create a log in another `schema`"
    )]
    OtherPartitions {
        /// The database.
        database: String,
        /// The number of partitions that the log has.
        found: NonZero<u16>,
        /// The number of partitions that the URL asks for.
        asked: NonZero<u16>,
    },
    /// Any other error.
    #[error("{database} could not be opened; see what its server says and try again: {source}")]
    Failed {
        /// The database.
        database: String,
        /// The error of the driver.
        source: sqlx::Error,
    },
}

impl OpenError {
    /// Returns whether the same may work later without a change here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::ReadOnly { .. } => true,
            Self::Failed { source, .. } => driver_error::kind(source).is_transient(),
            Self::InvalidUrl { .. }
            | Self::UnknownOption { .. }
            | Self::InvalidOption { .. }
            | Self::NoTls { .. }
            | Self::NotTrusted { .. }
            | Self::NotLetIn { .. }
            | Self::NoSuchDatabase { .. }
            | Self::NotAllowed { .. }
            | Self::NoRightToWrite { .. }
            | Self::Schema(_)
            | Self::OtherPartitions { .. } => false,
        }
    }
}

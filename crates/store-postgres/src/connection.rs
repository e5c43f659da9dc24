//! Connecting: patiently while the store is opened, promptly afterwards.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Error, PgConnection};

use crate::location::Location;
use crate::refused::{self, Meaning};
use crate::{OpenError, migrations};

/// How long one attempt to connect may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The first connection: waits for a server that is not up yet, and makes the tables.
pub(crate) async fn open(location: &Location) -> Result<PgConnection, OpenError> {
    let give_up = Instant::now() + location.wait;
    let mut pause = Duration::from_millis(50);
    loop {
        match connect(&location.connect).await {
            Ok(mut connection) => {
                migrations::run(&mut connection, location).await?;
                return Ok(connection);
            }
            Err(error) if Instant::now() < give_up && may_come_up(&error) => {
                tracing::info!(%error, database = %location, "waiting for the database");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            Err(error) => return Err(open_error(location, error)),
        }
    }
}

pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
    connecting.await.unwrap_or_else(|_| Err(timed_out()))
}

/// As the driver would say it.
pub(crate) fn timed_out() -> Error {
    Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the server did not answer in time",
    ))
}

fn may_come_up(error: &Error) -> bool {
    match refused::code(error).as_deref() {
        // Starting, stopping, or all connections are taken; or a pooler that does not reach its server.
        Some(code) => matches!(code, "57P03" | "57P01" | "57P02" | "53300" | "08P01"),
        None => refused::meaning(error) == Meaning::Lost,
    }
}

/// Why a database could not be opened.
pub(crate) fn open_error(location: &Location, source: Error) -> OpenError {
    let database = location.to_string();
    match refused::code(&source).as_deref() {
        Some("28000" | "28P01") => OpenError::NotLetIn { database, source },
        Some("3D000") => OpenError::NoSuchDatabase { database, source },
        Some("42501") => OpenError::NotAllowed {
            database,
            schema: location.schema.clone(),
            source,
        },
        Some("25006") => OpenError::ReadOnly { database, source },
        Some("57P03") => OpenError::Unreachable { database, source },
        Some(_) => OpenError::Failed { database, source },
        None if matches!(source, Error::Io(_)) => OpenError::Unreachable { database, source },
        None => OpenError::Failed { database, source },
    }
}

//! Connecting: with waiting while the store is opened, without it afterwards.

use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Error, PgConnection, Row};

use crate::OpenError;
use crate::opening::driver_error::{self, Meaning};
use crate::opening::location::Location;
use crate::opening::servers::Servers;

/// The time that one attempt to connect may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the first connection. Waits for a server that is not up yet or does not take writes yet.
pub(crate) async fn open(location: &Location) -> Result<PgConnection, OpenError> {
    let give_up = Instant::now() + location.wait;
    let mut pause = Duration::from_millis(50);
    loop {
        match connect_to_writable(&location.connect).await {
            Ok(connection) => return Ok(connection),
            Err(error) if Instant::now() < give_up && may_come_up(&error) => {
                tracing::warn!(error = error.to_string(), database = %location, "waiting for the database");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            Err(error) => return Err(open_error(location, error)),
        }
    }
}

async fn connect_to_writable(servers: &Servers) -> Result<PgConnection, Error> {
    let mut connection = connect(servers).await?;
    require_writable(&mut connection).await?;
    Ok(connection)
}

/// Connects to the server. Of several servers it connects to the one that takes writes. A single server is used without
/// a check: if it refuses something, this is noticed then.
pub(crate) async fn connect(servers: &Servers) -> Result<PgConnection, Error> {
    let mut failure: Option<Error> = None;
    for (number, options) in servers.in_turn() {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, async {
            let mut connection = options.connect().await?;
            if servers.are_several() {
                require_writable(&mut connection).await?;
            }
            Ok(connection)
        });
        match connecting.await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(connection) => {
                servers.found(number);
                return Ok(connection);
            }
            Err(error) => {
                // An error from a server says more than the fact that another server does not answer.
                if failure.as_ref().is_none_or(may_come_up) {
                    failure = Some(error);
                }
            }
        }
    }
    Err(failure.unwrap_or_else(timed_out))
}

/// A standby, or a server that was told to refuse writes, cannot be used.
async fn require_writable(connection: &mut PgConnection) -> Result<(), Error> {
    let show = sqlx::raw_sql("SHOW transaction_read_only");
    let rows = show.fetch_all(connection).await?;
    let answer: String = rows.first().ok_or(Error::RowNotFound)?.try_get(0)?;
    match answer.as_str() {
        "off" => Ok(()),
        _ => Err(Error::Io(std::io::Error::new(
            READ_ONLY,
            "the server is a standby, or was told to refuse writes",
        ))),
    }
}

/// Marks the error of [`require_writable`].
const READ_ONLY: std::io::ErrorKind = std::io::ErrorKind::ReadOnlyFilesystem;

/// Makes the error that the driver would return.
pub(crate) fn timed_out() -> Error {
    Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the server did not answer in time",
    ))
}

fn may_come_up(error: &Error) -> bool {
    match driver_error::code(error).as_deref() {
        // The server starts, stops or has no connection left; or a pooler does not reach its server.
        Some(code) => matches!(code, "57P03" | "57P01" | "57P02" | "53300" | "08P01"),
        None => driver_error::meaning(error) == Meaning::Lost && !is_about_tls(error),
    }
}

/// The driver reports a failed handshake as invalid data.
fn is_about_tls(error: &Error) -> bool {
    match error {
        Error::Tls(_) => true,
        Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Returns the reason why a database could not be opened.
pub(crate) fn open_error(location: &Location, source: Error) -> OpenError {
    let database = location.to_string();
    match driver_error::code(&source).as_deref() {
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
        None => match &source {
            Error::Tls(_) => OpenError::NoTls { database, source },
            Error::Io(_) if is_about_tls(&source) => OpenError::NotTrusted { database, source },
            Error::Io(error) if error.kind() == READ_ONLY => {
                OpenError::ReadOnly { database, source }
            }
            Error::Io(_) => OpenError::Unreachable { database, source },
            _ => OpenError::Failed { database, source },
        },
    }
}

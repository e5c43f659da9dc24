//! The contents of a URL: the database, the schema in it, and how long the store waits.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::OpenError;
use crate::opening::servers::Servers;
use crate::positions::MOST_PARTITIONS;

/// The options of the store itself, with their values.
const OWN: &str = "`schema`, `partitions`, `connections`, `poll`, `wait`, `migrate`, `statement_timeout`, `lock_timeout`, `pooler` and `checksums`";

/// The options of the driver.
const DRIVER: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// A database, and how to use it.
#[derive(Clone)]
pub(crate) struct Location {
    pub(crate) connect: Servers,
    /// The same without the settings that are meant for the store's own statements.
    pub(crate) for_users: Servers,
    /// A plain identifier in lower case.
    pub(crate) schema: String,
    /// The number of partitions that a new log gets, and that an existing log must have. `None` means one for a new
    /// log, and any number for an existing one.
    pub(crate) partitions: Option<NonZero<u16>>,
    /// The time between two looks at the heads while somebody waits.
    pub(crate) poll: Duration,
    /// The most connections for everything but appends.
    pub(crate) connections: usize,
    /// The time for which opening waits for a server that does not answer yet.
    pub(crate) wait: Duration,
    /// `true` if opening migrates the tables. Otherwise it refuses tables that are not up to date.
    pub(crate) migrate: bool,
    /// The time for which the server works on a statement before it gives up.
    pub(crate) statement_timeout: Duration,
    /// The time for which it waits in a statement for another writer.
    pub(crate) lock_timeout: Duration,
    /// `true` if a pooler assigns server connections for each transaction, so that a session keeps no settings.
    pub(crate) pooled: bool,
    /// `true` if events get a checksum.
    pub(crate) checksums: bool,
}

impl FromStr for Location {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        let (address, options) = url.split_once('?').unwrap_or((url, ""));
        let none = Servers::new(vec![PgConnectOptions::new_without_pgpass()]);
        let mut location = Self {
            connect: none.clone(),
            for_users: none,
            schema: "seriatim".into(),
            partitions: None,
            poll: Duration::from_secs(1),
            connections: 4,
            wait: Duration::from_secs(5),
            migrate: true,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            pooled: false,
            checksums: true,
        };
        let mut rest = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            if !location.take(name, value)? {
                rest.push(option);
            }
        }
        let servers: Result<Vec<_>, _> = addresses(address)
            .iter()
            .map(|address| location.host(address, &rest.join("&")))
            .collect();
        let servers = servers?;
        let for_users = servers.iter().map(|host| location.settings_for_users(host));
        location.for_users = Servers::new(for_users.collect());
        let own = servers.into_iter().map(|host| location.settings(host));
        location.connect = Servers::new(own.collect());
        Ok(location)
    }
}

impl Location {
    /// Returns whether it is an option of ours. Refuses an option that is neither ours nor the driver's.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, OpenError> {
        match name {
            "schema" => self.schema = schema(value)?,
            "connections" => {
                let takes = "a number from 1 to 1000";
                self.connections = number("connections", value, takes, 1..=1000)?;
            }
            "partitions" => self.partitions = Some(partitions(value)?),
            "poll" => {
                let takes = "milliseconds, a number from 10 to 86400000";
                let milliseconds = number("poll", value, takes, 10..=86_400_000)?;
                self.poll = Duration::from_millis(milliseconds as u64);
            }
            "wait" => self.wait = seconds("wait", value)?,
            "migrate" => self.migrate = choice("migrate", value, ["open", "never"])?,
            "statement_timeout" => {
                self.statement_timeout = seconds("statement_timeout", value)?;
            }
            "lock_timeout" => self.lock_timeout = seconds("lock_timeout", value)?,
            "pooler" => self.pooled = choice("pooler", value, ["transaction", "none"])?,
            "checksums" => self.checksums = choice("checksums", value, ["on", "off"])?,
            _ if DRIVER.contains(&name) => return Ok(false),
            _ => {
                return Err(OpenError::UnknownOption {
                    name: name.into(),
                    known: OWN.into(),
                    connection: DRIVER.join(", "),
                });
            }
        }
        Ok(true)
    }

    /// Returns how to reach the server of one address.
    fn host(&self, address: &str, options: &str) -> Result<PgConnectOptions, OpenError> {
        let url = format!("{address}?{options}");
        let connect = PgConnectOptions::from_str(url.trim_end_matches('?'));
        let connect = connect.map_err(|error| OpenError::InvalidUrl {
            reason: error.to_string(),
        })?;
        // The brackets belong to the URL; they are not part of the address.
        let address = connect.get_host().strip_prefix('[');
        let address = address.and_then(|address| address.strip_suffix(']'));
        let connect = match address.map(str::to_owned) {
            Some(address) => connect.host(&address),
            None => connect,
        };
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("seriatim"),
        };
        Ok(connect.extra_float_digits(None))
    }

    /// Settings of a session that user code works on. Behind a pooler, statements do not stay prepared.
    fn settings_for_users(&self, connect: &PgConnectOptions) -> PgConnectOptions {
        match self.pooled {
            true => connect.clone().statement_cache_capacity(0),
            false => connect.clone().options(self.patience()),
        }
    }

    /// Settings of every session, sent with the first message of a connection, so that they cost no round trip.
    ///
    /// A plan is made once for each statement, often while the tables are still empty. Without these switches it would
    /// scan whole tables, and still do so when they have grown. A pooler refuses or mixes up such settings; behind a
    /// pooler each transaction begins with them.
    fn settings(&self, connect: PgConnectOptions) -> PgConnectOptions {
        if self.pooled {
            return connect;
        }
        let connect = connect.options([("default_transaction_isolation", "read committed")]);
        connect.options(self.settings_of_a_transaction())
    }

    /// The settings for every transaction.
    pub(crate) fn settings_of_a_transaction(&self) -> [(&'static str, String); 8] {
        let [statement, lock, idle] = self.patience();
        [
            statement,
            lock,
            idle,
            ("plan_cache_mode", "force_generic_plan".into()),
            ("enable_seqscan", "off".into()),
            ("enable_bitmapscan", "off".into()),
            ("max_parallel_workers_per_gather", "0".into()),
            ("jit", "off".into()),
        ]
    }

    /// The settings that limit how long the server waits.
    pub(crate) fn patience(&self) -> [(&'static str, String); 3] {
        let milliseconds = |time: Duration| time.as_millis().to_string();
        [
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(self.lock_timeout),
            ),
        ]
    }

    /// Returns how long an answer may take before the connection is given up: the server should be the first to give
    /// up.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(5)
    }
}

/// Shows the database without its password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.connect.last_found();
        let database = first.get_database();
        let database = database.unwrap_or_else(|| first.get_username());
        write!(f, "`{database}` at ")?;
        for (number, host) in self.connect.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            match host.get_socket() {
                Some(socket) => write!(f, "{comma}{}", socket.display())?,
                None if host.get_host().contains(':') => {
                    write!(f, "{comma}[{}]:{}", host.get_host(), host.get_port())?;
                }
                None => write!(f, "{comma}{}:{}", host.get_host(), host.get_port())?,
            }
        }
        Ok(())
    }
}

/// Returns an address for each server of a URL that names several: `postgres://user@one:5432,two:5432/database`.
fn addresses(address: &str) -> Vec<String> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let (authority, database) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (user, servers) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    match scheme.is_empty() {
        true => vec![address.to_owned()],
        false => servers
            .split(',')
            .map(|host| format!("{scheme}://{user}{host}{database}"))
            .collect(),
    }
}

/// Checks the name. It becomes part of SQL, so it must need no escapes.
fn schema(name: &str) -> Result<String, OpenError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let is_the_servers = name == "information_schema" || name.starts_with("pg_");
    if !begins_well || name.len() > 63 || !name.chars().all(plain) || is_the_servers {
        let takes = "a name of at most 63 lower-case letters, digits and `_` that begins with no digit, and is none of PostgreSQL's own (`information_schema`, `pg_...`)";
        return Err(invalid("schema", name, takes));
    }
    Ok(name.into())
}

fn partitions(value: &str) -> Result<NonZero<u16>, OpenError> {
    let count = value.parse().ok();
    let count = count.filter(|count: &NonZero<u16>| count.get() <= MOST_PARTITIONS);
    count.ok_or_else(|| invalid("partitions", value, "a number from 1 to 256"))
}

fn seconds(name: &'static str, value: &str) -> Result<Duration, OpenError> {
    let takes = "seconds, a number from 1 to 86400";
    number(name, value, takes, 1..=86_400).map(|seconds| Duration::from_secs(seconds as u64))
}

/// Returns `true` if the value is the first one, and `false` if it is the second one.
fn choice(name: &'static str, value: &str, values: [&'static str; 2]) -> Result<bool, OpenError> {
    let [yes, no] = values;
    match value {
        _ if value == yes => Ok(true),
        _ if value == no => Ok(false),
        _ => Err(invalid(name, value, format!("`{yes}` or `{no}`"))),
    }
}

fn number(
    name: &'static str,
    value: &str,
    takes: &'static str,
    range: std::ops::RangeInclusive<usize>,
) -> Result<usize, OpenError> {
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| invalid(name, value, takes))
}

fn invalid(name: &'static str, value: &str, takes: impl Into<String>) -> OpenError {
    OpenError::InvalidOption {
        name,
        value: value.into(),
        takes: takes.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_store_and_of_the_driver_are_told_apart() {
        let url = "postgres://me:secret@db.example:5433/shop?schema=log_2&sslmode=disable&connections=9&wait=60";
        let location: Location = url.parse().ok().unwrap();
        assert_eq!(location.schema, "log_2");
        assert_eq!(location.connections, 9);
        assert_eq!(location.wait, Duration::from_secs(60));
        assert_eq!(location.to_string(), "`shop` at db.example:5433");
    }

    #[test]
    fn a_url_may_name_several_servers() {
        let url = "postgres://me:a,b%40@one,two:5433,[::1]:5434/shop?schema=log&sslmode=disable";
        let location: Location = url.parse().ok().unwrap();
        let shown = "`shop` at one:5432,two:5433,[::1]:5434";
        assert_eq!(location.to_string(), shown);
        let names: Vec<_> = location
            .connect
            .iter()
            .map(PgConnectOptions::get_host)
            .collect();
        assert_eq!(names, ["one", "two", "::1"]);
        for host in location.connect.iter() {
            assert_eq!(host.get_username(), "me");
            assert_eq!(host.get_database(), Some("shop"));
        }
    }

    #[test]
    fn what_is_no_option_or_no_value_is_refused() {
        for (options, wrong) in [
            ("scheme=x", "scheme"),
            ("schema=Log", "Log"),
            ("schema=a%22b", "a%22b"),
            ("schema=", "schema"),
            ("schema=information_schema", "information_schema"),
            ("schema=pg_catalog", "pg_catalog"),
            ("connections=0", "connections"),
            ("partitions=0", "partitions"),
            ("partitions=257", "257"),
            ("poll=9", "poll"),
            ("wait=soon", "soon"),
            ("pooler=session", "session"),
            ("migrate=always", "always"),
        ] {
            let parsed = format!("postgres://localhost/shop?{options}").parse::<Location>();
            let error = parsed.err().expect(options).to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}

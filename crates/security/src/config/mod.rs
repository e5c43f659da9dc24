//! The configuration of a server, from a file and from the environment.

mod authentication;
mod fault;
mod files;
mod principals;
mod reader;
mod roles;
mod server;
mod source;
mod watch;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use authentication::{Algorithm, Authentication, JwksSource, JwtConfig};
pub use fault::{ConfigError, ConfigFault, ConfigFaults, Place, Wrong};
pub use server::ServerConfig;
pub use watch::ConfigFile;

use crate::tls::TlsOptions;
use crate::{Limits, Policy};
use reader::{Faults, Reader};
use source::is_ours;

/// What a server is told about itself: where it listens, how callers show who they are, and what they may do.
///
/// It comes from a file in TOML. Environment variables win over the file: `SERIATIM__SERVER__LISTEN` is the key `listen`
/// of the table `server`. The value of a variable is read as TOML, and as a text if it is not TOML; names are in lower
/// case. What a program sets by `AppBuilder` wins over both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The table `server`.
    pub server: ServerConfig,
    /// The table `tls`.
    pub tls: Option<TlsOptions>,
    /// The table `authentication`. `None` if nobody is asked, unless principals have certificates.
    pub authentication: Option<Authentication>,
    policy: Policy,
    /// What it was made from, if that is a file, which is looked at again.
    origin: Option<Origin>,
}

/// A text and the variables that win over it, to be read again in the same way.
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    path: PathBuf,
    text: String,
    variables: Vec<(OsString, OsString)>,
}

/// Variables of a process may be secrets, so it shows the file alone.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(&self.path).finish()
    }
}

impl Config {
    /// Reads a file, and the environment of this process. Names of files in it are relative to its folder.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::read_with(path, env::vars_os())
    }

    /// Reads a file, with these environment variables.
    pub fn read_with(
        path: impl AsRef<Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::from_origin(Origin {
            path: path.to_owned(),
            text,
            variables: variables.into_iter().filter(is_ours).collect(),
        })?)
    }

    fn from_origin(origin: Origin) -> Result<Self, ConfigFaults> {
        let variables = origin.variables.iter().cloned();
        let config = Self::from_text(&origin.path, &origin.text, variables)?;
        Ok(Self {
            origin: Some(origin),
            ..config
        })
    }

    /// Reads text as that of a file, with these environment variables.
    fn from_text(
        path: &Path,
        text: &str,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigFaults> {
        let name = path.to_string_lossy();
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut table = match source::parse(&name, text) {
            Ok(table) => table,
            Err(fault) => return Err(ConfigFaults(vec![*fault])),
        };
        let mut of_environment = Vec::new();
        source::overlay(&mut table, variables, &mut of_environment);
        let faults = Faults::default();
        let config = Self::of(Reader::new("", table, &faults), &faults, folder);
        let mut faults = faults.into_sorted();
        faults.extend(of_environment);
        match faults.is_empty() {
            true => Ok(config),
            false => Err(ConfigFaults(faults)),
        }
    }

    fn of(mut root: Reader<'_>, faults: &Faults, folder: &Path) -> Self {
        let server = ServerConfig::read(root.table("server"), faults);
        let tls = root.table("tls");
        let is_given = tls.is_some();
        let tls = tls.and_then(|(place, table)| server::tls(&place, table, faults, folder));
        let has_ca = match &tls {
            Some(tls) => tls.clients.is_some(),
            // If it is wrong, that is told already.
            None => is_given,
        };
        let asked = root.table("authentication");
        let place = asked.as_ref().map(|(place, _)| place.clone());
        let has_jwt = (asked.as_ref()).is_some_and(|(_, table)| table.has("jwt"));
        let authentication = asked.map(|(_, table)| Authentication::read(table, faults, folder));
        let (of_roles, of_principals) = (root.named("roles"), root.named("principals"));
        let mut named = of_roles.iter().chain(&of_principals);
        // Who says any of these means that callers are asked.
        let first = place.or_else(|| named.next().map(|(_, found)| found.place.clone()));
        let roles = roles::read(of_roles, faults);
        let ways = principals::Ways { has_ca, has_jwt };
        let principals = principals::read(of_principals, &roles, ways, faults);
        let limits = root.table("limits");
        let limits = limits.map_or(Limits::default(), |(_, table)| principals::limits(table));
        root.finish();
        let config = Self {
            server,
            tls,
            authentication,
            policy: Policy {
                roles,
                principals,
                limits,
            },
            origin: None,
        };
        // Another fault may be the cause of this one.
        if let Some(place) = first.filter(|_| faults.is_empty() && !config.asks()) {
            faults.add(&place, "authentication", Wrong::NoWayIn);
        }
        config
    }

    /// Returns the roles, the principals and the limits.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns whether callers must show who they are.
    pub fn asks(&self) -> bool {
        let ways = self.authentication.as_ref();
        ways.is_some_and(|ways| ways.tokens || ways.jwt.is_some()) || self.takes_certificates()
    }

    /// Returns whether a client certificate can show who a caller is.
    pub fn takes_certificates(&self) -> bool {
        let mut principals = self.policy.principals.values();
        principals.any(|principal| !principal.certificates.is_empty())
            && (self.tls.as_ref()).is_some_and(|tls| tls.clients.is_some())
    }

    fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}

/// Reads text without an environment. Names of files in it are relative to the working directory.
impl FromStr for Config {
    type Err = ConfigFaults;

    fn from_str(text: &str) -> Result<Self, ConfigFaults> {
        Self::from_text(&PathBuf::from("configuration"), text, [])
    }
}

//! The table `authentication`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use seriatim_core::nearest;

use super::fault::{Place, Wrong};
use super::files::file;
use super::reader::{Faults, Found, Reader};
use crate::jwt;

/// The ways in which callers may show who they are, besides client certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// True if API tokens are taken.
    pub tokens: bool,
    /// The JSON web tokens that are taken.
    pub jwt: Option<JwtConfig>,
}

/// The JSON web tokens of one provider of identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtConfig {
    /// The issuer, exactly as the tokens name it.
    pub issuer: String,
    /// The audiences; a token must name at least one of them.
    pub audience: Vec<String>,
    /// The algorithms that are taken. A token never chooses another.
    pub algorithms: Vec<Algorithm>,
    /// The place of the public keys.
    pub jwks: JwksSource,
    /// The certificates of those who sign that of the keys' server, in PEM; `None` for those of the machine.
    pub jwks_ca: Option<PathBuf>,
    /// The claim with the roles: a name, or the names of objects in one another with `.` between them.
    pub roles_claim: String,
    /// How far the clocks of the issuer and of this machine may differ.
    pub leeway: Duration,
}

/// The place of public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// An `https` URL, or an `http` URL of this machine.
    Url(http::Uri),
}

/// A way to sign with a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "they are the names of the standard, RFC 7518 and RFC 8037"
)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// Returns its name in tokens and configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Returns the algorithm with a name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Authentication {
    pub(super) fn read(mut table: Reader<'_>, faults: &Faults, folder: &Path) -> Self {
        let tokens = table.flag("tokens").unwrap_or_default();
        let jwt = table.table("jwt");
        let jwt = jwt.and_then(|(place, table)| JwtConfig::read(&place, table, faults, folder));
        table.finish();
        Self { tokens, jwt }
    }
}

impl JwtConfig {
    fn read(place: &Place, mut table: Reader<'_>, faults: &Faults, folder: &Path) -> Option<Self> {
        let issuer = table.text("issuer").map(|found| found.value);
        let audience = table.texts("audience");
        let algorithms = table.texts("algorithms");
        let jwks = table.text("jwks");
        let jwks_ca = table
            .text("jwks_ca")
            .map(|found| file(&found, faults, folder));
        let roles_claim = table.text("roles_claim").map(|found| found.value);
        let leeway = table.number("leeway_seconds", 0, 600).unwrap_or(60);
        table.finish();
        for (key, is_missing) in [
            ("issuer", issuer.is_none()),
            ("audience", audience.is_empty()),
            ("algorithms", algorithms.is_empty()),
            ("jwks", jwks.is_none()),
        ] {
            if is_missing {
                faults.add(place, "authentication.jwt", Wrong::Missing { key });
            }
        }
        let algorithms = algorithms
            .iter()
            .filter_map(|found| algorithm(found, faults));
        Some(Self {
            issuer: issuer?,
            audience: audience.into_iter().map(|found| found.value).collect(),
            algorithms: algorithms.collect(),
            jwks: keys(&jwks?, faults, folder)?,
            jwks_ca,
            roles_claim: roles_claim.unwrap_or_else(|| "roles".into()),
            leeway: Duration::from_secs(leeway.into()),
        })
    }
}

fn algorithm(found: &Found<String>, faults: &Faults) -> Option<Algorithm> {
    let given = found.value.as_str();
    let known = Algorithm::by_name(given);
    if known.is_none() {
        let is_symmetric = given.eq_ignore_ascii_case("none") || given.starts_with("HS");
        let wrong = match is_symmetric {
            true => Wrong::NotAsymmetric {
                algorithm: given.to_owned(),
            },
            false => Wrong::Choice {
                given: given.to_owned(),
                nearest: nearest(given, Algorithm::ALL.map(Algorithm::name)),
                allowed: Algorithm::ALL.map(Algorithm::name).into(),
            },
        };
        faults.add(&found.place, &found.key, wrong);
    }
    known
}

fn keys(found: &Found<String>, faults: &Faults, folder: &Path) -> Option<JwksSource> {
    if !found.value.contains("://") {
        let path = file(found, faults, folder);
        if let Ok(text) = std::fs::read(&path)
            && let Err(error) = jwt::check_keys(&text)
        {
            let (path, why) = (path.clone(), error.to_string());
            faults.add(&found.place, &found.key, Wrong::Keys { path, why });
        }
        return Some(JwksSource::File(path));
    }
    let url = found.value.parse::<http::Uri>().ok();
    let url = url.filter(jwt::may_be_fetched);
    if url.is_none() {
        // It may have a password, or a secret in its query.
        let given = match found.value.contains(['@', '?']) {
            true => "a URL with a password or a query".into(),
            false => found.value.clone(),
        };
        faults.add(&found.place, &found.key, Wrong::Jwks { given });
    }
    url.map(JwksSource::Url)
}

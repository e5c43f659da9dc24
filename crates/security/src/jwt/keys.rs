//! The public keys of an issuer.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

use super::JwtError;
use super::parts::decode;
use crate::Algorithm;

/// The most keys of one issuer.
const MOST_KEYS: usize = 100;

/// The public keys of an issuer, those that can be used.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it may be used with, if it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

/// A public key.
#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The reason why text is no set of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidKeys {
    #[error("it is not JSON with a list `keys`, each with a `kty`")]
    Json,
    #[error("it has {count} keys; at most {MOST_KEYS} are taken")]
    TooMany { count: usize },
    #[error("it has no key that can check a signature")]
    None,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// Fails if the keys could not be used.
pub(crate) fn check_keys(text: &[u8]) -> Result<(), InvalidKeys> {
    match Keys::parse(text)?.is_empty() {
        true => Err(InvalidKeys::None),
        false => Ok(()),
    }
}

impl Keys {
    /// Reads a set of keys. Keys for other uses, of other kinds, or that are broken are left out: one of them must not
    /// shut out those who use the others.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, InvalidKeys> {
        let Set { keys } = serde_json::from_slice(text).map_err(|_| InvalidKeys::Json)?;
        if keys.len() > MOST_KEYS {
            return Err(InvalidKeys::TooMany { count: keys.len() });
        }
        Ok(Self(keys.into_iter().filter_map(Key::of).collect()))
    }

    /// Returns whether no token can be checked with them. An issuer that withdraws its only key may publish such a set.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key that a token names. A token that names none is checked with the only key that fits, so that no
    /// caller can have many keys tried.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.0.iter().filter(|key| key.fits(algorithm));
        match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }

    /// Checks a signature.
    pub(super) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), JwtError> {
        let key = self.find(id, algorithm).ok_or(JwtError::UnknownKey)?;
        let verified = match &key.material {
            Material::Rsa { n, e } => {
                let parameters = rsa(algorithm).ok_or(JwtError::Algorithm)?;
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature)
            }
            Material::P256(key) => verify(&ECDSA_P256_SHA256_FIXED, key, signed, signature),
            Material::P384(key) => verify(&ECDSA_P384_SHA384_FIXED, key, signed, signature),
            Material::Ed25519(key) => verify(&ED25519, key, signed, signature),
        };
        verified.map_err(|_| JwtError::Signature)
    }
}

fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> Result<(), ring::error::Unspecified> {
    UnparsedPublicKey::new(algorithm, key).verify(signed, signature)
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => return None,
    })
}

impl Key {
    fn of(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let is_for_signatures = (jwk.usage.as_deref()).is_none_or(|usage| usage == "sig")
            && (jwk.key_ops.as_ref()).is_none_or(|all| all.iter().any(|one| one == "verify"));
        let algorithm = match &jwk.alg {
            Some(name) => Some(Algorithm::by_name(name)?),
            None => None,
        };
        let key = Self {
            material: Material::of(&jwk)?,
            algorithm,
            id: jwk.kid,
        };
        let is_usable = is_for_signatures && algorithm.is_none_or(|only| key.material.fits(only));
        is_usable.then_some(key)
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm) && self.material.fits(algorithm)
    }
}

impl Material {
    fn of(jwk: &Jwk) -> Option<Self> {
        let bytes = |part: &Option<String>| decode(part.as_deref()?).ok();
        let point = |size: usize| {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            (x.len() == size && y.len() == size).then(|| [&[4], &x[..], &y[..]].concat())
        };
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Some(Self::Rsa {
                n: bytes(&jwk.n)?,
                e: bytes(&jwk.e)?,
            }),
            ("EC", Some("P-256")) => point(32).map(Self::P256),
            ("EC", Some("P-384")) => point(48).map(Self::P384),
            ("OKP", Some("Ed25519")) => bytes(&jwk.x).map(Self::Ed25519),
            _ => None,
        }
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => rsa(algorithm).is_some(),
            Self::P256(_) => algorithm == Algorithm::ES256,
            Self::P384(_) => algorithm == Algorithm::ES384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDSA,
        }
    }
}

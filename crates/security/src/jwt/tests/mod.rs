//! Tokens that are good, tokens that are not, and providers that do not do what they should.

mod issuer;
mod signer;
mod tokens;
mod fetching;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::key_store::Pace;
use super::{Checked, JwtVerifier, Verified};
use crate::{Algorithm, JwksSource, JwtConfig, Unauthenticated};

/// Waits that are long enough for any machine, and a pace at which keys are fetched once in a test.
fn pace() -> Pace {
    Pace {
        limit: Duration::from_secs(60),
        between: Duration::from_secs(3600),
        refresh: Duration::from_secs(3600),
        retry: Duration::from_millis(20),
    }
}

fn config(jwks: JwksSource) -> JwtConfig {
    JwtConfig {
        issuer: "https://id.example.com".into(),
        audience: vec!["bank".into(), "till".into()],
        algorithms: vec![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA],
        jwks,
        jwks_ca: None,
        roles_claim: "roles".into(),
        leeway: Duration::from_secs(60),
    }
}

/// Returns the second that is so many after now.
fn after(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + seconds
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example.com",
        "aud": "bank",
        "exp": after(600),
        "sub": "ann@example.com",
        "roles": ["clerk", "auditor"],
    })
}

async fn check(verifier: &JwtVerifier, token: &str) -> Result<Verified, Unauthenticated> {
    match verifier.check(token) {
        Checked::Now(checked) => checked,
        Checked::Later(checked) => {
            let in_time = tokio::time::timeout(Duration::from_secs(120), checked).await;
            in_time.expect("it never ended")
        }
    }
}

//! Which tokens are taken, and why others are not.

use std::fs;

use serde_json::{Value, json};

use super::signer::{Signer, encode, hmac, public_rsa};
use super::{after, check, claims, config, pace};
use crate::jwt::JwtVerifier;
use crate::{Algorithm, JwksSource, JwtConfig, JwtError, Unauthenticated};

/// An issuer with a key of each kind, in a file.
struct Stage {
    rsa: Signer,
    ec: Signer,
    ed: Signer,
    config: JwtConfig,
    verifier: JwtVerifier,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut JwtConfig)) -> Self {
        let (rsa, ec, ed) = (Signer::rsa(), Signer::p256(), Signer::ed25519());
        let keys = json!({ "keys": [
            rsa.jwk("rsa", &json!({ "use": "sig" })),
            ec.jwk("ec", &json!({ "key_ops": ["verify"] })),
            ed.jwk("ed", &json!({})),
            rsa.jwk("for-encryption", &json!({ "use": "enc" })),
            rsa.jwk("only-ps256", &json!({ "alg": "PS256" })),
            rsa.jwk("for-hmac", &json!({ "alg": "HS256" })),
            ec.jwk("as-rsa", &json!({ "alg": "RS256" })),
            { "kty": "oct", "kid": "secret", "k": "AAAA" },
            { "kty": "new-kind" },
            7,
        ]});
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        fs::write(&file, keys.to_string()).unwrap();
        let mut config = config(JwksSource::File(file));
        change(&mut config);
        Self {
            rsa,
            ec,
            ed,
            verifier: JwtVerifier::with_pace(config.clone(), pace()),
            config,
            _folder: folder,
        }
    }

    async fn refused(&self, token: &str) -> Unauthenticated {
        check(&self.verifier, token).await.expect_err("it is taken")
    }

    async fn with_claims(&self, claims: &Value) -> Result<(), Unauthenticated> {
        let token = self
            .ec
            .sign(&json!({ "alg": "ES256", "kid": "ec" }), claims);
        check(&self.verifier, &token).await.map(drop)
    }
}

fn header(algorithm: &str, id: &str) -> Value {
    json!({ "alg": algorithm, "kid": id, "typ": "JWT" })
}

#[tokio::test]
async fn a_token_of_each_kind_of_key_is_taken() {
    let stage = Stage::new();
    for (signer, algorithm, id) in [
        (&stage.rsa, "RS256", "rsa"),
        (&stage.ec, "ES256", "ec"),
        (&stage.ed, "EdDSA", "ed"),
    ] {
        let token = signer.sign(&header(algorithm, id), &claims());
        let verified = check(&stage.verifier, &token).await.unwrap();
        assert_eq!(
            (verified.subject.as_str(), verified.roles.len()),
            ("ann@example.com", 2)
        );
        // Without an id it is the only key that fits.
        let token = signer.sign(&json!({ "alg": algorithm }), &claims());
        check(&stage.verifier, &token).await.unwrap();
    }
    let stage = Stage::with(|config| config.algorithms = vec![Algorithm::PS256]);
    let token = stage.rsa.sign(&header("PS256", "rsa"), &claims());
    check(&stage.verifier, &token).await.unwrap();
}

#[tokio::test]
async fn the_algorithm_is_chosen_by_the_configuration() {
    let stage = Stage::new();
    let wrong = Unauthenticated::Jwt(JwtError::Algorithm);
    for name in [
        "none", "None", "NONE", "", "HS256", "RS257", "rs256", "PS256", "ES384",
    ] {
        let token = stage.rsa.sign(&header(name, "rsa"), &claims());
        assert_eq!(stage.refused(&token).await, wrong, "{name}");
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        assert_eq!(
            stage.refused(&format!("{unsigned}.")).await,
            wrong,
            "{name}"
        );
    }
    for secret in public_rsa() {
        let token = hmac(&secret, &header("HS256", "rsa"), &claims());
        assert_eq!(stage.refused(&token).await, wrong);
        let token = hmac(&secret, &header("RS256", "rsa"), &claims());
        assert_eq!(stage.refused(&token).await, JwtError::Signature.into());
    }
    let only = Stage::with(|config| config.algorithms = vec![Algorithm::RS256]);
    let token = only.ec.sign(&header("ES256", "ec"), &claims());
    assert_eq!(only.refused(&token).await, wrong);
}

#[tokio::test]
async fn a_key_is_used_only_for_what_it_is_for() {
    let stage = Stage::with(|config| config.algorithms.push(Algorithm::PS256));
    for (signer, algorithm, id) in [
        (&stage.rsa, "RS256", "for-encryption"),
        (&stage.rsa, "RS256", "only-ps256"),
        (&stage.rsa, "RS256", "for-hmac"),
        (&stage.ec, "ES256", "as-rsa"),
        (&stage.rsa, "RS256", "ec"),
        (&stage.rsa, "RS256", "secret"),
        (&stage.rsa, "RS256", "../../etc/passwd"),
        (&stage.rsa, "RS256", "' OR 1=1"),
    ] {
        let token = signer.sign(&header(algorithm, id), &claims());
        assert_eq!(
            stage.refused(&token).await,
            JwtError::UnknownKey.into(),
            "{id}"
        );
    }
    // Two keys fit, and the token does not say which.
    let token = stage.rsa.sign(&json!({ "alg": "PS256" }), &claims());
    assert_eq!(stage.refused(&token).await, JwtError::UnknownKey.into());
    let others = Signer::p256().sign(&header("ES256", "ec"), &claims());
    assert_eq!(stage.refused(&others).await, JwtError::Signature.into());
}

#[tokio::test]
async fn a_token_is_of_the_issuer_and_for_the_audience() {
    let stage = Stage::new();
    let set = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    for (name, value, expected) in [
        ("iss", json!("https://id.example.com/"), JwtError::Issuer),
        ("iss", json!("HTTPS://id.example.com"), JwtError::Issuer),
        ("aud", json!("shop"), JwtError::Audience),
        ("aud", json!(["shop", "desk"]), JwtError::Audience),
        ("aud", json!([]), JwtError::Audience),
        ("iss", json!(["https://id.example.com"]), JwtError::Claims),
        ("aud", json!({ "bank": true }), JwtError::Claims),
        ("aud", json!([["bank"]]), JwtError::Claims),
        ("sub", json!(7), JwtError::Claims),
        ("exp", json!(after(600).to_string()), JwtError::Claims),
        ("exp", json!("never"), JwtError::Claims),
        ("exp", json!(null), JwtError::Claims),
        ("exp", json!(-1), JwtError::Claims),
        ("exp", json!(1e300), JwtError::Claims),
        ("nbf", json!("99999999999"), JwtError::Claims),
        ("nbf", json!([0]), JwtError::Claims),
    ] {
        let refused = stage.with_claims(&set(name, value.clone())).await;
        assert_eq!(refused, Err(expected.into()), "{name} {value}");
    }
    for name in ["iss", "aud", "exp", "sub"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(
            stage.with_claims(&claims).await,
            Err(JwtError::Claims.into()),
            "{name}"
        );
    }
    for audience in [json!("till"), json!(["shop", "bank"])] {
        assert_eq!(stage.with_claims(&set("aud", audience)).await, Ok(()));
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let stage = Stage::new();
    let at = |name: &str, seconds: i64| {
        let mut claims = claims();
        claims[name] = json!(after(seconds));
        claims
    };
    // Far enough from the limit of 60 s for any machine.
    assert_eq!(stage.with_claims(&at("exp", -30)).await, Ok(()));
    assert_eq!(
        stage.with_claims(&at("exp", -61)).await,
        Err(Unauthenticated::Expired)
    );
    assert_eq!(
        stage.with_claims(&at("exp", -100_000)).await,
        Err(Unauthenticated::Expired)
    );
    assert_eq!(stage.with_claims(&at("nbf", 30)).await, Ok(()));
    assert_eq!(
        stage.with_claims(&at("nbf", 180)).await,
        Err(JwtError::NotYet.into())
    );
    let mut fraction = claims();
    fraction["exp"] = json!(after(600) as f64 + 0.5);
    let token = stage.ec.sign(&header("ES256", "ec"), &fraction);
    let verified = check(&stage.verifier, &token).await.unwrap();
    let expires = verified
        .expires
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(
        expires.as_secs_f64(),
        fraction["exp"].as_f64().unwrap() + 60.0
    );
    assert_eq!(stage.config.leeway.as_secs(), 60);
}

#[tokio::test]
async fn what_is_no_token_is_refused_before_a_key_is_looked_for() {
    let stage = Stage::new();
    let good = stage.ec.sign(&header("ES256", "ec"), &claims());
    let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let malformed = JwtError::Malformed;
    for (token, expected) in [
        (String::new(), malformed),
        ("a.b".into(), malformed),
        ("..".into(), malformed),
        (format!("{head}.{body}"), malformed),
        (format!("{good}.{signature}"), malformed),
        (format!("{head}=.{body}.{signature}"), malformed),
        (format!("{head}.{body}.{signature}=="), malformed),
        (format!("{head}.{body}.{signature}\n"), malformed),
        (format!("{head}.{body}.+/{}", &signature[2..]), malformed),
        (format!("{}.{body}.{signature}", encode("[]")), malformed),
        (
            format!("{}.{body}.{signature}", encode("\u{feff}{}")),
            malformed,
        ),
        (
            format!(
                "{}.{body}.{signature}",
                encode(r#"{"alg":"none","alg":"ES256"}"#)
            ),
            malformed,
        ),
        (
            format!("{head}.{}.{signature}", "A".repeat(8192)),
            JwtError::TooLong,
        ),
        (
            stage
                .ec
                .sign(&json!({ "alg": "ES256", "crit": ["exp"] }), &claims()),
            JwtError::Critical,
        ),
        (
            stage
                .ec
                .sign(&json!({ "alg": "ES256", "b64": false }), &claims()),
            JwtError::Critical,
        ),
        (
            format!("{head}.{}.{signature}", encode("{}")),
            JwtError::Signature,
        ),
        (
            format!("{head}.{body}.{}", encode([0; 64])),
            JwtError::Signature,
        ),
        (format!("{head}.{body}."), JwtError::Signature),
        (
            stage
                .ec
                .sign_text(&header("ES256", "ec").to_string(), "no JSON"),
            JwtError::Claims,
        ),
        (
            stage.ec.sign_text(
                &header("ES256", "ec").to_string(),
                &claims().to_string().replacen('{', r#"{"sub":"root","#, 1),
            ),
            JwtError::Claims,
        ),
    ] {
        assert_eq!(stage.refused(&token).await, expected.into(), "{token}");
    }
}

#[tokio::test]
async fn roles_come_from_the_claim_in_any_usual_form() {
    for (claim, value, expected) in [
        ("roles", json!({ "roles": ["a", "b"] }), &["a", "b"][..]),
        ("scope", json!({ "scope": "a  b" }), &["a", "b"]),
        (
            "realm.roles",
            json!({ "realm": { "roles": ["a"] } }),
            &["a"],
        ),
        (
            "https://x.y/roles",
            json!({ "https://x.y/roles": ["a"] }),
            &["a"],
        ),
        ("roles", json!({ "roles": { "a": true } }), &[]),
        ("roles", json!({ "roles": ["a", 7, null] }), &["a"]),
        ("groups", json!({}), &[]),
    ] {
        let stage = Stage::with(|config| config.roles_claim = claim.into());
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("roles");
        for (name, value) in value.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = stage.ec.sign(&header("ES256", "ec"), &claims);
        assert_eq!(
            check(&stage.verifier, &token).await.unwrap().roles,
            expected,
            "{claim}"
        );
    }
}

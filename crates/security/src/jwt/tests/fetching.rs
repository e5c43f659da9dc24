//! Keys that come over HTTP, or do not come.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::issuer::{Answer, Issuer};
use super::signer::Signer;
use super::{check, claims, config, pace};
use crate::jwt::key_store::Pace;
use crate::jwt::{Checked, JwtVerifier};
use crate::{JwtConfig, JwtError, Unauthenticated};

fn keys(signer: &Signer, id: &str) -> Answer {
    let keys = json!({ "keys": [signer.jwk(id, &json!({}))] });
    Answer::Status("200 OK", keys.to_string())
}

fn token(signer: &Signer, id: &str) -> String {
    signer.sign(&json!({ "alg": "ES256", "kid": id }), &claims())
}

/// Waits until something is so, for as long as any machine needs.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let in_time = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), in_time)
        .await
        .expect("it never was so");
}

#[tokio::test]
async fn a_thousand_unknown_keys_cause_one_fetch() {
    let signer = Signer::p256();
    let issuer = Issuer::start(keys(&signer, "one")).await;
    let verifier = JwtVerifier::with_pace(config(issuer.source()), pace());
    check(&verifier, &token(&signer, "one")).await.unwrap();
    assert_eq!(issuer.asked(), 1);
    for count in 0..1000 {
        let refused = verifier.check(&token(&signer, &format!("kid-{count}")));
        assert!(matches!(
            refused,
            Checked::Now(Err(Unauthenticated::Jwt(JwtError::UnknownKey)))
        ));
    }
    check(&verifier, &token(&signer, "one")).await.unwrap();
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn callers_at_once_share_the_fetch_of_a_new_key() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let issuer = Issuer::start(keys(&old, "old")).await;
    let between = Duration::from_millis(1);
    let verifier = JwtVerifier::with_pace(config(issuer.source()), Pace { between, ..pace() });
    check(&verifier, &token(&old, "old")).await.unwrap();
    issuer.answers(keys(&new, "new"));
    tokio::time::sleep(between * 2).await;
    let token_of_new = token(&new, "new");
    let begun: Vec<_> = (0..100).map(|_| verifier.check(&token_of_new)).collect();
    for checked in begun {
        match checked {
            Checked::Later(checked) => drop(checked.await.unwrap()),
            Checked::Now(_) => panic!("nothing was fetched yet"),
        }
    }
    assert_eq!(issuer.asked(), 2);
    // The old one is withdrawn.
    let refused = check(&verifier, &token(&old, "old")).await;
    assert_eq!(refused.unwrap_err(), JwtError::UnknownKey.into());
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_unavailable_until_they_can() {
    let signer = Signer::p256();
    let status = |status| Answer::Status(status, String::new());
    let garbage = |text: &str| Answer::Status("200 OK", text.into());
    let many = json!({ "keys": vec![signer.jwk("one", &json!({})); 101] }).to_string();
    for answer in [
        status("500 Internal Server Error"),
        status("302 Found"),
        status("204 No Content"),
        garbage("<html>"),
        garbage("{\"keys\":[]}"),
        garbage(&many),
        Answer::Endless(100 * 1024 * 1024),
    ] {
        let issuer = Issuer::start(answer).await;
        let verifier = JwtVerifier::with_pace(config(issuer.source()), pace());
        let token = token(&signer, "one");
        assert_eq!(
            check(&verifier, &token).await.unwrap_err(),
            Unauthenticated::Unavailable
        );
        issuer.answers(keys(&signer, "one"));
        until(async || check(&verifier, &token).await.is_ok()).await;
    }
}

#[tokio::test]
async fn a_provider_that_never_answers_keeps_nobody_waiting_for_long() {
    let signer = Signer::p256();
    let issuer = Issuer::start(Answer::Silent).await;
    let limit = Duration::from_millis(50);
    let verifier = JwtVerifier::with_pace(config(issuer.source()), Pace { limit, ..pace() });
    let refused = check(&verifier, &token(&signer, "one")).await;
    assert_eq!(refused.unwrap_err(), Unauthenticated::Unavailable);
}

#[tokio::test]
async fn keys_stay_in_force_if_a_later_fetch_fails() {
    let signer = Signer::p256();
    let issuer = Issuer::start(keys(&signer, "one")).await;
    let between = Duration::from_millis(1);
    let verifier = JwtVerifier::with_pace(config(issuer.source()), Pace { between, ..pace() });
    check(&verifier, &token(&signer, "one")).await.unwrap();
    issuer.answers(Answer::Status("503 Service Unavailable", String::new()));
    tokio::time::sleep(between * 2).await;
    let unknown = check(&verifier, &token(&signer, "two")).await;
    assert_eq!(
        unknown.unwrap_err(),
        Unauthenticated::Unavailable,
        "it may be a new key"
    );
    assert!(issuer.asked() >= 2);
    check(&verifier, &token(&signer, "one")).await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_withdrawn_is_not_taken_for_ever() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let issuer = Issuer::start(keys(&old, "old")).await;
    let refresh = Duration::from_millis(20);
    let verifier = JwtVerifier::with_pace(config(issuer.source()), Pace { refresh, ..pace() });
    check(&verifier, &token(&old, "old")).await.unwrap();
    issuer.answers(keys(&new, "new"));
    until(async || check(&verifier, &token(&old, "old")).await.is_err()).await;
    drop(verifier);
    tokio::time::sleep(refresh * 3).await;
    let asked = issuer.asked();
    tokio::time::sleep(refresh * 5).await;
    assert!(
        issuer.asked() <= asked + 1,
        "nobody fetches for a verifier that is gone"
    );
}

/// An issuer whose only key was stolen publishes none at all.
#[tokio::test]
async fn an_issuer_can_withdraw_its_only_key() {
    let signer = Signer::p256();
    let issuer = Issuer::start(keys(&signer, "one")).await;
    let refresh = Duration::from_millis(20);
    let verifier = JwtVerifier::with_pace(config(issuer.source()), Pace { refresh, ..pace() });
    check(&verifier, &token(&signer, "one")).await.unwrap();
    issuer.answers(Answer::Status("200 OK", json!({ "keys": [] }).to_string()));
    until(async || {
        let checked = check(&verifier, &token(&signer, "one")).await;
        checked.is_err_and(|error| error == JwtError::UnknownKey.into())
    })
    .await;
}

/// Other settings of the same issuer need no new fetch, so they take nobody out while it does not answer.
#[tokio::test]
async fn keys_are_kept_when_other_settings_change() {
    let signer = Signer::p256();
    let issuer = Issuer::start(keys(&signer, "one")).await;
    let before = config(issuer.source());
    let verifier = JwtVerifier::with_pace(before.clone(), pace());
    check(&verifier, &token(&signer, "one")).await.unwrap();
    issuer.answers(Answer::Silent);
    let stricter = verifier.with(&JwtConfig {
        audience: vec!["another".into()],
        ..before.clone()
    });
    let refused = check(&stricter, &token(&signer, "one")).await;
    assert_eq!(refused.unwrap_err(), JwtError::Audience.into());
    let same = stricter.with(&before);
    drop((verifier, stricter));
    check(&same, &token(&signer, "one")).await.unwrap();
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn keys_come_over_tls_from_a_server_that_is_trusted() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()),
        );
    let acceptor = TlsAcceptor::from(Arc::new(server.unwrap()));
    let signer = Signer::p256();
    let issuer = Issuer::start_with(keys(&signer, "one"), Some(acceptor)).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, made.cert.pem()).unwrap();

    let mut trusting = config(issuer.source());
    trusting.jwks_ca = Some(ca);
    let verifier = JwtVerifier::with_pace(trusting, pace());
    check(&verifier, &token(&signer, "one")).await.unwrap();
    let verifier = JwtVerifier::with_pace(config(issuer.source()), pace());
    let refused = check(&verifier, &token(&signer, "one")).await;
    assert_eq!(refused.unwrap_err(), Unauthenticated::Unavailable);
}

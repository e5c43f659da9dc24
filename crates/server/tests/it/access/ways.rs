//! The ways in which callers show who they are, over real sockets.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use seriatim_core::{Begin, EventFilter, Sequence, StreamId, SubscribeError};
use seriatim_proto::{CallError, Client, ConnectOptions};
use seriatim_security::{
    Access, Config, DomainPattern, JwtError, Policy, PrincipalPolicy, Rights, Tokens,
    Unauthenticated, Verb,
};

use crate::certificates::{Authority, clients_of};
use crate::rig::*;
use crate::tls_rig::{connect, fill, trusting};

async fn actor_of(rig: &Rig, client: &Client) -> String {
    let stream: StreamId = till();
    client.submit(&fill(&stream)).await.unwrap();
    let store = rig.coordinator.store();
    let events = store.read_stream(&stream, Sequence::FIRST, 1).await;
    events.unwrap()[0].metadata.actor.clone().unwrap()
}

/// The names in a client certificate say who it is, if one of them is configured.
#[tokio::test]
async fn a_client_certificate_shows_who_the_caller_is() {
    let (ours, signs_clients) = (Authority::new("ours"), Authority::new("clients"));
    let billing = PrincipalPolicy {
        roles: vec!["sender".into()],
        certificates: vec!["billing.example.com".into()],
        ..PrincipalPolicy::default()
    };
    let rights = Rights::default().grant(Verb::Submit, [DomainPattern::all()]);
    let policy = Policy {
        roles: [("sender".into(), rights)].into(),
        principals: [("billing".into(), billing)].into(),
        ..Policy::default()
    };
    let access = Access::new(policy, Tokens::default());
    let tls = ours.server().server_for(clients_of(&signs_clients, false));
    let tls = tls.unwrap();
    let rig = Rig::start_with(|server| server.tls(tls).access(access)).await;
    let with = |name: &str| {
        let pair = signs_clients.signed(&[name], &[], Duration::from_secs(3600));
        trusting(&ours).identity(pair.identity())
    };
    let client = connect(&rig, with("billing.example.com")).await.unwrap();
    assert_eq!(actor_of(&rig, &client).await, "billing");
    for (options, why) in [
        (
            with("other.example.com"),
            Unauthenticated::UnknownCertificate,
        ),
        (trusting(&ours), Unauthenticated::Missing),
        // What is shown with the call counts before the certificate.
        (
            with("billing.example.com").token("srt_1").unwrap(),
            Unauthenticated::Unknown,
        ),
    ] {
        let client = connect(&rig, options).await.unwrap();
        let refused = client.submit(&fill(&till())).await.unwrap_err();
        let is_it = matches!(refused, CallError::Unauthenticated(found) if found == why);
        assert!(is_it, "{why:?}: {refused:?}");
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(pair: &Ed25519KeyPair, expires: SystemTime, audience: &str) -> String {
    let header = encode(json!({ "alg": "EdDSA", "kid": "one" }).to_string());
    let claims = json!({
        "iss": "https://id.example.com",
        "aud": audience,
        "sub": "ann@example.com",
        "exp": expires.duration_since(UNIX_EPOCH).unwrap().as_secs(),
        "roles": ["clerk", "nothing"],
    });
    let text = format!("{header}.{}", encode(claims.to_string()));
    let signature = pair.sign(text.as_bytes());
    format!("{text}.{}", encode(signature))
}

/// From the file of a configuration to the actor of an event, and to the end of the token.
#[tokio::test]
async fn a_json_web_token_shows_who_the_caller_is_until_it_expires() {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let x = encode(pair.public_key().as_ref());
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x }] });
    fs::write(folder.path().join("keys.json"), keys.to_string()).unwrap();
    let text = r#"
        [authentication.jwt]
        issuer = "https://id.example.com"
        audience = ["seriatim"]
        algorithms = ["EdDSA"]
        jwks = "keys.json"
        leeway_seconds = 0
        [roles.clerk]
        submit = ["till"]
        subscribe = ["till"]
    "#;
    let file = folder.path().join("seriatim.toml");
    fs::write(&file, text).unwrap();
    let access = Access::of(&Config::read(&file).unwrap());
    let rig = Rig::start_with(|server| server.access(access)).await;
    let client = async |token: &str| {
        let options = ConnectOptions::new(Duration::from_secs(60)).token(token);
        Client::connect(&rig.url, options.unwrap()).await.unwrap()
    };

    let soon_over = SystemTime::now() + Duration::from_secs(8);
    let ann = client(&signed(&pair, soon_over, "seriatim")).await;
    // The keys are read in the background.
    until(async || ann.submit(&fill(&till())).await.is_ok()).await;
    assert_eq!(actor_of(&rig, &ann).await, "ann@example.com");
    let denied = ann.domains().await.unwrap_err();
    assert!(matches!(denied, CallError::Denied(denied) if denied.verb == Verb::Read));

    let other = client(&signed(&pair, soon_over, "another")).await;
    let refused = other.submit(&fill(&till())).await.unwrap_err();
    let audience = Unauthenticated::Jwt(JwtError::Audience);
    assert!(matches!(refused, CallError::Unauthenticated(why) if why == audience));

    let mut events = ann
        .subscribe(Begin::AtTheFirst, EventFilter::default())
        .await
        .unwrap();
    let end = async {
        loop {
            match events.next().await {
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    let end: CallError<SubscribeError> = soon(end).await;
    let expired = matches!(end, CallError::Unauthenticated(Unauthenticated::Expired));
    assert!(expired, "{end:?}");
}

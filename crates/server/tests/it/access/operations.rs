//! What operators do is recorded, and who is turned away.

use seriatim_core::{NewToken, OperationRecord};
use seriatim_proto::{Client, ConnectOptions};
use seriatim_security::Verb;
use uuid::Uuid;

use super::callers::{Asking, Shown};
use crate::rig::*;

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

async fn client(server: &Asking, shown: &Shown) -> Client {
    let token = shown.header.strip_prefix("Bearer ").unwrap();
    let options = ConnectOptions::new(TIMEOUT).token(token).unwrap();
    Client::connect(&server.rig.url, options).await.unwrap()
}

async fn all(client: &Client) -> Vec<OperationRecord> {
    client.operations(None).await.unwrap().0
}

#[tokio::test]
async fn what_operators_do_is_recorded_with_how_it_ended() {
    let server = Asking::start(|server| server).await;
    let admin = server.principal("root", &[(Verb::Admin, "*"), (Verb::LettersResolve, "*")]);
    let admin = client(&server, &admin).await;
    let new = NewToken {
        name: "billing".into(),
        roles: Vec::new(),
        expires: None,
    };
    let (id, secret) = admin.create_token(&new, None).await.unwrap();
    admin.revoke_token(id, None).await.unwrap();
    let letter = Uuid::now_v7();
    assert!(admin.revoke_token(letter, None).await.is_err());

    let found = all(&admin).await;
    let told: Vec<_> = found
        .iter()
        .map(|operation| {
            (
                &operation.what[..],
                operation.target.clone(),
                operation.failure.is_some(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("revoke-token", letter.to_string(), true),
            ("revoke-token", id.to_string(), false),
            ("create-token", "billing".into(), false),
            // The principal of this test was made by another policy.
            ("reload", "configuration".into(), false),
        ]
    );
    assert!(
        found[..3]
            .iter()
            .all(|operation| operation.actor.as_deref() == Some("root"))
    );
    assert!(!format!("{found:?}").contains(&secret));
}

#[tokio::test]
async fn who_is_turned_away_is_counted_in_the_record() {
    let server = Asking::start(|server| server).await;
    let admin = server.principal("root", &[(Verb::Admin, "*")]);
    let nobody = server.principal("nobody", &[]);
    let (admin, nobody) = (
        client(&server, &admin).await,
        client(&server, &nobody).await,
    );
    let unknown = Client::connect(&server.rig.url, TIMEOUT).await.unwrap();
    for _ in 0..3 {
        assert!(nobody.domains().await.is_err());
        assert!(unknown.domains().await.is_err());
    }
    let times = async |actor: Option<&str>, target: &str| {
        let found = all(&admin).await;
        let found = found.iter().filter(|operation| {
            operation.what == "turned-away"
                && operation.actor.as_deref() == actor
                && operation.target == target
        });
        found.map(|operation| operation.times).sum::<u64>()
    };
    until(async || times(Some("nobody"), "read").await == 3).await;
    until(async || times(None, "missing").await == 3).await;
}

#[tokio::test]
async fn pages_go_back_in_time() {
    let server = Asking::start(|server| server).await;
    let admin = server.principal("root", &[(Verb::Admin, "*")]);
    let admin = client(&server, &admin).await;
    for number in 0..105 {
        let new = NewToken {
            name: format!("p{number}"),
            roles: Vec::new(),
            expires: None,
        };
        admin.create_token(&new, None).await.unwrap();
    }
    let (first, next) = admin.operations(None).await.unwrap();
    let (second, end) = admin.operations(next.clone()).await.unwrap();
    assert_eq!((first.len(), end), (100, None));
    let names = first
        .iter()
        .chain(&second)
        .filter(|one| one.what == "create-token");
    let names: Vec<_> = names.map(|one| one.target.clone()).collect();
    let expected: Vec<_> = (0..105).rev().map(|number| format!("p{number}")).collect();
    assert_eq!(names, expected);
    for token in ["x", "1", "1/", "/1", "1/x", "-1/1"] {
        let refused = admin.operations(Some(token.into())).await.unwrap_err();
        assert!(refused.to_string().contains("page_token"), "{refused}");
    }
}

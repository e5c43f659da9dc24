//! API tokens: kept in the store, made and revoked by any process, and known to every server that asks.

use std::sync::Arc;
use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Begin, EventFilter, NewToken, OperatorError, Store, StreamId, Timestamp, TokenRecord,
};
use seriatim_proto::{CallError, Client, ConnectOptions};
use seriatim_security::{
    Access, Credentials, DomainPattern, Identified, IssuedToken, KnownToken, Policy, Principal,
    Rights, Token, TokenDesk, Unauthenticated, Verb,
};
use seriatim_store_memory::MemoryStore;
use seriatim_store_sqlite::SqliteStore;
use tonic::Code;
use uuid::Uuid;

use crate::rig::{Rig, ask, committed, fact, till, until};

fn access() -> Access {
    let reader = Rights::default().grant(Verb::Read, [DomainPattern::all()]);
    let admin = reader
        .clone()
        .grant(Verb::Admin, [])
        .grant(Verb::ActFor, []);
    let policy = Policy {
        roles: [("reader".to_owned(), reader), ("admin".to_owned(), admin)].into(),
        ..Policy::default()
    };
    Access::new(policy, Default::default())
}

fn identify(access: &Access, token: &str) -> Result<Principal, Unauthenticated> {
    let shown = Credentials {
        authorization: Some(format!("Bearer {token}").into_bytes().into()),
        certificate: None,
    };
    match access.identify(&shown) {
        Identified::Now(found) => found,
        Identified::Later(_) => panic!("a token needs nobody else"),
    }
}

fn why_not(access: &Access, token: &str) -> Option<Unauthenticated> {
    identify(access, token).err()
}

fn billing() -> NewToken {
    NewToken {
        name: "billing".into(),
        roles: vec!["reader".into()],
        expires: None,
    }
}

async fn client(rig: &Rig) -> Client {
    Client::connect(&rig.url, Duration::from_secs(30))
        .await
        .unwrap()
}

/// Connects as an administrator whom the server knows, and the store does not.
async fn admin(rig: &Rig, access: &Access) -> Client {
    let token = Token::generate().unwrap();
    access.tokens().put(KnownToken {
        id: token.id(),
        digest: token.digest(),
        name: "admin".into(),
        roles: vec!["admin".into()],
        expires: None,
        revoked: false,
        last_used: None,
    });
    let options = ConnectOptions::new(Duration::from_secs(30));
    let options = options.token(&token.reveal()).unwrap();
    Client::connect(&rig.url, options).await.unwrap()
}

async fn all(client: &Client) -> Vec<TokenRecord> {
    let (tokens, next) = client.tokens(None).await.unwrap();
    assert_eq!(next, None);
    tokens
}

/// A server that asks, on a handle of its own.
async fn start(store: Arc<dyn Store>, access: &Access) -> Rig {
    Rig::start_on_store(store, |server| server.access(access.clone())).await
}

async fn sqlite(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    let url = format!("sqlite://{}", folder.path().join("tokens.db").display());
    Arc::new(SqliteStore::open(&url).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_made_and_revoked_in_another_process_is_known_here() {
    let folder = tempfile::tempdir().unwrap();
    let (access, elsewhere) = (access(), self::access());
    let here = start(sqlite(&folder).await, &access).await;
    let other = start(sqlite(&folder).await, &elsewhere).await;
    let there = admin(&other, &elsewhere).await;

    let (id, token) = there.create_token(&billing(), Some("ann")).await.unwrap();
    until(async || identify(&access, &token).is_ok()).await;
    let principal = identify(&access, &token).unwrap();
    assert_eq!(principal.name(), "billing");
    assert_eq!(
        principal.rights(),
        &access.policy().unwrap().roles["reader"]
    );

    // Its use is recorded, once.
    until(async || all(&there).await[0].last_used.is_some()).await;
    let used = all(&there).await;
    assert!(
        matches!(&used[..], [TokenRecord { id: same, name, created_by, revoked: None, .. }]
        if *same == id && name == "billing" && created_by.as_deref() == Some("ann via admin"))
    );

    // A server that begins now knows it before it serves.
    let later = self::access();
    let begun = start(sqlite(&folder).await, &later).await;
    admin(&begun, &later).await.domains().await.unwrap();
    assert!(identify(&later, &token).is_ok());

    let seen = access.watch();
    there.revoke_token(id, Some("bob")).await.unwrap();
    let refused = || why_not(&access, &token) == Some(Unauthenticated::Revoked);
    until(async || refused()).await;
    assert!(seen.is_old(), "streams are asked again");
    there.revoke_token(id, None).await.unwrap();
    let revoked = all(&there).await;
    assert_eq!(revoked[0].revoked_by.as_deref(), Some("bob via admin"));
    assert_eq!(all(&admin(&here, &access).await).await, revoked);
    let stream = StreamId::new("seriatim.tokens".parse().unwrap(), id);
    let happened = here.history(&stream).await;
    assert_eq!(happened, ["Created", "Used", "Revoked"]);
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused() {
    let access = access();
    let rig = start(Arc::new(MemoryStore::new()), &access).await;
    let client = admin(&rig, &access).await;
    for (token, field) in [
        (
            NewToken {
                name: "saga:reserving".into(),
                ..billing()
            },
            "name",
        ),
        (
            NewToken {
                name: "a\nb".into(),
                ..billing()
            },
            "name",
        ),
        (
            NewToken {
                roles: vec!["raeder".into()],
                ..billing()
            },
            "`raeder` is no role",
        ),
        (
            NewToken {
                roles: vec!["reader".into(); 65],
                ..billing()
            },
            "roles",
        ),
    ] {
        let refused = client.create_token(&token, None).await.unwrap_err();
        assert!(matches!(refused, CallError::Invalid(_)), "{refused:?}");
        assert!(refused.to_string().contains(field), "{refused}");
    }
    let nobody = Uuid::now_v7();
    assert!(matches!(
        client.revoke_token(nobody, None).await,
        Err(CallError::Refused(OperatorError::UnknownToken { id })) if id == nobody
    ));
    assert!(all(&client).await.is_empty());

    let soon_over = NewToken {
        expires: Some(Timestamp::EPOCH),
        ..billing()
    };
    let (_, token) = client.create_token(&soon_over, None).await.unwrap();
    until(async || why_not(&access, &token) != Some(Unauthenticated::Unknown)).await;
    assert_eq!(why_not(&access, &token), Some(Unauthenticated::Expired));
    let mistyped = format!(
        "{}{}",
        &token[..99],
        if token.ends_with('0') { '1' } else { '0' }
    );
    for (text, why) in [
        (mistyped.as_str(), Unauthenticated::Unknown),
        (&token[..50], Unauthenticated::Unknown),
        ("hunter2", Unauthenticated::NotTaken),
    ] {
        assert_eq!(why_not(&access, text), Some(why), "{text}");
    }
}

#[tokio::test]
async fn tokens_are_listed_page_by_page() {
    let access = access();
    let rig = start(Arc::new(MemoryStore::new()), &access).await;
    let client = admin(&rig, &access).await;
    for count in 0..103 {
        let token = NewToken {
            name: format!("p{count}"),
            ..billing()
        };
        client.create_token(&token, None).await.unwrap();
    }
    let (first, next) = client.tokens(None).await.unwrap();
    let (second, end) = client.tokens(next).await.unwrap();
    assert_eq!((first.len(), second.len(), end), (100, 3, None));
    let mut names: Vec<_> = first
        .iter()
        .chain(&second)
        .map(|token| &token.name)
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 103);
}

/// Otherwise a token that anybody has made would open the door when it is closed later.
#[tokio::test]
async fn a_server_that_asks_nobody_makes_no_token() {
    let rig = Rig::start().await;
    let refused = client(&rig).await.create_token(&billing(), None).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("--store URL"), "{refused}");
    assert_eq!(rig.head().await.0, 0);
}

/// Applications see nothing of Seriatim's own events unless they name the domain, and cannot write them.
#[tokio::test]
async fn own_events_are_out_of_the_way() {
    let rig = Rig::start().await;
    let client = client(&rig).await;
    let store: Arc<dyn Store> = Arc::new(rig.store.clone());
    let desk = Coordinator::builder_of_own(Arc::clone(&store)).aggregate::<IssuedToken>();
    let desk = TokenDesk::new(Arc::new(desk.start().unwrap()), store as _);
    let id = desk.create(billing(), None).await.unwrap().id();
    let stream = till();
    committed(&rig.submit(ask(&stream, "Open", r#"{"owner":"Ann"}"#)).await);
    desk.revoke(id, None).await.unwrap();

    let own: seriatim_core::Domain = "seriatim.tokens".parse().unwrap();
    let named = EventFilter {
        domains: vec![own.clone()],
        ..EventFilter::default()
    };
    for (filter, expected) in [
        (EventFilter::default(), vec!["till"]),
        (named, vec!["seriatim.tokens"; 2]),
    ] {
        let mut events = client.subscribe(Begin::AtTheFirst, filter).await.unwrap();
        let mut seen = Vec::new();
        loop {
            let batch = events.next().await.unwrap();
            seen.extend(
                batch
                    .events
                    .iter()
                    .map(|event| event.stream.domain.to_string()),
            );
            if batch.caught_up {
                break;
            }
        }
        assert_eq!(seen, expected);
    }
    let domains = client.domains().await.unwrap();
    assert!(
        domains
            .iter()
            .all(|domain| !domain.domain.starts_with("seriatim."))
    );
    let (streams, _) = client.streams(None, 0, None).await.unwrap();
    assert_eq!(
        streams.iter().map(|line| &line.stream).collect::<Vec<_>>(),
        [&stream]
    );
    assert_eq!(
        client.streams(Some(&own), 0, None).await.unwrap().0.len(),
        1
    );

    let forged = seriatim_core::StreamId::new(own, Uuid::now_v7());
    let refused = rig.refused(ask(&forged, "Revoke", "null")).await;
    assert_eq!(refused.code(), Code::NotFound);
    let fact = fact(&forged, "forged", "Revoked", "null");
    assert_eq!(
        rig.facts().record(fact).await.unwrap_err().code(),
        Code::NotFound
    );
}

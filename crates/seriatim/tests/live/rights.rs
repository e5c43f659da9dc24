//! Who may follow and send, where the server asks who its users are.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use seriatim::core::Store;
use seriatim::open_store;
use seriatim::prelude::*;
use seriatim::security::{Access, KnownToken, Policy, Rights, Token, Tokens, Verb};
use seriatim_testkit::faults::{Fault, FaultyStore};
use seriatim_testkit::soon;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Error;

use crate::client::Client;
use crate::server::{Server, club};

pub(crate) const EVERYTHING: [Verb; 3] = [Verb::Read, Verb::Subscribe, Verb::Submit];

pub(crate) fn rights(verbs: &[Verb], domain: &str) -> Rights {
    let granted = verbs.iter();
    granted.fold(Rights::default(), |granted, verb| {
        granted.grant(*verb, [domain.parse().unwrap()])
    })
}

struct Asking {
    server: Server,
    access: Access,
}

impl Asking {
    async fn start() -> Self {
        Self::on(open_store("memory:").await.unwrap()).await
    }

    async fn on(store: Arc<dyn Store>) -> Self {
        let access = Access::new(Policy::default(), Tokens::default());
        let server = Server::asking(store, access.clone()).await;
        Self { server, access }
    }

    fn grant(&self, name: &str, verbs: &[Verb], domain: &str) {
        let mut policy = Policy::clone(&self.access.policy().unwrap());
        policy.roles.insert(name.into(), rights(verbs, domain));
        self.access.replace(policy);
    }

    /// Makes a principal with these rights to clubs.
    fn principal(&self, name: &str, verbs: &[Verb]) -> Shown {
        self.grant(name, verbs, "club");
        let token = Token::generate().unwrap();
        let shown = Shown {
            text: token.reveal().to_string(),
            known: KnownToken {
                id: token.id(),
                digest: token.digest(),
                name: name.into(),
                roles: vec![name.into()],
                expires: None,
                revoked: false,
                last_used: None,
            },
        };
        self.access.tokens().put(shown.known.clone());
        shown
    }

    async fn client(&self, shown: &Shown) -> Client {
        let mut client = Client::silent(self.server.address).await;
        client.hello(json!({"token": shown.text})).await;
        client
    }

    /// Returns how a connection ends that says this.
    async fn end(&self, hello: Value) -> Option<u16> {
        let mut client = Client::silent(self.server.address).await;
        client.say_hello(hello).await;
        client.end().await
    }
}

struct Shown {
    text: String,
    known: KnownToken,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_says_who_it_is() {
    let asking = Asking::start().await;
    let ann = asking.principal("ann", &EVERYTHING);
    let header = format!("Bearer {}", ann.text);
    let mut client = asking.client(&ann).await;
    assert_eq!(client.welcome["user"], "ann");
    let root = Uuid::now_v7();
    let accepted = client.ask(root, "1", json!({"do": "found"})).await;
    assert_eq!(accepted["outcome"], "committed");
    assert_eq!(client.join(root).await.events[0]["actor"], "ann");

    let address = asking.server.address;
    let mut by_header = Client::with_headers(address, &[("authorization", &header)])
        .await
        .unwrap();
    by_header.hello(json!({"user": "ann"})).await;
    assert_eq!(by_header.welcome["user"], "ann");
    let mut twice = Client::with_headers(address, &[("authorization", &header)])
        .await
        .unwrap();
    twice.say_hello(json!({"token": ann.text})).await;
    assert_eq!(twice.end().await, Some(4400));
    let two = [("authorization", &*header), ("authorization", &*header)];
    match Client::with_headers(address, &two).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 400),
        other => panic!("{:?}", other.map(drop)),
    }

    assert_eq!(
        asking.end(json!({"token": ann.text, "user": "bob"})).await,
        Some(4400)
    );
    let unknown = Token::generate().unwrap();
    for token in [
        json!(null),
        json!(""),
        json!("x"),
        json!("\n"),
        json!(unknown.reveal().to_string()),
    ] {
        assert_eq!(
            asking.end(json!({"token": token})).await,
            Some(4401),
            "{token}"
        );
    }
    assert_eq!(asking.end(json!({"user": "ann"})).await, Some(4401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_count_any_more_ends_its_connections() {
    let asking = Asking::start().await;
    let root = asking.server.club(&["bob"]).await;
    let past = SystemTime::now() - Duration::from_secs(1);
    let revoked = |known: &KnownToken| KnownToken {
        revoked: true,
        ..known.clone()
    };
    let expired = |known: &KnownToken| KnownToken {
        expires: Some(past),
        ..known.clone()
    };
    let mut ann = asking.client(&asking.principal("ann", &EVERYTHING)).await;
    let mut transcript = ann.join(root).await;
    for change in [&revoked as &dyn Fn(&KnownToken) -> KnownToken, &expired] {
        let bob = asking.principal("bob", &EVERYTHING);
        let mut client = asking.client(&bob).await;
        client.join(root).await;
        asking.access.tokens().put(change(&bob.known));
        assert_eq!(client.end().await, Some(4401));
        assert_eq!(asking.end(json!({"token": bob.text})).await, Some(4401));
    }
    // And one that runs out by the clock.
    let bob = asking.principal("bob", &EVERYTHING);
    let expires = Some(SystemTime::now() + Duration::from_millis(700));
    asking.access.tokens().put(KnownToken {
        expires,
        ..bob.known
    });
    assert_eq!(asking.end(json!({"token": bob.text})).await, Some(4401));
    let last = asking.server.post(root, "others go on").await;
    ann.follow(&mut transcript, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_allows_what_it_says() {
    let asking = Asking::start().await;
    let root = asking.server.club(&["reader", "listener"]).await;
    // Whoever may follow nothing has no use for a connection.
    for verbs in [
        &[Verb::Submit][..],
        &[Verb::Read],
        &[Verb::Read, Verb::Submit],
        &[],
    ] {
        let shown = asking.principal("nobody", verbs);
        assert_eq!(
            asking.end(json!({"token": shown.text})).await,
            Some(4403),
            "{verbs:?}"
        );
    }
    let post = json!({"do": "post", "text": "hey"});
    let mut reader = asking
        .client(&asking.principal("reader", &[Verb::Read, Verb::Subscribe]))
        .await;
    reader.join(root).await;
    assert_eq!(
        reader.ask(root, "1", post.clone()).await["reason"],
        "denied"
    );
    let listener = asking.principal("listener", &[Verb::Subscribe, Verb::Submit]);
    let mut listener = asking.client(&listener).await;
    listener.ask_to_join(root, None).await;
    assert_eq!(
        listener.next().await,
        json!({"type": "denied", "stream": club(root)})
    );
    assert_eq!(
        listener.ask(root, "1", post.clone()).await["outcome"],
        "committed"
    );
    // It may send, but what others have sent is not for it.
    let rename = json!({"do": "rename", "name": "x"});
    let sent = listener
        .submit_with(root, "2", rename, json!({"expect": 0}))
        .await;
    let refused = listener.answer(sent).await;
    assert_eq!(
        (&refused["reason"], &refused["intervening"]),
        (&json!("conflict"), &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_takes_effect_at_once() {
    let asking = Asking::start().await;
    let root = asking.server.club(&["bob"]).await;
    let mut bob = asking.client(&asking.principal("bob", &EVERYTHING)).await;
    bob.join(root).await;
    asking.grant("bob", &EVERYTHING, "another");
    assert_eq!(
        bob.next().await,
        json!({"type": "left", "stream": club(root), "why": "removed"})
    );
    asking.server.post(root, "secret").await;
    bob.ask_to_join(root, None).await;
    assert_eq!(bob.next().await["type"], "denied");
    let refused = bob
        .ask(root, "1", json!({"do": "post", "text": "hey"}))
        .await;
    assert_eq!(refused["reason"], "denied");
    // The rights come back, to the same connection.
    asking.grant("bob", &[Verb::Read, Verb::Subscribe], "*");
    seriatim_testkit::until("he may join again", async || {
        bob.ask_to_join(root, None).await;
        bob.next().await["type"] == "joined"
    })
    .await;
    assert_eq!(
        bob.ask(root, "2", json!({"do": "post", "text": "hey"}))
            .await["reason"],
        "denied"
    );
    asking.grant("bob", &[], "*");
    let left = bob.next().await;
    assert_eq!(
        (&left["type"], &left["why"]),
        (&json!("left"), &json!("removed"))
    );
    assert_eq!(bob.end().await, Some(4403));
}

/// What waits for its turn is not done if the right is gone by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_is_not_done_without_the_right() {
    let store = FaultyStore::new(open_store("memory:").await.unwrap());
    let asking = Asking::on(Arc::new(store.clone())).await;
    let root = asking.server.club(&["bob"]).await;
    let mut bob = asking.client(&asking.principal("bob", &EVERYTHING)).await;
    bob.join(root).await;
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (held, told) = (Arc::clone(&gate), Arc::clone(&begun));
    store.fail_next(Fault::held(move || {
        let (held, told) = (Arc::clone(&held), Arc::clone(&told));
        async move {
            told.add_permits(1);
            held.acquire().await.unwrap().forget();
        }
    }));
    let post = json!({"do": "post", "text": "hey"});
    let first = bob.submit(root, "1", post.clone()).await;
    soon(begun.acquire()).await.unwrap().forget();
    let second = bob.submit(root, "2", post.clone()).await;
    bob.is_alive().await;
    asking.grant("bob", &[Verb::Read, Verb::Subscribe], "club");
    // The connection has heard of it when it refuses the next one at once.
    seriatim_testkit::until("it is heard", async || {
        let sent = bob.submit(root, "3", post.clone()).await;
        bob.is_refused_at_once(sent).await
    })
    .await;
    gate.add_permits(1);
    let answers = [bob.answer(first).await, bob.answer(second).await];
    assert_eq!(answers[0]["outcome"], "committed");
    assert_eq!(answers[1]["reason"], "denied");
}

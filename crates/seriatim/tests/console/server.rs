//! An application with a console.

use std::net::SocketAddr;
use std::time::Duration;

use seriatim::core::{
    Append, CommandLetter, CommandRequest, Conflict, LetterStatus, Outcome, ParkReason, Payload,
    Timestamp, Write,
};
use seriatim::prelude::*;
use seriatim::security::{Access, KnownToken, Policy, Rights, Token, Tokens, Verb};
use seriatim::{AppBuilder, BackOff, DeadLetter, FailurePolicy, LetterFilter};
use seriatim_testkit::until;

use crate::client::Client;
use crate::meter::{Meter, descriptor_set};
use crate::tab::{Do, Secret, Tab, Till};

/// What an operator of tabs may do.
pub(crate) const EVERYTHING: [Verb; 6] = [
    Verb::Read,
    Verb::LettersRead,
    Verb::LettersPayload,
    Verb::LettersResolve,
    Verb::Observe,
    Verb::Operate,
];

pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) access: Access,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts one that asks nobody.
    pub(crate) async fn open() -> Self {
        Self::with(Access::unasked(), |app| app).await
    }

    /// Starts one that asks its visitors for tokens.
    pub(crate) async fn asking() -> Self {
        Self::with(Access::new(Policy::default(), Tokens::default()), |app| app).await
    }

    /// Starts one with what `more` adds to the application.
    pub(crate) async fn with(access: Access, more: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        Self::at("127.0.0.1:0", access, more).await
    }

    /// Starts one at an address.
    pub(crate) async fn at(
        address: &str,
        access: Access,
        more: impl FnOnce(AppBuilder) -> AppBuilder,
    ) -> Self {
        let park = FailurePolicy {
            back_off: BackOff {
                retries: 0,
                first: Duration::from_millis(1),
                ..BackOff::default()
            },
            ..FailurePolicy::park()
        };
        let app = App::open("memory:").await.unwrap();
        let app = more(app)
            .aggregate::<Tab>()
            .aggregate::<Secret>()
            .aggregate::<Meter>()
            .descriptors(&descriptor_set())
            .projector("till", EventFilter::default(), Till)
            .failure_policy("till", park)
            .access(access.clone())
            .start()
            .await
            .unwrap();
        let address = app.console(address).await.unwrap();
        Self {
            app,
            access,
            address,
        }
    }

    /// Makes a principal with these rights to a domain, and returns its token.
    pub(crate) fn token(&self, name: &str, verbs: &[Verb], domain: &str) -> String {
        let rights = verbs.iter().fold(Rights::default(), |rights, verb| {
            rights.grant(*verb, [domain.parse().unwrap()])
        });
        let mut policy = Policy::clone(&self.access.policy().unwrap());
        policy.roles.insert(name.into(), rights);
        self.access.replace(policy);
        let token = Token::generate().unwrap();
        self.put(&token, name, false);
        token.reveal().to_string()
    }

    /// Revokes the token of a principal.
    pub(crate) fn revoke(&self, name: &str, token: &str) {
        self.put(&token.parse().unwrap(), name, true);
    }

    fn put(&self, token: &Token, name: &str, revoked: bool) {
        self.access.tokens().put(KnownToken {
            id: token.id(),
            digest: token.digest(),
            name: name.into(),
            roles: vec![name.into()],
            expires: None,
            revoked,
            last_used: None,
        });
    }

    /// Returns somebody who is signed in with these rights to tabs.
    pub(crate) fn visitor(&self, name: &str, verbs: &[Verb]) -> Client {
        Client::new(self.address).with_token(&self.token(name, verbs, "tab"))
    }

    pub(crate) fn stranger(&self) -> Client {
        Client::new(self.address)
    }

    /// Opens a tab, has somebody note something, and parks another note that did not know of it. Returns the stream and
    /// the letter.
    pub(crate) async fn parked(&self) -> (Uuid, Uuid) {
        self.parked_note("mine").await
    }

    pub(crate) async fn parked_note(&self, note: &str) -> (Uuid, Uuid) {
        let root = Uuid::now_v7();
        let owner = "Ann".into();
        let tab = self.app.of::<Tab>(root);
        tab.send(Do::Open { owner }).actor("ann").await.unwrap();
        let theirs = "theirs".into();
        tab.send(Do::Note { note: theirs }).await.unwrap();
        let note = note.to_owned();
        let parked = tab.send(Do::Note { note }).expecting(0).merge(Manual);
        (root, letter_of(&parked.actor("bob").await.unwrap()))
    }

    /// Parks a command of the domain that few may know of.
    pub(crate) async fn parked_secret(&self) -> Uuid {
        let secret = self.app.of::<Secret>(Uuid::now_v7());
        secret.send(Do::Pay { cents: 1 }).await.unwrap();
        let parked = secret.send(Do::Pay { cents: 1 }).expecting(NoStream);
        letter_of(&parked.merge(Manual).await.unwrap())
    }

    /// Lets the till fail on an event. Returns the letter.
    pub(crate) async fn given_up(&self) -> Uuid {
        let tab = self.app.of::<Tab>(Uuid::now_v7());
        tab.send(Do::Pay { cents: 13 }).await.unwrap();
        let mut found = None;
        until("the event is given up", async || {
            let (desk, all) = (self.app.desk(), LetterFilter::default());
            let letters = desk.letters(&all, 100).await.unwrap();
            let mut events = letters
                .iter()
                .filter(|letter| matches!(letter, DeadLetter::Reaction(_)));
            found = events.next().map(DeadLetter::id);
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// Keeps a command for a person, as the store would have it.
    pub(crate) async fn kept(&self, payload: Payload, reason: ParkReason) -> Uuid {
        let stream = StreamId::new(Domain::of::<Tab>(), Uuid::now_v7());
        let letter = CommandLetter {
            id: Uuid::now_v7(),
            request: CommandRequest::new(stream, payload),
            conflict: Conflict {
                expected: Any,
                current: None,
            },
            intervening: None,
            base_hash: None,
            reason,
            parked_at: Timestamp::now(),
            attempts: Vec::new(),
            status: LetterStatus::Parked,
        };
        let append = Append {
            stream: letter.request.stream.clone(),
            write: Write::Letter(Box::new(letter.clone())),
            claim: None,
            beside: Vec::new(),
        };
        let store = self.app.coordinator().store();
        store.append(vec![append]).await.unwrap();
        letter.id
    }

    pub(crate) async fn letter(&self, id: Uuid) -> DeadLetter {
        self.app.desk().find(id).await.unwrap()
    }

    /// Returns the types of the events of a tab.
    pub(crate) async fn events(&self, root: Uuid) -> Vec<String> {
        let events = self.app.of::<Tab>(root).events(Sequence(0), 100);
        let events = events.await.unwrap();
        let types = events
            .iter()
            .map(|event| event.payload.type_name.to_string());
        types.collect()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

pub(crate) fn letter_of(receipt: &Receipt) -> Uuid {
    match receipt.outcome {
        Outcome::DeadLettered { id, .. } => id,
        ref other => panic!("it was not parked: {other:?}"),
    }
}

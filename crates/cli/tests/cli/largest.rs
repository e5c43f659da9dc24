//! The largest of everything that can be stored is read at every door: in this process, by the Rust client, by the command
//! line, and over gRPC without our client.

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{
    Begin, CommandGateway, CommandRequest, Domain, EventFilter, ExpectedSequence, LetterFilter,
    LetterKind, Limits, Message, OpenLetter, Outcome, RecordedEvent, Sequence, Simulated, StreamId,
};
use seriatim::prelude::*;
use seriatim::{AppBuilder, BackOff, FailurePolicy, Projector};
use seriatim_proto::v1::dead_letter_service_client::DeadLetterServiceClient;
use seriatim_proto::v1::query_service_client::QueryServiceClient;
use seriatim_proto::v1::subscription_service_client::SubscriptionServiceClient;
use seriatim_proto::{ANSWER_BYTES, Client, convert, v1};

use crate::stage::Stage;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Stored {
    Kept { text: String },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Ask {
    /// Keeps a text so often, all in one event.
    Keep { text: String, times: usize },
}

/// Keeps everything.
#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
struct Archive {
    texts: Vec<String>,
}

impl Aggregate for Archive {
    const DOMAIN: &'static str = "archive";
    type Command = Ask;
    type Event = Stored;
    type Rejection = Never;

    fn decide(&self, Ask::Keep { text, times }: &Ask) -> Result<Vec<Stored>, Never> {
        let text = text.repeat(*times);
        Ok(vec![Stored::Kept { text }])
    }

    fn evolve(&mut self, Stored::Kept { text }: &Stored) {
        self.texts.push(text.clone());
    }
}

const LARGE_EVENTS: usize = 6;

/// The command whose event is the largest there may be.
fn largest_event() -> Ask {
    let limit = Limits::default().event_bytes;
    Ask::Keep {
        text: "x".repeat(4),
        times: (limit - r#"{"text":""}"#.len()) / 4,
    }
}

/// The commands whose book is the largest there may be.
fn largest_request() -> Vec<Ask> {
    let limits = Limits::default();
    let around = r#"{"text":"","times":1}"#.len();
    let text = "x".repeat(limits.payload_bytes - around);
    let count = limits.request_bytes / limits.payload_bytes;
    vec![Ask::Keep { text, times: 1 }; count]
}

/// Handles nothing, so that the first event is parked at once.
struct Refusing;

impl Projector for Refusing {
    async fn project(&self, _: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("no".into())
    }
}

fn application(app: AppBuilder) -> AppBuilder {
    let at_once = FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    };
    app.aggregate::<Archive>()
        .projector("refusing", EventFilter::default(), Refusing)
        .failure_policy("refusing", at_once)
}

fn of_kind(kind: LetterKind) -> LetterFilter {
    LetterFilter {
        kind: Some(kind),
        component: (kind == LetterKind::Reaction).then(|| "refusing".parse().unwrap()),
        ..LetterFilter::default()
    }
}

struct Largest {
    stage: Stage,
    root: Uuid,
    /// The dead letter of a command.
    letter: Uuid,
    /// The dead letter of an event.
    given_up: Uuid,
}

impl Largest {
    fn stored() -> Self {
        let stage = Stage::with("memory:", application);
        let root = Uuid::now_v7();
        let letter = stage.block_on(async {
            for _ in 0..LARGE_EVENTS {
                stage
                    .app()
                    .of::<Archive>(root)
                    .send(largest_event())
                    .await
                    .unwrap();
            }
            let stream = StreamId::new(Domain::of::<Archive>(), root);
            let commands = largest_request();
            let book = CommandRequest {
                commands: commands.iter().map(|ask| ask.encode().unwrap()).collect(),
                expected: ExpectedSequence::Exactly(Sequence(0)),
                merge: Some(MergeStrategy::Manual),
                ..CommandRequest::new(stream, commands[0].encode().unwrap())
            };
            match stage
                .app()
                .coordinator()
                .submit(book)
                .await
                .unwrap()
                .outcome
            {
                Outcome::DeadLettered { id, .. } => id,
                other => panic!("{other:?}"),
            }
        });
        let given_up = stage.block_on(async {
            let desk = stage.app().desk();
            loop {
                let found = desk
                    .letters(&of_kind(LetterKind::Reaction), 1)
                    .await
                    .unwrap();
                if let Some(letter) = found.first() {
                    break letter.id();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self {
            stage,
            root,
            letter,
            given_up,
        }
    }

    fn stream(&self) -> StreamId {
        StreamId::new(Domain::of::<Archive>(), self.root)
    }
}

/// Returns how many bytes a state takes.
fn state_bytes() -> usize {
    LARGE_EVENTS * (Limits::default().event_bytes - 100)
}

#[test]
fn in_this_process() {
    let Largest {
        stage,
        root,
        letter,
        given_up,
    } = Largest::stored();
    stage.block_on(async {
        let app = stage.app();
        let standing = app.of::<Archive>(root).state().await.unwrap();
        assert_eq!(standing.state.texts.len(), LARGE_EVENTS);
        let view = app.coordinator().examine(letter).await.unwrap();
        assert_eq!(view.letter.request.commands.len(), 4);
        assert!(matches!(view.yours, Simulated::Commits { .. }));
        let opened = app.desk().open(given_up).await.unwrap();
        assert!(matches!(opened, OpenLetter::Reaction(_)));
        let mut subscription = app
            .subscribe(Begin::AtTheFirst, EventFilter::default())
            .await
            .unwrap();
        let mut seen = 0;
        while seen < LARGE_EVENTS {
            seen += subscription.next().await.unwrap().events().count();
        }
    });
}

#[test]
fn by_the_rust_client() {
    let largest = Largest::stored();
    largest.stage.block_on(async {
        let client = Client::connect(largest.stage.server(), Duration::from_secs(60));
        let client = client.await.unwrap();
        let stream = largest.stream();
        let mut events = client.events(&stream, None, None).await.unwrap();
        let mut count = 0;
        while let Some(some) = events.next().await.unwrap() {
            count += some.len();
        }
        assert_eq!(count, LARGE_EVENTS);
        let state = client.state(&stream, At::Current).await.unwrap();
        assert!(state.state.to_string().len() > state_bytes());
        let (letters, _) = client
            .letters(&of_kind(LetterKind::Command), None)
            .await
            .unwrap();
        assert!(matches!(&letters[..], [listed] if listed.letter.kind() == LetterKind::Command));
        let letter = client.letter(largest.letter).await.unwrap();
        assert!(matches!(letter.0, OpenLetter::Command(_)));
        let given_up = client.letter(largest.given_up).await.unwrap();
        assert!(matches!(given_up.0, OpenLetter::Reaction(letter) if letter.event.is_some()));
        let begin = Begin::AtTheFirst;
        let subscription = client.subscribe(begin, EventFilter::default()).await;
        let mut subscription = subscription.unwrap();
        let mut seen = 0;
        while seen < LARGE_EVENTS {
            seen += subscription.next().await.unwrap().events.len();
        }
    });
}

#[test]
fn by_the_command_line() {
    let largest = Largest::stored();
    let (stage, stream) = (&largest.stage, largest.stream().to_string());
    let events = stage.run(&["events", &stream, "--json"]).succeeded();
    assert_eq!(events.json().len(), LARGE_EVENTS);
    let state = stage.run(&["state", &stream, "--json"]).succeeded();
    assert!(state.stdout.len() > state_bytes());
    let letters = stage
        .run(&["dead-letters", "list", "--kind", "command", "--json"])
        .succeeded();
    assert_eq!(letters.json().len(), 1);
}

/// Events fit into what every client reads by default. For states and letters a client is told to read more.
#[test]
fn without_our_client() {
    let largest = Largest::stored();
    largest.stage.block_on(async {
        let server = largest.stage.server().to_owned();
        let cover = Some(convert::cover(&largest.stream()));

        let mut queries = QueryServiceClient::connect(server.clone()).await.unwrap();
        let request = v1::GetEventsRequest {
            cover: cover.clone(),
            ..Default::default()
        };
        let mut books = queries.get_events(request).await.unwrap().into_inner();
        let mut count = 0;
        while let Some(answer) = books.message().await.unwrap() {
            count += answer.book.unwrap().pages.len();
        }
        assert_eq!(count, LARGE_EVENTS);

        let mut subscriptions = SubscriptionServiceClient::connect(server.clone())
            .await
            .unwrap();
        let request = v1::SubscribeRequest {
            begin: Some(v1::Begin {
                at: Some(v1::begin::At::First(Default::default())),
            }),
            filter: None,
        };
        let mut responses = subscriptions.subscribe(request).await.unwrap().into_inner();
        let mut seen = 0;
        while seen < LARGE_EVENTS {
            seen += responses.message().await.unwrap().unwrap().events.len();
        }

        let mut queries = queries.max_decoding_message_size(ANSWER_BYTES);
        let request = v1::GetStateRequest { cover, at: None };
        let state = queries.get_state(request).await.unwrap().into_inner();
        assert!(state.state.unwrap().state.unwrap().value.len() > state_bytes());

        let letters = DeadLetterServiceClient::connect(server).await.unwrap();
        let mut letters = letters.max_decoding_message_size(ANSWER_BYTES);
        let list = v1::DeadLetterServiceListRequest {
            kind: v1::DeadLetterKind::Command.into(),
            ..Default::default()
        };
        let list = letters.list(list).await.unwrap().into_inner();
        assert_eq!(list.letters.len(), 1);
        for id in [largest.letter, largest.given_up] {
            let get = v1::DeadLetterServiceGetRequest {
                id: Some(id.into()),
            };
            assert!(
                letters
                    .get(get)
                    .await
                    .unwrap()
                    .into_inner()
                    .letter
                    .is_some()
            );
        }
    });
}

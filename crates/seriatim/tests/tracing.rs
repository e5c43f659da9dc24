//! One workflow can be followed by its correlation id, from a command through those who react to it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use seriatim::core::{Effects, RecordedEvent, Saga};
use seriatim::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Rung,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Ring,
}

macro_rules! bell {
    ($name:ident, $domain:literal) => {
        #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
        struct $name;

        impl Aggregate for $name {
            const DOMAIN: &'static str = $domain;
            type Command = Do;
            type Event = Happened;
            type Rejection = Never;

            fn decide(&self, Do::Ring: &Do) -> Result<Vec<Happened>, Never> {
                Ok(vec![Happened::Rung])
            }

            fn evolve(&mut self, Happened::Rung: &Happened) {}
        }
    };
}

bell!(Bell, "bell");
bell!(Echo, "echo");

struct Echoes;

impl Saga for Echoes {
    const NAME: &'static str = "echoes";
    type Source = Bell;

    fn react(&self, Happened::Rung: &Happened, recorded: &RecordedEvent, effects: &mut Effects) {
        effects.send::<Echo>(recorded.stream.root, &Do::Ring);
    }
}

/// The spans that have a correlation id: their name, their stream, the id.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<[String; 3]>>>);

#[derive(Default)]
struct Fields {
    stream: String,
    correlation_id: Option<String>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "stream" {
            self.stream = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "correlation_id" {
            self.correlation_id = Some(value.into());
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(correlation_id) = fields.correlation_id {
            let name = attributes.metadata().name().to_owned();
            let span = [name, fields.stream, correlation_id];
            self.0.lock().unwrap().push(span);
        }
    }
}

#[tokio::test]
async fn a_workflow_is_followed_by_its_correlation_id() {
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let app = App::open("memory:").await.unwrap();
    let app = app.aggregate::<Bell>().aggregate::<Echo>().saga(Echoes);
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    let sent = app.of::<Bell>(root).send(Do::Ring).correlation_id("c-1");
    sent.wait_for("echoes").await.unwrap();
    let spans = spans.0.lock().unwrap().clone();
    let [bell, echo] = ["bell", "echo"].map(|domain| format!("{domain}/{root}"));
    let span = |name: &str, stream: &str| [name.into(), stream.into(), "c-1".to_owned()];
    assert_eq!(
        spans,
        [
            span("request", &bell),
            span("react", &bell),
            span("effects", &bell),
            span("request", &echo),
        ]
    );
}

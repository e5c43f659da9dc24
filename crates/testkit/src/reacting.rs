//! `reacting(saga).to(event).then(..)`: a saga, tested without a store.

use std::fmt::Write;
use std::sync::Arc;

use seriatim_core::{
    Aggregate, Domain, Effect, Effects, ExpectedSequence, Message, Metadata, Payload, Position,
    RecordedEvent, Saga, Sequence, StreamId, Timestamp,
};
use uuid::Uuid;

use crate::round_trip::{self, Stored};
use crate::text;

/// Begins a test of a saga, with a stream of its source that has no events yet.
///
/// Each event is encoded and decoded before the saga reacts to it, and the saga reacts to it twice. Its effects must be
/// the same both times, because the target identifies an effect by its place in the list.
///
/// ```
/// # use seriatim_core::{Aggregate, Effects, Never, RecordedEvent, Saga};
/// # use seriatim_derive::{Command, Event};
/// # use serde::{Deserialize, Serialize};
/// # use uuid::Uuid;
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum OrderEvent { Placed { sku: Uuid }, Noted }
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum StockEvent { Reserved }
/// # #[derive(Command, Serialize, Deserialize, Clone, Debug)]
/// # #[seriatim(crate = "seriatim_core")]
/// # enum StockCommand { Reserve }
/// # #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
/// # struct Order;
/// # impl Aggregate for Order {
/// #     const DOMAIN: &'static str = "order";
/// #     type Command = Never;
/// #     type Event = OrderEvent;
/// #     type Rejection = Never;
/// #     fn decide(&self, command: &Never) -> Result<Vec<OrderEvent>, Never> { match *command {} }
/// #     fn evolve(&mut self, _: &OrderEvent) {}
/// # }
/// # #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
/// # struct Stock;
/// # impl Aggregate for Stock {
/// #     const DOMAIN: &'static str = "stock";
/// #     type Command = StockCommand;
/// #     type Event = StockEvent;
/// #     type Rejection = Never;
/// #     fn decide(&self, _: &StockCommand) -> Result<Vec<StockEvent>, Never> { Ok(vec![StockEvent::Reserved]) }
/// #     fn evolve(&mut self, _: &StockEvent) {}
/// # }
/// # struct Reserving;
/// # impl Saga for Reserving {
/// #     const NAME: &'static str = "reserving";
/// #     type Source = Order;
/// #     fn react(&self, event: &OrderEvent, _: &RecordedEvent, effects: &mut Effects) {
/// #         if let OrderEvent::Placed { sku } = *event {
/// #             effects.send::<Stock>(sku, &StockCommand::Reserve);
/// #         }
/// #     }
/// # }
/// use seriatim_testkit::reacting;
///
/// let sku = Uuid::now_v7();
/// reacting(Reserving)
///     .to(OrderEvent::Placed { sku })
///     .then(|expected| {
///         expected.send::<Stock>(sku, &StockCommand::Reserve);
///     })
///     .to(OrderEvent::Noted)
///     .then_nothing();
/// ```
pub fn reacting<S: Saga>(saga: S) -> Reacting<S> {
    Reacting {
        saga,
        root: Uuid::now_v7(),
        history: Vec::new(),
    }
}

type EventOf<S> = <<S as Saga>::Source as Aggregate>::Event;

/// A saga, and the events of the stream so far. See [`reacting`].
#[derive(Clone, Debug)]
pub struct Reacting<S: Saga> {
    saga: S,
    root: Uuid,
    history: Vec<EventOf<S>>,
}

impl<S: Saga> Reacting<S> {
    /// Sets the root of the stream that the events belong to. Without it, the root is a new one.
    #[must_use]
    pub fn of(mut self, root: Uuid) -> Self {
        self.root = root;
        self
    }

    /// Hands the saga the next event of the stream.
    #[must_use = "nothing is tested before a `then`"]
    #[track_caller]
    pub fn to(mut self, event: EventOf<S>) -> Asked<S> {
        if let Err(lost) = round_trip::event(&event) {
            panic!("{}\n\n  {}", lost.what, lost.evidence.join("\n  "));
        }
        let payload = event.encode().expect("it was just written down");
        let recorded = self.recorded(payload);
        let ask = || {
            let mut effects = Effects::default();
            self.saga.react(&event, &recorded, &mut effects);
            effects
                .into_list()
                .unwrap_or_else(|error| panic!("{error}"))
        };
        let (asked, again) = (ask(), ask());
        self.history.push(event);
        let asked = Asked {
            reacting: self,
            asked,
        };
        asked.check(
            &again,
            "it asks for something else when it is given the event again",
        )
    }

    fn recorded(&self, payload: Payload) -> RecordedEvent {
        let sequence = u32::try_from(self.history.len()).expect("a test is not that long");
        RecordedEvent {
            id: Uuid::now_v7(),
            stream: StreamId::new(Domain::of::<S::Source>(), self.root),
            sequence: Sequence(sequence),
            position: Position(u64::from(sequence) + 1),
            recorded_at: Timestamp::now(),
            payload,
            metadata: Arc::new(Metadata::default()),
        }
    }
}

/// The effects of a saga for an event, to be compared with the expected ones.
#[derive(Debug)]
pub struct Asked<S: Saga> {
    reacting: Reacting<S>,
    asked: Vec<Effect>,
}

impl<S: Saga> Asked<S> {
    /// Checks that the saga asks for exactly these effects, in this order.
    #[track_caller]
    pub fn then(self, expected: impl FnOnce(&mut Effects)) -> Reacting<S> {
        let mut effects = Effects::default();
        expected(&mut effects);
        let expected = effects
            .into_list()
            .unwrap_or_else(|error| panic!("{error}"));
        self.check(&expected, "it does not ask for what is expected")
            .reacting
    }

    /// Checks that the saga asks for nothing.
    #[track_caller]
    pub fn then_nothing(self) -> Reacting<S> {
        self.then(|_| {})
    }

    #[track_caller]
    fn check(self, expected: &[Effect], failure: &str) -> Self {
        if same_effects(&self.asked, expected) {
            return self;
        }
        let diff = text::diff(&effect_lines(expected), &effect_lines(&self.asked));
        let mut story = String::new();
        text::block(&mut story, "given", &text::lines(&self.reacting.history));
        text::block(&mut story, "then", &diff);
        let mut message = String::new();
        write!(message, "{failure} (- expected, + actual)\n\n{story}")
            .expect("a string takes everything");
        panic!("{message}")
    }
}

/// Returns whether two lists ask for the same, whatever the order in their JSON.
pub(crate) fn same_effects(one: &[Effect], other: &[Effect]) -> bool {
    let same = |(one, other): (&Effect, &Effect)| parts(one) == parts(other);
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// An effect in two parts that can be compared: JSON by its meaning, the rest as it is.
fn parts(effect: &Effect) -> (Effect, Stored) {
    let mut rest = effect.clone();
    let payloads = match &mut rest {
        Effect::Command(command) => std::mem::take(&mut command.commands),
        Effect::Fact(fact) => std::mem::take(&mut fact.events),
    };
    (rest, Stored::of(payloads))
}

/// Effects for people.
pub(crate) fn effect_lines(effects: &[Effect]) -> Vec<String> {
    let mut lines = Vec::new();
    for effect in effects {
        match effect {
            Effect::Command(command) => {
                for payload in &command.commands {
                    lines.push(format!("to {}: {payload:?}", command.stream));
                }
                if command.expected != ExpectedSequence::Any {
                    lines.push(format!("   expecting {}", command.expected));
                }
                if let Some(strategy) = command.merge {
                    lines.push(format!("   by {strategy}"));
                }
                let premises = command.premises.iter();
                lines.extend(premises.map(|premise| format!("   on the premise `{premise}`")));
            }
            Effect::Fact(fact) => {
                for payload in &fact.events {
                    lines.push(format!("fact for {}: {payload:?}", fact.stream));
                }
                if !fact.description.is_empty() {
                    lines.push(format!("   described as {:?}", fact.description));
                }
                if let Some(route) = fact.route_to_aggregate {
                    lines.push(format!("   routed to the aggregate: {route}"));
                }
            }
        }
    }
    lines
}

//! Defines the effects that reactions ask for: commands and facts. Each has an identity under which it takes effect
//! once.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::codec;
use crate::{
    Aggregate, CommandRequest, Component, Domain, EncodeError, ExpectedSequence, FactOrigin,
    FactRequest, FieldPath, InvalidFieldPath, MergeStrategy, Metadata, NewFact, Payload, Sequence,
    StreamId,
};

/// The identity of an effect. Its target applies an effect once under it, however often the effect is sent.
///
/// It consists of data that stays the same when an event is reacted to again. Two components that react to one event
/// never share an identity, nor do two effects of one component.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The component that reacted.
    pub component: Component,
    /// The stream whose event it reacted to.
    pub source: StreamId,
    /// The sequence of that event.
    pub sequence: Sequence,
    /// The effect's place in the list of effects of that event, from 0 on.
    pub ordinal: u32,
}

impl fmt::Display for EffectId {
    /// Writes `component/domain/root/sequence/ordinal`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component,
            source,
            sequence,
            ordinal,
        } = self;
        write!(f, "{component}/{source}/{sequence}/{ordinal}")
    }
}

/// The prefixes of the actors of reactions. Nobody else may have such an actor.
const ACTORS: [&str; 3] = ["saga:", "process-manager:", "timer:"];

/// Returns whether an actor has a name that only reactions may have.
pub fn is_actor_of_reactions(actor: &str) -> bool {
    ACTORS.iter().any(|begin| actor.starts_with(begin))
}

/// Something that a reaction asks for. It is plain data, so that it can be stored until it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Commands for an aggregate, which may reject them.
    Command(CommandEffect),
    /// Facts for an aggregate.
    Fact(FactEffect),
}

impl Effect {
    /// Returns the stream that it is for.
    pub fn target(&self) -> &StreamId {
        match self {
            Self::Command(command) => &command.stream,
            Self::Fact(fact) => &fact.stream,
        }
    }
}

/// One or several commands for one aggregate, as in a [`CommandRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandEffect {
    /// The stream that they are for.
    pub stream: StreamId,
    /// The commands. They are decided in order and written all or nothing.
    pub commands: Vec<Payload>,
    /// The sequence that is believed to be current in the target.
    #[serde(default, skip_serializing_if = "is_any")]
    pub expected: ExpectedSequence,
    /// The strategy if the expected sequence is wrong; `None` for the aggregate's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeStrategy>,
    /// The fields of the target's state that it was decided upon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub premises: Vec<FieldPath>,
}

impl CommandEffect {
    /// Makes the request that the target gets.
    pub fn into_request(self, id: EffectId, metadata: Metadata) -> CommandRequest {
        CommandRequest {
            id: Uuid::now_v7(),
            stream: self.stream,
            commands: self.commands,
            expected: self.expected,
            merge: self.merge,
            premises: self.premises,
            metadata,
            effect: Some(id),
        }
    }
}

/// One or several facts for one aggregate, as in a [`FactRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactEffect {
    /// The stream that they are for.
    pub stream: StreamId,
    /// The events. They are written all or nothing.
    pub events: Vec<Payload>,
    /// A description of what happened, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// True if the aggregate may translate the fact or add to it; `None` for the domain's own rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_to_aggregate: Option<bool>,
}

impl FactEffect {
    /// Makes the request that the target gets. The fact's source is the domain whose event was reacted to.
    pub fn into_request(self, id: EffectId, metadata: Metadata) -> FactRequest {
        let origin = FactOrigin {
            source: id.source.domain.as_str().into(),
            description: self.description,
        };
        let facts = self.events.into_iter().map(|payload| NewFact {
            payload,
            origin: origin.clone(),
        });
        FactRequest {
            id: Uuid::now_v7(),
            stream: self.stream,
            facts: facts.collect(),
            route_to_aggregate: self.route_to_aggregate,
            metadata,
            effect: Some(id),
        }
    }
}

fn is_any(expected: &ExpectedSequence) -> bool {
    *expected == ExpectedSequence::Any
}

/// Collects the effects that a reaction asks for, in the order in which they are carried out.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
    error: Option<EffectError>,
}

impl Effects {
    /// Sends a command to an aggregate. By default it is decided on the current state.
    pub fn send<A: Aggregate>(&mut self, root: Uuid, command: &A::Command) -> SentCommand<'_, A> {
        self.list.push(Effect::Command(CommandEffect {
            stream: StreamId::new(Domain::of::<A>(), root),
            commands: Vec::new(),
            expected: ExpectedSequence::Any,
            merge: None,
            premises: Vec::new(),
        }));
        let sent = SentCommand {
            effects: self,
            aggregate: PhantomData,
        };
        sent.and(command)
    }

    /// Tells an aggregate of something that happened, which it cannot reject.
    pub fn record<A: Aggregate>(&mut self, root: Uuid, event: &A::Event) -> RecordedFact<'_> {
        let stream = StreamId::new(Domain::of::<A>(), root);
        let payload = codec::encode_event(event);
        let events = self.keep(&stream, payload.map_err(EffectFault::Encode));
        self.list.push(Effect::Fact(FactEffect {
            stream,
            events: events.into_iter().collect(),
            description: String::new(),
            route_to_aggregate: None,
        }));
        RecordedFact { effects: self }
    }

    /// Adds an effect that already exists.
    pub fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    /// Returns the effects. Fails with the first one that cannot be encoded.
    pub fn into_list(self) -> Result<Vec<Effect>, EffectError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.list),
        }
    }

    /// Returns the value. If there is none, returns `None` and keeps the error for the end.
    fn keep<T>(&mut self, target: &StreamId, found: Result<T, EffectFault>) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(source) => {
                let target = target.clone();
                self.error.get_or_insert(EffectError { target, source });
                None
            }
        }
    }

    fn last_command(&mut self) -> &mut CommandEffect {
        match self.list.last_mut() {
            Some(Effect::Command(command)) => command,
            Some(Effect::Fact(_)) | None => unreachable!("a command was put there"),
        }
    }

    fn last_fact(&mut self) -> &mut FactEffect {
        match self.list.last_mut() {
            Some(Effect::Fact(fact)) => fact,
            Some(Effect::Command(_)) | None => unreachable!("a fact was put there"),
        }
    }
}

/// A command that was added to the effects. Its methods set the options. [`Effects::send`] makes it.
#[derive(Debug)]
pub struct SentCommand<'e, A> {
    effects: &'e mut Effects,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate> SentCommand<'_, A> {
    /// Adds another command to the same book. It is decided after those before it, and written with them or not at all.
    pub fn and(self, command: &A::Command) -> Self {
        let target = self.effects.last_command().stream.clone();
        let payload = codec::encode_command(command).map_err(EffectFault::Encode);
        let payload = self.effects.keep(&target, payload);
        self.effects.last_command().commands.extend(payload);
        self
    }

    /// Sets the sequence that is believed to be current in the target.
    pub fn expecting(self, expected: impl Into<ExpectedSequence>) -> Self {
        self.effects.last_command().expected = expected.into();
        self
    }

    /// Sets the strategy if the expected sequence is wrong. The default is that of [`Aggregate::merge_strategy`].
    pub fn merge(self, strategy: MergeStrategy) -> Self {
        self.effects.last_command().merge = Some(strategy);
        self
    }

    /// Names a field of the target's state that the command was decided upon, for example `address.city`.
    pub fn premise(self, path: &str) -> Self {
        let target = self.effects.last_command().stream.clone();
        let path = path.parse().map_err(EffectFault::Premise);
        let path = self.effects.keep(&target, path);
        self.effects.last_command().premises.extend(path);
        self
    }
}

/// A fact that was added to the effects. Its methods set the options. [`Effects::record`] makes it.
#[derive(Debug)]
pub struct RecordedFact<'e> {
    effects: &'e mut Effects,
}

impl RecordedFact<'_> {
    /// Sets a description of what happened, for people.
    pub fn description(self, description: impl Into<String>) -> Self {
        self.effects.last_fact().description = description.into();
        self
    }

    /// Sets whether it goes through [`Aggregate::on_fact`]. The default is [`Aggregate::ROUTE_FACTS`].
    pub fn route_to_aggregate(self, route: bool) -> Self {
        self.effects.last_fact().route_to_aggregate = Some(route);
        self
    }
}

/// An effect that cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[error("the effect for `{target}` cannot be recorded: {source}")]
pub struct EffectError {
    /// The stream that it is for.
    pub target: StreamId,
    /// The fault.
    pub source: EffectFault,
}

/// A fault of an effect.
#[derive(Debug, thiserror::Error)]
pub enum EffectFault {
    /// Its command or event cannot be encoded.
    #[error(transparent)]
    Encode(EncodeError),
    /// One of its premises is not a valid path.
    #[error(transparent)]
    Premise(InvalidFieldPath),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ordinal: u32) -> EffectId {
        let source = StreamId::new(Domain::new("order").unwrap(), Uuid::nil());
        EffectId {
            component: Component::new("payments").unwrap(),
            source,
            sequence: Sequence(7),
            ordinal,
        }
    }

    #[test]
    fn a_text_tells_every_effect_apart() {
        let text = "payments/order/00000000-0000-0000-0000-000000000000/7/1";
        assert_eq!(id(1).to_string(), text);
        assert_ne!(id(1).to_string(), id(11).to_string());
    }

    #[test]
    fn an_effect_survives_being_stored() {
        let effect = Effect::Command(CommandEffect {
            stream: id(0).source,
            commands: vec![Payload::json("Pay", "{}")],
            expected: ExpectedSequence::Exactly(Sequence(3)),
            merge: Some(MergeStrategy::Strict),
            premises: vec!["address.city".parse().unwrap()],
        });
        let text = serde_json::to_string(&effect).unwrap();
        assert_eq!(serde_json::from_str::<Effect>(&text).unwrap(), effect);
    }
}

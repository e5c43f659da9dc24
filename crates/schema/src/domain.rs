//! What the commands and events of a domain look like.

use std::collections::BTreeMap;

use serde_json::Value;
use seriatim_core::{Aggregate, Codec, Domain, Message};

use crate::Descriptors;

/// The messages of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainSchema {
    /// The domain.
    pub domain: Domain,
    /// Its commands, in the order of declaration.
    pub commands: Vec<MessageSchema>,
    /// Its events, in the order of declaration.
    pub events: Vec<MessageSchema>,
}

/// What is stored under a type name.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSchema {
    /// The type name.
    pub type_name: String,
    /// The JSON Schema of its content. `None` if nothing is known of it: a type of JSON that does not derive
    /// `schemars::JsonSchema`, or a message of protobuf whose descriptors are not registered.
    pub json_schema: Option<Value>,
}

impl DomainSchema {
    /// Describes the domain of an aggregate: types of JSON by themselves, messages of protobuf by these descriptors.
    pub fn of<A: Aggregate>(descriptors: &Descriptors) -> Self {
        Self {
            domain: Domain::of::<A>(),
            commands: messages::<A::Command>(descriptors),
            events: messages::<A::Event>(descriptors),
        }
    }

    /// Returns the type names of its commands and its events.
    pub fn type_names(&self) -> impl Iterator<Item = &str> {
        let all = self.commands.iter().chain(&self.events);
        all.map(|message| message.type_name.as_str())
    }
}

fn messages<M: Message>(descriptors: &Descriptors) -> Vec<MessageSchema> {
    let mut schemas: BTreeMap<_, _> = match M::CODEC {
        Codec::Json => M::json_schemas().into_iter().collect(),
        Codec::Protobuf => (M::TYPE_NAMES.iter())
            .filter_map(|name| Some((*name, descriptors.json_schema(name)?)))
            .collect(),
    };
    let names = M::TYPE_NAMES.iter();
    names
        .map(|name| MessageSchema {
            type_name: (*name).to_owned(),
            json_schema: schemas.remove(name),
        })
        .collect()
}

//! A domain of protobuf messages: a meter.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Read {
    #[prost(uint64, tag = "1")]
    pub(crate) units: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) place: Option<Place>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Place {
    #[prost(string, tag = "1")]
    pub(crate) city: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Counted {
    #[prost(uint64, tag = "1")]
    pub(crate) units: u64,
}

#[derive(Command, Clone, Debug)]
#[seriatim(codec = "protobuf")]
pub(crate) enum Do {
    #[seriatim(name = "meter.v1.Read")]
    Read(Read),
}

#[derive(Event, Clone, Debug, PartialEq)]
#[seriatim(codec = "protobuf")]
pub(crate) enum Happened {
    #[seriatim(name = "meter.v1.Counted")]
    Counted(Counted),
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meter {
    units: u64,
}

impl Aggregate for Meter {
    const DOMAIN: &'static str = "meter";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, Do::Read(Read { units, .. }): &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Counted(Counted { units: *units })])
    }

    fn evolve(&mut self, Happened::Counted(Counted { units }): &Happened) {
        self.units = *units;
    }
}

/// The descriptors of its messages, as a compiler writes them.
pub(crate) fn descriptor_set() -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let set = protox::compile(["meter.proto"], [folder]).unwrap();
    prost::Message::encode_to_vec(&set)
}

const FOLDER: &str = "tests/console";

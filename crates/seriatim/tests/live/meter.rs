//! A meter whose messages are protobuf: its events are no JSON.

use serde::{Deserialize, Serialize};
use seriatim::prelude::*;
use seriatim::{Room, Sent};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Read {
    #[prost(uint64, tag = "1")]
    pub(crate) units: u64,
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

    fn decide(&self, Do::Read(Read { units }): &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Counted(Counted { units: *units })])
    }

    fn evolve(&mut self, Happened::Counted(Counted { units }): &Happened) {
        self.units += units;
    }
}

impl Room for Meter {
    type Request = u64;
    type View = u64;

    fn may_read(&self, _: Uuid, _: &str) -> bool {
        true
    }

    fn view(&self, _: Uuid, _: &str) -> u64 {
        self.units
    }

    fn command(_: Uuid, sent: Sent<'_, u64>) -> Result<Do, String> {
        let units = sent.request;
        Ok(Do::Read(Read { units }))
    }
}

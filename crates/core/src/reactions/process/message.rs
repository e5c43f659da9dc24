//! Defines the commands and events of a process, around the inputs of its manager.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::{json, unknown_type};
use crate::{
    Codec, Command, DecodeError, EncodeError, Event, Message, Payload, Planned, ProcessManager,
    Sequence, Trigger,
};

/// A command for a process. Its components send it, never people.
pub enum ProcessCommand<P: ProcessManager> {
    /// Take in an input.
    Take(P::Input),
    /// Act on a timer that is due, if it still counts.
    Fire {
        /// The name of the timer.
        timer: String,
        /// The event that set it.
        set_at: Sequence,
    },
}

const TAKE: &str = "TakeInput";
const FIRE: &str = "FireTimer";

#[derive(Serialize, Deserialize)]
struct StoredFire {
    timer: String,
    set_at: Sequence,
}

impl<P: ProcessManager> Clone for ProcessCommand<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Take(input) => Self::Take(input.clone()),
            Self::Fire { timer, set_at } => Self::Fire {
                timer: timer.clone(),
                set_at: *set_at,
            },
        }
    }
}

impl<P: ProcessManager> fmt::Debug for ProcessCommand<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Take(input) => f.debug_tuple("Take").field(input).finish(),
            Self::Fire { timer, set_at } => f
                .debug_struct("Fire")
                .field("timer", timer)
                .field("set_at", set_at)
                .finish(),
        }
    }
}

impl<P: ProcessManager> Command for ProcessCommand<P> {}

impl<P: ProcessManager> Message for ProcessCommand<P> {
    const TYPE_NAMES: &'static [&'static str] = &[TAKE, FIRE];
    const CODEC: Codec = Codec::Json;

    fn type_name(&self) -> &'static str {
        match self {
            Self::Take(_) => TAKE,
            Self::Fire { .. } => FIRE,
        }
    }

    fn encode(&self) -> Result<Payload, EncodeError> {
        match self {
            Self::Take(input) => json::encode(TAKE, &input.encode()?),
            Self::Fire { timer, set_at } => {
                let (timer, set_at) = (timer.clone(), *set_at);
                json::encode(FIRE, &StoredFire { timer, set_at })
            }
        }
    }

    fn decode(payload: &Payload) -> Result<Self, DecodeError> {
        match &*payload.type_name {
            TAKE => Ok(Self::Take(input::<P>(json::decode(payload)?)?)),
            FIRE => {
                let StoredFire { timer, set_at } = json::decode(payload)?;
                Ok(Self::Fire { timer, set_at })
            }
            _ => Err(unknown_type(payload, Self::TYPE_NAMES)),
        }
    }
}

/// The trigger of a process, and the plan for it.
pub struct ProcessEvent<P: ProcessManager> {
    /// The trigger.
    pub trigger: Trigger<P::Input>,
    /// The plan.
    pub planned: Planned,
}

const TAKEN: &str = "InputTaken";
const REJECTED: &str = "EffectRejected";
const FIRED: &str = "TimerFired";

/// The stored form. The type name says which kind of trigger it is.
#[derive(Serialize, Deserialize)]
struct Stored<T, P> {
    trigger: T,
    planned: P,
}

impl<P: ProcessManager> ProcessEvent<P> {
    fn of<T>(
        stored: Stored<T, Planned>,
        trigger: impl FnOnce(T) -> Result<Trigger<P::Input>, DecodeError>,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            trigger: trigger(stored.trigger)?,
            planned: stored.planned,
        })
    }
}

impl<P: ProcessManager> Clone for ProcessEvent<P> {
    fn clone(&self) -> Self {
        Self {
            trigger: self.trigger.clone(),
            planned: self.planned.clone(),
        }
    }
}

impl<P: ProcessManager> PartialEq for ProcessEvent<P> {
    fn eq(&self, other: &Self) -> bool {
        self.trigger == other.trigger && self.planned == other.planned
    }
}

impl<P: ProcessManager> fmt::Debug for ProcessEvent<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessEvent")
            .field("trigger", &self.trigger)
            .field("planned", &self.planned)
            .finish()
    }
}

impl<P: ProcessManager> Event for ProcessEvent<P> {}

impl<P: ProcessManager> Message for ProcessEvent<P> {
    const TYPE_NAMES: &'static [&'static str] = &[TAKEN, REJECTED, FIRED];
    const CODEC: Codec = Codec::Json;

    fn type_name(&self) -> &'static str {
        match self.trigger {
            Trigger::Input(_) => TAKEN,
            Trigger::Rejected(_) => REJECTED,
            Trigger::Timer(_) => FIRED,
        }
    }

    fn encode(&self) -> Result<Payload, EncodeError> {
        let type_name = self.type_name();
        let planned = &self.planned;
        if let Some(why) = &planned.unusable {
            let source = serde::ser::Error::custom(why);
            let field = None;
            return Err(EncodeError {
                type_name,
                field,
                source,
            });
        }
        match &self.trigger {
            Trigger::Input(input) => {
                let trigger = input.encode()?;
                json::encode(type_name, &Stored { trigger, planned })
            }
            Trigger::Rejected(trigger) => json::encode(type_name, &Stored { trigger, planned }),
            Trigger::Timer(trigger) => json::encode(type_name, &Stored { trigger, planned }),
        }
    }

    fn decode(payload: &Payload) -> Result<Self, DecodeError> {
        match &*payload.type_name {
            TAKEN => Self::of(json::decode(payload)?, |stored| {
                Ok(Trigger::Input(input::<P>(stored)?))
            }),
            REJECTED => Self::of(json::decode(payload)?, |effect| {
                Ok(Trigger::Rejected(effect))
            }),
            FIRED => Self::of(json::decode(payload)?, |name| Ok(Trigger::Timer(name))),
            _ => Err(unknown_type(payload, Self::TYPE_NAMES)),
        }
    }
}

fn input<P: ProcessManager>(stored: Payload) -> Result<P::Input, DecodeError> {
    P::Input::decode(&P::upcast(stored))
}

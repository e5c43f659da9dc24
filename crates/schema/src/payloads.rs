//! Finds the payloads in what people look at.

use seriatim_core::{
    Attempt, Changes, CommandLetter, ConflictReason, DeadLetter, EventChanges, GivenUp,
    LetterSimulation, ListedLetter, OpenLetter, Outcome, Payload, Receipt, RecordedEvent,
    SequenceConflict, Simulated, Simulation, SubmitError, ThreeWay, Tried, WorkflowPage,
};

use crate::Descriptors;

/// Something that holds payloads and is shown to people.
pub trait Payloads {
    /// Calls a function with each payload in it.
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload));

    /// Returns whether it holds a payload of protobuf, which needs descriptors to be shown as JSON.
    fn has_protobuf(&mut self) -> bool {
        let mut found = false;
        self.for_each_payload(&mut |payload| {
            found |= payload.codec == seriatim_core::Codec::Protobuf;
        });
        found
    }

    /// Puts JSON in the place of each payload of protobuf, as far as the descriptors know it; see
    /// [`Descriptors::to_json`]. It is for showing only: what is written back must be what was stored.
    fn make_readable(&mut self, descriptors: &Descriptors) {
        self.for_each_payload(&mut |payload| {
            if let Some(json) = descriptors.to_json(payload) {
                *payload = json;
            }
        });
    }
}

impl Payloads for Payload {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        see(self);
    }
}

impl<P: Payloads> Payloads for [P] {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.iter_mut().for_each(|it| it.for_each_payload(see));
    }
}

impl<P: Payloads> Payloads for Vec<P> {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.as_mut_slice().for_each_payload(see);
    }
}

impl<P: Payloads> Payloads for Option<P> {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.iter_mut().for_each(|it| it.for_each_payload(see));
    }
}

impl<P: Payloads + ?Sized> Payloads for Box<P> {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        (**self).for_each_payload(see);
    }
}

impl Payloads for RecordedEvent {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        see(&mut self.payload);
    }
}

impl Payloads for EventChanges {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.event.for_each_payload(see);
    }
}

impl Payloads for Changes {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.events.for_each_payload(see);
    }
}

impl Payloads for WorkflowPage {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.events.for_each_payload(see);
    }
}

impl Payloads for Receipt {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        match &mut self.outcome {
            Outcome::Committed(commit) => commit.events.for_each_payload(see),
            Outcome::Unchanged { .. } | Outcome::Duplicate(_) | Outcome::DeadLettered { .. } => {}
        }
    }
}

impl Payloads for Simulation {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.outcome.for_each_payload(see);
    }
}

impl Payloads for Simulated {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Commits { events, .. } => events.for_each_payload(see),
            Self::Conflict(conflict) => conflict.for_each_payload(see),
            Self::Unchanged
            | Self::Duplicate(_)
            | Self::ExternalIdReused(_)
            | Self::Rejected(_)
            | Self::Parks(_) => {}
        }
    }
}

impl Payloads for SubmitError {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        if let Self::Conflict(conflict) = self {
            conflict.for_each_payload(see);
        }
    }
}

impl Payloads for SequenceConflict {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.reason.for_each_payload(see);
        self.intervening.for_each_payload(see);
    }
}

impl Payloads for ConflictReason {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        if let Self::DecisionDiffers { then, now, .. } = self {
            then.for_each_payload(see);
            now.for_each_payload(see);
        }
    }
}

impl Payloads for ThreeWay {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.letter.for_each_payload(see);
        self.intervening.for_each_payload(see);
        self.yours.for_each_payload(see);
        if let Some(obstacle) = &mut self.obstacle {
            obstacle.for_each_payload(see);
        }
    }
}

impl Payloads for CommandLetter {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.request.commands.for_each_payload(see);
        self.attempts.for_each_payload(see);
    }
}

impl Payloads for Attempt {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        match &mut self.tried {
            Some(Tried::Edit { commands }) => commands.for_each_payload(see),
            Some(Tried::Record { facts, .. }) => facts.for_each_payload(see),
            Some(Tried::Resubmit | Tried::Discard) | None => {}
        }
    }
}

impl Payloads for DeadLetter {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Command(letter) => letter.for_each_payload(see),
            // Its event is in the log.
            Self::Reaction(_) => {}
        }
    }
}

impl Payloads for ListedLetter {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.letter.for_each_payload(see);
    }
}

impl Payloads for GivenUp {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        self.event.for_each_payload(see);
    }
}

impl Payloads for OpenLetter {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Command(view) => view.for_each_payload(see),
            Self::Reaction(given_up) => given_up.for_each_payload(see),
        }
    }
}

impl Payloads for LetterSimulation {
    fn for_each_payload(&mut self, see: &mut dyn FnMut(&mut Payload)) {
        match self {
            Self::Command(simulation) => simulation.for_each_payload(see),
            Self::Reaction(given_up) => given_up.for_each_payload(see),
        }
    }
}

//! Decides whether effects of reactions are accepted over the wire.

use seriatim_coordinator::Coordinator;
use seriatim_core::{EffectId, SubmitError, WhyNotAccepted};
use tonic::Status;

use super::status;

/// The door for effects from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EffectsDoor {
    /// `true` if they are accepted.
    pub(crate) is_open: bool,
}

impl EffectsDoor {
    /// Returns the coordinator that takes effects. If they are accepted, they may be of another log.
    pub(crate) fn coordinator(self, coordinator: &Coordinator) -> Coordinator {
        match self.is_open {
            true => coordinator.for_reactions(),
            false => coordinator.clone(),
        }
    }

    /// Refuses an effect, unless effects are accepted here.
    pub(super) fn admit(self, effect: Option<&EffectId>) -> Result<(), Status> {
        match effect {
            Some(effect) if !self.is_open => Err(status(SubmitError::EffectNotAccepted {
                effect: effect.clone(),
                why: WhyNotAccepted::OverTheWire,
            })),
            Some(_) | None => Ok(()),
        }
    }
}

//! Whether effects of reactions are taken over the wire.

use seriatim_core::{EffectId, SubmitError, WhyNotAccepted};
use tonic::Status;

use super::status;

/// Where effects from elsewhere come in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EffectsDoor {
    /// Whether they are taken.
    pub(crate) is_open: bool,
}

impl EffectsDoor {
    /// Refuses what is sent as an effect, unless that is taken here.
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

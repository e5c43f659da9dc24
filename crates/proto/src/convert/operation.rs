//! Converts what operators did.

use seriatim_core::OperationRecord;

use super::identity::uuid;
use super::invalid::{Found, Invalid};
use super::time::time;
use crate::v1;

impl From<&OperationRecord> for v1::Operation {
    fn from(operation: &OperationRecord) -> Self {
        Self {
            id: Some(operation.id.into()),
            at: Some(operation.at.into()),
            actor: operation.actor.clone(),
            what: operation.what.clone(),
            target: operation.target.clone(),
            reason: operation.reason.clone(),
            times: operation.times,
            failure: operation.failure.clone(),
        }
    }
}

impl TryFrom<v1::Operation> for OperationRecord {
    type Error = Invalid;

    fn try_from(operation: v1::Operation) -> Result<Self, Invalid> {
        let mut found = Found::default();
        let id = found.take(uuid(operation.id.as_ref(), "id"));
        let at = found.take(time(operation.at, "at"));
        let (id, at) = found.give(id.zip(at))?;
        Ok(Self {
            id,
            at,
            actor: operation.actor,
            what: operation.what,
            target: operation.target,
            reason: operation.reason,
            times: operation.times,
            failure: operation.failure,
        })
    }
}

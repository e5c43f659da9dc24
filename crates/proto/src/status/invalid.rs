//! Converts the error of a malformed request.

use seriatim_core::FieldViolation;
use tonic::{Code, Status};
use tonic_types::pb;

use super::details::{Details, Received};
use super::{WireError, bound, reason};
use crate::convert::Invalid;

impl WireError for Invalid {
    fn to_status(&self) -> Status {
        let all = self
            .0
            .iter()
            .map(|violation| pb::bad_request::FieldViolation {
                field: violation.field.clone(),
                description: violation.description.clone(),
                ..Default::default()
            });
        let details = Details::new(reason::INVALID);
        let violations = bound::violations(all.collect(), details.room());
        details
            .with_violations(&violations)
            .into_status(Code::InvalidArgument, &self.to_string())
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status)?;
        if received.reason() != reason::INVALID {
            return None;
        }
        let violations = received.violations()?.field_violations.into_iter();
        Some(Self(
            violations
                .map(|violation| FieldViolation::new(violation.field, violation.description))
                .collect(),
        ))
    }
}

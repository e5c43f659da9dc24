//! Collects the faults of a message, field by field.

use std::fmt::{self, Display};

use seriatim_core::{FieldViolation, SubmitError};

/// The error of a malformed message: every faulty field, and how to correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<FieldViolation>);

impl Invalid {
    /// Makes the error of one field.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self(vec![FieldViolation::new(field, description)])
    }

    /// Replaces the usual name of a field by the one that it has here.
    #[must_use]
    pub(super) fn renamed(mut self, usual: &str, name: &str) -> Self {
        for violation in &mut self.0 {
            if let Some(rest) = violation.field.strip_prefix(usual) {
                violation.field = format!("{name}{rest}");
            }
        }
        self
    }

    /// Names the fields as seen from the surrounding message: `root` becomes `cover.root`.
    #[must_use]
    pub fn within(mut self, outer: impl Display) -> Self {
        for violation in &mut self.0 {
            violation.field = if violation.field.is_empty() {
                outer.to_string()
            } else {
                format!("{outer}.{}", violation.field)
            };
        }
        self
    }
}

impl Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is not valid: ")?;
        for (at, violation) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(
                f,
                "{separator}{}: {}",
                violation.field, violation.description
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

impl From<Invalid> for SubmitError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.0)
    }
}

/// Returns the value of a field that must be there.
pub(super) fn required<T>(value: Option<T>, field: &str, ask: &str) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::field(field, format!("is missing; {ask}")))
}

/// Returns the message of a field that may be left out. Returns `None` for an empty one, too, because clients in some
/// languages set a field by reading it.
pub(super) fn given<M: Default + PartialEq>(message: Option<M>) -> Option<M> {
    message.filter(|message| *message != M::default())
}

/// The faults found so far, so that a sender is told all of them at once.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<FieldViolation>);

impl Found {
    /// Returns the value. Returns `None` after noting its fault.
    pub(super) fn take<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.0.extend(invalid.0);
                None
            }
        }
    }

    /// Returns `value`, which is there if no fault was noted. Fails with the noted faults.
    pub(super) fn give<T>(self, value: Option<T>) -> Result<T, Invalid> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(Invalid(self.0)),
        }
    }
}

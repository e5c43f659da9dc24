//! The faults of a message, field by field.

use std::fmt::{self, Display};

use seriatim_core::{FieldViolation, SubmitError};

/// A message that is malformed: every faulty field, and how to correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<FieldViolation>);

impl Invalid {
    /// Names one field and its fault.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self(vec![FieldViolation::new(field, description)])
    }

    /// The same for a field that has another name here.
    #[must_use]
    pub(super) fn renamed(mut self, usual: &str, name: &str) -> Self {
        for violation in &mut self.0 {
            if let Some(rest) = violation.field.strip_prefix(usual) {
                violation.field = format!("{name}{rest}");
            }
        }
        self
    }

    /// The same, seen from the surrounding message: `root` becomes `cover.root`.
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

/// The value of a field that must be there.
pub(super) fn required<T>(value: Option<T>, field: &str, ask: &str) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::field(field, format!("is missing; {ask}")))
}

/// Returns the message of a field that may be left out. Clients in some languages set a field by reading it, so an
/// empty message means the same as none.
pub(super) fn given<M: Default + PartialEq>(message: Option<M>) -> Option<M> {
    message.filter(|message| *message != M::default())
}

/// Collects faults, so that a sender is told all of them at once.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<FieldViolation>);

impl Found {
    /// Returns the value, or `None` after its fault is noted.
    pub(super) fn take<T>(&mut self, result: Result<T, Invalid>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.0.extend(invalid.0);
                None
            }
        }
    }

    /// Fails with the noted faults; if there are none, `value` is there.
    pub(super) fn give<T>(self, value: Option<T>) -> Result<T, Invalid> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(Invalid(self.0)),
        }
    }
}

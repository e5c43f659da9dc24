//! Implements STRICT: it never merges.

use super::Resolution;
use crate::{Aggregate, ConflictReason};

pub(super) fn resolve<A: Aggregate>() -> Resolution<A> {
    Resolution::refuse(ConflictReason::Strict)
}

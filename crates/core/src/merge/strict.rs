//! STRICT: never merges.

use super::Resolution;
use crate::{Aggregate, ConflictReason};

pub(super) fn resolve<A: Aggregate>() -> Resolution<A> {
    Resolution::Refuse {
        reason: ConflictReason::Strict,
        rejection: None,
    }
}

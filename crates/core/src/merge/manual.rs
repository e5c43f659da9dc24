//! Implements MANUAL: a person merges.

use super::Resolution;
use crate::{Aggregate, ParkReason};

pub(super) fn resolve<A: Aggregate>() -> Resolution<A> {
    Resolution::Park(ParkReason::Manual)
}

//! Times.

use prost_types::Timestamp as WireTime;
use seriatim_core::Timestamp;

use super::invalid::{Invalid, required};

pub(super) fn optional_time(
    time: Option<WireTime>,
    field: &str,
) -> Result<Option<Timestamp>, Invalid> {
    time.map(Timestamp::try_from)
        .transpose()
        .map_err(|error| Invalid::field(field, error.to_string()))
}

pub(super) fn time(time: Option<WireTime>, field: &str) -> Result<Timestamp, Invalid> {
    let time = required(time, field, "give a time")?;
    time.try_into()
        .map_err(|error: seriatim_core::InvalidTimestamp| Invalid::field(field, error.to_string()))
}

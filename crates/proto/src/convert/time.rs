//! Converts times and lengths of time.

use std::time::Duration;

use prost_types::{Duration as WireDuration, Timestamp as WireTime};
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

/// Reads a length of time. Returns `None` if it is negative or malformed. The conversion of `prost-types` panics on the
/// smallest number of seconds in a debug build.
pub(crate) fn length(duration: WireDuration) -> Option<Duration> {
    let seconds = u64::try_from(duration.seconds).ok()?;
    let nanos = u32::try_from(duration.nanos).ok()?;
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_or_refused() {
        for (seconds, nanos, expected) in [
            (0, 0, Some(Duration::ZERO)),
            (1, 999_999_999, Some(Duration::new(1, 999_999_999))),
            (i64::MAX, 0, Some(Duration::from_secs(i64::MAX as u64))),
            (1, 1_000_000_000, None),
            (1, -1, None),
            (-1, 0, None),
            (i64::MIN, 0, None),
            (i64::MIN, i32::MIN, None),
        ] {
            assert_eq!(length(WireDuration { seconds, nanos }), expected);
        }
    }
}

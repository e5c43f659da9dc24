//! Points in time as events record them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z; written as RFC 3339.
///
/// Time is for temporal queries and for people. It never orders events: sequences and positions do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first time that RFC 3339 and protobuf can write: 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The last time that they can write: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Returns the time of this machine's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The Unix epoch: 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Makes a time from microseconds since the epoch. A time outside [`Timestamp::MIN`] and [`Timestamp::MAX`] becomes
    /// the nearer of them, because it could not be read back from text.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Returns the time that is later by `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn later_by(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Returns the time that has passed since `earlier`; zero if that is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Returns the microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

/// Converts a time of the system. A time outside [`Timestamp::MIN`] and [`Timestamp::MAX`] becomes the nearer of them.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        })
    }
}

impl From<Timestamp> for prost_types::Timestamp {
    fn from(time: Timestamp) -> Self {
        Self {
            seconds: time.0.div_euclid(1_000_000),
            nanos: i32::try_from(time.0.rem_euclid(1_000_000) * 1_000).expect("below 10^9"),
        }
    }
}

impl TryFrom<prost_types::Timestamp> for Timestamp {
    type Error = InvalidTimestamp;

    /// Cuts off fractions of a microsecond.
    fn try_from(time: prost_types::Timestamp) -> Result<Self, Self::Error> {
        let in_range = (0..1_000_000_000).contains(&time.nanos);
        time.seconds
            .checked_mul(1_000_000)
            .and_then(|micros| micros.checked_add(i64::from(time.nanos) / 1_000))
            .filter(|_| in_range)
            .map(Self)
            .filter(|time| (Self::MIN..=Self::MAX).contains(time))
            .ok_or_else(|| InvalidTimestamp {
                text: format!("{} s {} ns", time.seconds, time.nanos),
            })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        prost_types::Timestamp::from(*self).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimestamp { text: text.into() };
        if !ends_with_offset(text) {
            return Err(invalid());
        }
        let time: prost_types::Timestamp = text.parse().map_err(|_| invalid())?;
        time.try_into().map_err(|_| invalid())
    }
}

/// Returns whether the text ends with `Z`, or with an offset in hours and minutes. Without an offset a time is
/// ambiguous, and the reader of protobuf would take it for UTC.
fn ends_with_offset(text: &str) -> bool {
    let (time, offset): (_, &[u8]) = match text.as_bytes() {
        [time @ .., b'Z' | b'z'] => (time, &[]),
        [time @ .., b'+' | b'-', a, b, b':', c, d] => (time, &[*a, *b, *c, *d]),
        _ => return false,
    };
    time.last()
        .into_iter()
        .chain(offset)
        .all(u8::is_ascii_digit)
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

/// A text that is not a valid [`Timestamp`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a time: write it as RFC 3339 with its offset, for example `2026-11-21T14:30:00Z` or `2026-11-21T15:30:00+01:00`"
)]
pub struct InvalidTimestamp {
    /// The value that was given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back_what_it_prints(micros in any::<i64>()) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn reads_back_the_first_and_the_last() {
        for time in [
            Timestamp::MIN,
            Timestamp::MAX,
            Timestamp::from_micros(-1),
            Timestamp::from_micros(0),
        ] {
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_time_is_read_with_its_offset() {
        let noon = "2026-01-01T12:00:00Z".parse::<Timestamp>().unwrap();
        for text in [
            "2026-01-01T12:00:00.000Z",
            "2026-01-01t12:00:00z",
            "2026-01-01 12:00:00Z",
            "2026-01-01T13:00:00+01:00",
            "2026-01-01T12:00:00-00:00",
            "2025-12-31T21:30:00.0-14:30",
        ] {
            assert_eq!(text.parse(), Ok(noon), "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        for text in [
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.5",
            "2026-01-01 00:00:00",
            "2026-01-01",
            "2026-01-01Z",
            "2026-01-01T00:00:00+01",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00 +01:00",
            "2026-01-01T00:00:00 Z",
            "2026-01-01T00:00:00Z+01:00",
            "2026-01-01T00:00:00+24:00",
            "Z",
            "+01:00",
            "",
        ] {
            let error = text.parse::<Timestamp>().unwrap_err();
            assert!(error.to_string().contains("with its offset"), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!(
            Timestamp::try_from(prost_types::Timestamp {
                seconds: i64::MAX,
                nanos: 0
            })
            .is_err()
        );
        let year_10000 = 253_402_300_800;
        assert!(
            Timestamp::try_from(prost_types::Timestamp {
                seconds: year_10000,
                nanos: 0
            })
            .is_err()
        );
        assert!(
            Timestamp::try_from(prost_types::Timestamp {
                seconds: 0,
                nanos: -1
            })
            .is_err()
        );
    }
}

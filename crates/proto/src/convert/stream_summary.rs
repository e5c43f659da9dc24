//! Converts the lines of a list of streams.

use seriatim_core::{Sequence, StreamSummary};

use super::identity::{cover, stream};
use super::invalid::Invalid;
use super::time::time;
use crate::v1;

impl From<&StreamSummary> for v1::StreamSummary {
    fn from(summary: &StreamSummary) -> Self {
        Self {
            cover: Some(cover(&summary.stream)),
            current: summary.current.0,
            recorded_at: Some(summary.recorded_at.into()),
        }
    }
}

impl TryFrom<v1::StreamSummary> for StreamSummary {
    type Error = Invalid;

    fn try_from(summary: v1::StreamSummary) -> Result<Self, Invalid> {
        Ok(Self {
            stream: stream(summary.cover.as_ref())?,
            current: Sequence(summary.current),
            recorded_at: time(summary.recorded_at, "recorded_at")?,
        })
    }
}

//! Says what happens to an event that a component fails on.

use seriatim_core::RecordedEvent;

use super::back_off::BackOff;

/// The policy for an event that a component fails on. The event is tried again first, and then this policy applies.
///
/// It is about failures of the component. A store or a target that does not answer is asked until it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailurePolicy {
    /// The retries of an event. Meanwhile its stream waits, and the other streams go on. At most 64 streams of a piece
    /// of work wait in this way at once; the next waits until one of them is handled or parked. Under [`Then::Pause`]
    /// all streams wait.
    pub back_off: BackOff,
    /// The names of the types whose events are skipped after that: types for which a missing event does less harm than
    /// a waiting stream. Each skipped event leaves a closed [letter](seriatim_core::ReactionLetter).
    pub skip: Vec<String>,
    /// The rule for all other events.
    pub then: Then,
}

/// The rule for an event that is not skipped, and for the events after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// Its stream is parked: later events of the same stream wait behind it, and other streams go on.
    Park,
    /// The piece of work is paused right before it, until it is resumed or started again.
    Pause,
}

impl FailurePolicy {
    /// Returns the policy for components whose streams are independent of each other: six tries within about six
    /// seconds, while other streams go on, and then the stream is parked.
    pub fn park() -> Self {
        Self {
            back_off: BackOff {
                retries: 5,
                ..BackOff::default()
            },
            skip: Vec::new(),
            then: Then::Park,
        }
    }

    /// Returns the policy for components that may not leave a stream behind: thirteen tries within about seven minutes,
    /// and then the piece of work is paused.
    pub fn pause() -> Self {
        Self {
            back_off: BackOff::default(),
            skip: Vec::new(),
            then: Then::Pause,
        }
    }

    pub(crate) fn skips(&self, event: &RecordedEvent) -> bool {
        (self.skip.iter()).any(|name| *name == event.payload.type_name)
    }
}

impl Default for FailurePolicy {
    /// Returns [`FailurePolicy::park`].
    fn default() -> Self {
        Self::park()
    }
}

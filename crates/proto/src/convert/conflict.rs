//! Converts the reasons why a command or fact was not accepted: conflicts, rejections, faults.

use prost_types::Any;
use seriatim_core::{
    Conflict, ConflictReason, Fault, Payload, Rejected, Sequence, SequenceConflict,
};

use super::event::recorded_events;
use super::expectation::{field_paths, merge_strategy, path_texts};
use super::identity::{cover, stream};
use super::invalid::{Invalid, required};
use super::payload::{any, payload};
use crate::v1;
use v1::conflict_reason::Reason;

impl From<&SequenceConflict> for v1::SequenceConflict {
    fn from(conflict: &SequenceConflict) -> Self {
        let listed = conflict.intervening.len() as u64;
        Self {
            cover: Some(cover(&conflict.stream)),
            expected: Some(conflict.conflict.expected.into()),
            current: conflict.conflict.current.map(|Sequence(current)| current),
            strategy: v1::MergeStrategy::from(conflict.strategy).into(),
            reason: Some((&conflict.reason).into()),
            intervening: conflict.intervening.iter().map(Into::into).collect(),
            intervening_total: conflict.intervening_total,
            truncated: listed < conflict.intervening_total,
            rejection: conflict.rejection.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::SequenceConflict> for SequenceConflict {
    type Error = Invalid;

    fn try_from(conflict: v1::SequenceConflict) -> Result<Self, Invalid> {
        let stream = stream(conflict.cover.as_ref())?;
        let intervening = recorded_events(conflict.intervening, &stream, "intervening")?;
        Ok(Self {
            stream,
            conflict: Conflict {
                expected: conflict.expected.unwrap_or_default().into(),
                current: conflict.current.map(Sequence),
            },
            strategy: merge_strategy(conflict.strategy, "strategy")?,
            reason: conflict.reason.unwrap_or_default().try_into()?,
            intervening,
            intervening_total: conflict.intervening_total,
            rejection: conflict.rejection.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&ConflictReason> for v1::ConflictReason {
    fn from(reason: &ConflictReason) -> Self {
        use v1::conflict_reason as wire;
        let reason = match reason {
            ConflictReason::Strict => Reason::Strict(wire::Strict {}),
            ConflictReason::MustNotExist => Reason::MustNotExist(wire::MustNotExist {}),
            ConflictReason::DecisionDiffers { changed, then, now } => {
                Reason::DecisionDiffers(wire::DecisionDiffers {
                    changed_paths: path_texts(changed),
                    then: then.iter().map(any).collect(),
                    now: now.iter().map(any).collect(),
                })
            }
            ConflictReason::PossibleNow { then } => Reason::PossibleNow(wire::PossibleNow {
                then: Some((&**then).into()),
            }),
            ConflictReason::OrderMatters { fields } => Reason::OrderMatters(wire::OrderMatters {
                differing_paths: path_texts(fields),
            }),
            ConflictReason::FieldsOverlap { overlap } => {
                Reason::FieldsOverlap(wire::FieldsOverlap {
                    overlap_paths: path_texts(overlap),
                })
            }
            ConflictReason::PremiseChanged { changed } => {
                Reason::PremiseChanged(wire::PremiseChanged {
                    changed_paths: path_texts(changed),
                })
            }
            ConflictReason::RejectedNow => Reason::RejectedNow(wire::RejectedNow {}),
            ConflictReason::RejectedAtBoth => Reason::RejectedAtBoth(wire::RejectedAtBoth {}),
            ConflictReason::AggregateRefused => Reason::AggregateRefused(wire::AggregateRefused {}),
            ConflictReason::TooFarBehind { behind, limit } => {
                Reason::TooFarBehind(wire::TooFarBehind {
                    behind_events: *behind,
                    limit_events: *limit,
                })
            }
            ConflictReason::TooMuchToCompare {
                behind,
                state_bytes,
                limit_bytes,
            } => Reason::TooMuchToCompare(wire::TooMuchToCompare {
                behind_events: *behind,
                state_bytes: *state_bytes,
                limit_bytes: *limit_bytes,
            }),
            ConflictReason::NotComparable { fault } => Reason::NotComparable(wire::NotComparable {
                fault: Some(fault.into()),
            }),
        };
        Self {
            reason: Some(reason),
        }
    }
}

impl TryFrom<v1::ConflictReason> for ConflictReason {
    type Error = Invalid;

    fn try_from(reason: v1::ConflictReason) -> Result<Self, Invalid> {
        Ok(match required(reason.reason, "reason", "give one")? {
            Reason::Strict(_) => Self::Strict,
            Reason::DecisionDiffers(reason) => Self::DecisionDiffers {
                changed: field_paths(reason.changed_paths, "changed_paths")?,
                then: payloads(reason.then, "then")?,
                now: payloads(reason.now, "now")?,
            },
            Reason::MustNotExist(_) => Self::MustNotExist,
            Reason::PossibleNow(reason) => Self::PossibleNow {
                then: Box::new(reason.then.unwrap_or_default().try_into()?),
            },
            Reason::RejectedAtBoth(_) => Self::RejectedAtBoth,
            Reason::TooMuchToCompare(reason) => Self::TooMuchToCompare {
                behind: reason.behind_events,
                state_bytes: reason.state_bytes,
                limit_bytes: reason.limit_bytes,
            },
            Reason::OrderMatters(reason) => Self::OrderMatters {
                fields: field_paths(reason.differing_paths, "differing_paths")?,
            },
            Reason::FieldsOverlap(reason) => Self::FieldsOverlap {
                overlap: field_paths(reason.overlap_paths, "overlap_paths")?,
            },
            Reason::PremiseChanged(reason) => Self::PremiseChanged {
                changed: field_paths(reason.changed_paths, "changed_paths")?,
            },
            Reason::RejectedNow(_) => Self::RejectedNow,
            Reason::AggregateRefused(_) => Self::AggregateRefused,
            Reason::TooFarBehind(reason) => Self::TooFarBehind {
                behind: reason.behind_events,
                limit: reason.limit_events,
            },
            Reason::NotComparable(reason) => Self::NotComparable {
                fault: reason.fault.unwrap_or_default().try_into()?,
            },
        })
    }
}

impl From<&Rejected> for v1::Rejection {
    fn from(rejected: &Rejected) -> Self {
        let fields = rejected.fields.iter();
        Self {
            code: rejected.code.clone(),
            message: rejected.message.clone(),
            fields: fields
                .map(|(name, value)| v1::rejection::Field {
                    name: name.clone(),
                    value_json: value.to_string(),
                })
                .collect(),
        }
    }
}

impl TryFrom<v1::Rejection> for Rejected {
    type Error = Invalid;

    fn try_from(rejection: v1::Rejection) -> Result<Self, Invalid> {
        let fields = rejection.fields.into_iter().enumerate();
        Ok(Self {
            code: rejection.code,
            message: rejection.message,
            fields: fields
                .map(
                    |(at, field)| match serde_json::from_str(&field.value_json) {
                        Ok(value) => Ok((field.name, value)),
                        Err(error) => Err(Invalid::field(
                            format!("fields[{at}].value_json"),
                            error.to_string(),
                        )),
                    },
                )
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Fault> for v1::Fault {
    fn from(fault: &Fault) -> Self {
        use v1::fault as wire;
        let fault = match fault {
            Fault::Undecodable { sequence, why } => wire::Fault::Undecodable(wire::Undecodable {
                sequence: sequence.0,
                why: why.clone(),
            }),
            Fault::Unreadable { what, why } => wire::Fault::Unreadable(wire::Unreadable {
                what: (*what).into(),
                why: why.clone(),
            }),
            Fault::Unencodable { what, field, why } => {
                wire::Fault::Unencodable(wire::Unencodable {
                    what: (*what).into(),
                    why: why.clone(),
                    field: field.as_ref().map(ToString::to_string).unwrap_or_default(),
                })
            }
            Fault::Panicked { function, message } => wire::Fault::Panicked(wire::Panicked {
                function: (*function).into(),
                message: message.clone(),
            }),
        };
        Self { fault: Some(fault) }
    }
}

impl TryFrom<v1::Fault> for Fault {
    type Error = Invalid;

    fn try_from(fault: v1::Fault) -> Result<Self, Invalid> {
        use v1::fault as wire;
        Ok(match required(fault.fault, "fault", "give one")? {
            wire::Fault::Undecodable(fault) => Self::Undecodable {
                sequence: Sequence(fault.sequence),
                why: fault.why,
            },
            wire::Fault::Unreadable(fault) => Self::Unreadable {
                what: one_of(PARTS, &fault.what).unwrap_or("part"),
                why: fault.why,
            },
            wire::Fault::Unencodable(fault) => Self::Unencodable {
                what: one_of(PARTS, &fault.what).unwrap_or("part"),
                field: match fault.field.is_empty() {
                    true => None,
                    false => fault.field.parse().ok(),
                },
                why: fault.why,
            },
            wire::Fault::Panicked(fault) => Self::Panicked {
                function: one_of(FUNCTIONS, &fault.function).unwrap_or("aggregate"),
                message: fault.message,
            },
        })
    }
}

/// The parts that can fail to be read or written. `core` holds such names as constants, so a name that is not among
/// these, from a newer server, becomes "part".
const PARTS: &[&str] = &["command", "command or fact", "event", "state"];

/// The functions of an aggregate that may panic; any other becomes "aggregate".
const FUNCTIONS: &[&str] = &[
    "decide",
    "evolve",
    "merge",
    "merge_strategy",
    "on_fact",
    "on_rejected",
    "prepare",
    "upcast",
    "serialize",
    "deserialize",
];

fn payloads(payloads: Vec<Any>, field: &str) -> Result<Vec<Payload>, Invalid> {
    let payloads = payloads.into_iter();
    payloads.map(|any| payload(Some(any), field)).collect()
}

fn one_of(names: &[&'static str], name: &str) -> Option<&'static str> {
    names.iter().copied().find(|known| *known == name)
}

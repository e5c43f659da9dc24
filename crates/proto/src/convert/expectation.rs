//! Converts the expectation of a sender, and what to do if it is wrong.

use seriatim_core::{ExpectedSequence, FieldPath, MergeStrategy, Sequence};

use super::invalid::{Found, Invalid};
use crate::v1;

impl From<MergeStrategy> for v1::MergeStrategy {
    fn from(strategy: MergeStrategy) -> Self {
        match strategy {
            MergeStrategy::Commutative => Self::MergeCommutative,
            MergeStrategy::Strict => Self::MergeStrict,
            MergeStrategy::AggregateHandles => Self::MergeAggregateHandles,
            MergeStrategy::Manual => Self::MergeManual,
        }
    }
}

impl From<v1::MergeStrategy> for MergeStrategy {
    fn from(strategy: v1::MergeStrategy) -> Self {
        match strategy {
            v1::MergeStrategy::MergeCommutative => Self::Commutative,
            v1::MergeStrategy::MergeStrict => Self::Strict,
            v1::MergeStrategy::MergeAggregateHandles => Self::AggregateHandles,
            v1::MergeStrategy::MergeManual => Self::Manual,
        }
    }
}

/// Reads a strategy by its number.
pub(super) fn merge_strategy(number: i32, field: &str) -> Result<MergeStrategy, Invalid> {
    v1::MergeStrategy::try_from(number)
        .map(Into::into)
        .map_err(|_| {
            let names = MergeStrategy::ALL.map(MergeStrategy::as_str).join(", ");
            Invalid::field(
                field,
                format!("{number} is no merge strategy; give one of {names}"),
            )
        })
}

pub(super) fn page_expectation(expected: ExpectedSequence) -> Option<v1::command_page::Expected> {
    use v1::command_page::Expected;
    match expected {
        ExpectedSequence::Any => None,
        ExpectedSequence::NoStream => Some(Expected::NoStream(v1::NoStream {})),
        ExpectedSequence::Exactly(Sequence(sequence)) => Some(Expected::Sequence(sequence)),
    }
}

pub(super) fn expected_on_page(page: &v1::CommandPage) -> Option<ExpectedSequence> {
    use v1::command_page::Expected;
    page.expected.as_ref().map(|expected| match expected {
        Expected::NoStream(v1::NoStream {}) => ExpectedSequence::NoStream,
        Expected::Sequence(sequence) => ExpectedSequence::Exactly(Sequence(*sequence)),
    })
}

impl From<ExpectedSequence> for v1::ExpectedSequence {
    fn from(expected: ExpectedSequence) -> Self {
        use v1::expected_sequence::Expected;
        Self {
            expected: match expected {
                ExpectedSequence::Any => None,
                ExpectedSequence::NoStream => Some(Expected::NoStream(v1::NoStream {})),
                ExpectedSequence::Exactly(Sequence(sequence)) => Some(Expected::Sequence(sequence)),
            },
        }
    }
}

impl From<v1::ExpectedSequence> for ExpectedSequence {
    fn from(expected: v1::ExpectedSequence) -> Self {
        use v1::expected_sequence::Expected;
        match expected.expected {
            None => Self::Any,
            Some(Expected::NoStream(v1::NoStream {})) => Self::NoStream,
            Some(Expected::Sequence(sequence)) => Self::Exactly(Sequence(sequence)),
        }
    }
}

/// Reads paths of fields. Fails if one of them is empty.
pub(super) fn field_paths(paths: Vec<String>, field: &str) -> Result<Vec<FieldPath>, Invalid> {
    let mut found = Found::default();
    let read: Vec<_> = paths
        .into_iter()
        .enumerate()
        .filter_map(|(at, path)| {
            let path = FieldPath::try_from(path)
                .map_err(|error| Invalid::field(format!("{field}[{at}]"), error.to_string()));
            found.take(path)
        })
        .collect();
    found.give(Some(read))
}

pub(super) fn path_texts(paths: &[FieldPath]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

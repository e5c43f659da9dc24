//! Checks that every error has a status, and every status its error.

use std::collections::HashSet;
use std::mem::discriminant;

use seriatim_core::*;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::{self, WireError, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::samples::*;

/// Returns the row of the table in `errors.proto`. A new variant does not compile until it has a line here.
fn expected(error: &SubmitError) -> (Code, &'static str) {
    match error {
        SubmitError::Invalid(_) => (Code::InvalidArgument, reason::INVALID),
        SubmitError::UnknownDomain { .. } => (Code::NotFound, reason::UNKNOWN_DOMAIN),
        SubmitError::Conflict(_) => (Code::Aborted, reason::SEQUENCE_CONFLICT),
        SubmitError::BeyondCurrent { .. } => (Code::OutOfRange, reason::BEYOND_CURRENT),
        SubmitError::Contended { .. } => (Code::Aborted, reason::CONTENDED),
        SubmitError::Rejected(_) => (Code::FailedPrecondition, reason::REJECTED),
        SubmitError::ExternalIdReused { .. } => (Code::AlreadyExists, reason::EXTERNAL_ID_REUSED),
        SubmitError::EffectNotAccepted { .. } => {
            (Code::PermissionDenied, reason::EFFECT_NOT_ACCEPTED)
        }
        SubmitError::Overloaded { .. } => (Code::ResourceExhausted, reason::OVERLOADED),
        SubmitError::Unavailable { source, .. } => (
            Code::Unavailable,
            match source {
                Unavailable::Store(_) => reason::STORE_UNAVAILABLE,
                Unavailable::Prepare(_) => reason::PREPARE_UNAVAILABLE,
                Unavailable::Remote(_) => reason::REMOTE_UNAVAILABLE,
            },
        ),
        SubmitError::StoreFailed(error) => expected_of_store(error.kind),
        SubmitError::ShuttingDown => (Code::Unavailable, reason::SHUTTING_DOWN),
        SubmitError::StreamFull { .. } => (Code::FailedPrecondition, reason::STREAM_FULL),
        SubmitError::Broken { .. } => (Code::Internal, reason::BROKEN),
    }
}

/// Returns the row of a store's failure: only one that passes by itself is unavailable.
pub(crate) fn expected_of_store(kind: StoreErrorKind) -> (Code, &'static str) {
    match kind {
        StoreErrorKind::Unavailable | StoreErrorKind::Full | StoreErrorKind::ReadOnly => {
            (Code::Unavailable, reason::STORE_UNAVAILABLE)
        }
        StoreErrorKind::Denied | StoreErrorKind::Refused => {
            (Code::FailedPrecondition, reason::STORE_FAILED)
        }
        StoreErrorKind::Corrupt => (Code::DataLoss, reason::STORE_FAILED),
    }
}

/// Checks that how and why it failed arrives; the place of the failure is named anew on the way.
fn assert_same_failure(read: &StoreError, error: &StoreError) {
    assert_eq!(read.kind, error.kind);
    assert!(read.to_string().ends_with(&error.to_string()), "{read}");
}

fn expected_of_query(error: &QueryError) -> (Code, &'static str) {
    match error {
        QueryError::UnknownDomain { .. } => (Code::NotFound, reason::UNKNOWN_DOMAIN),
        QueryError::BeyondCurrent { .. } => (Code::OutOfRange, reason::BEYOND_CURRENT),
        QueryError::UnknownField { .. } => (Code::NotFound, reason::UNKNOWN_FIELD),
        QueryError::UnknownLetter { .. } => (Code::NotFound, reason::UNKNOWN_DEAD_LETTER),
        QueryError::Unavailable { source, .. } => expected_of_store(source.kind),
        QueryError::StoreFailed(error) => expected_of_store(error.kind),
        QueryError::Broken { .. } => (Code::Internal, reason::BROKEN),
    }
}

fn expected_of_subscription(error: &SubscribeError) -> (Code, &'static str) {
    match error {
        SubscribeError::Store(error) => expected_of_store(error.kind),
        SubscribeError::OtherPartitions { .. } => (Code::InvalidArgument, reason::OTHER_PARTITIONS),
        SubscribeError::Replaced(_) => (Code::FailedPrecondition, reason::LOG_REPLACED),
        SubscribeError::PositionMissing { .. } | SubscribeError::SequenceMissing { .. } => {
            (Code::DataLoss, reason::LOG_DAMAGED)
        }
    }
}

fn said(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(info.domain, status::ERROR_DOMAIN);
    (status.code(), info.reason)
}

#[test]
fn every_error_of_a_command_both_ways() {
    let errors = submit_errors();
    let variants: HashSet<_> = errors.iter().map(discriminant).collect();
    assert_eq!(variants.len(), 14, "samples for every variant");
    for error in errors {
        let status = error.to_status();
        let (code, reason) = expected(&error);
        assert_eq!(said(&status), (code, reason.to_owned()));
        let read = SubmitError::from_status(&status).expect("one of ours");
        match &error {
            // The store's name is lost on the way; what failed and when to come back are not.
            SubmitError::Unavailable {
                retry_after,
                source,
            } => {
                let SubmitError::Unavailable {
                    retry_after: read_after,
                    source: read_source,
                } = &read
                else {
                    panic!("{read:?}");
                };
                assert_eq!(read_after, retry_after);
                let cause = match source {
                    Unavailable::Store(error) => error.to_string(),
                    Unavailable::Prepare(cause) | Unavailable::Remote(cause) => cause.to_string(),
                };
                assert!(read_source.to_string().ends_with(&cause), "{read_source}");
            }
            SubmitError::StoreFailed(error) => match &read {
                SubmitError::StoreFailed(read) => assert_same_failure(read, error),
                other => panic!("{other:?}"),
            },
            _ => assert_eq!(format!("{read:?}"), format!("{error:?}")),
        }
    }
}

#[test]
fn every_error_of_a_question_both_ways() {
    let errors = query_errors();
    let variants: HashSet<_> = errors.iter().map(discriminant).collect();
    assert_eq!(variants.len(), 7, "samples for every variant");
    for error in errors {
        let status = error.to_status();
        let (code, reason) = expected_of_query(&error);
        assert_eq!(said(&status), (code, reason.to_owned()));
        let read = QueryError::from_status(&status).expect("one of ours");
        match (&error, &read) {
            (
                QueryError::Unavailable {
                    retry_after,
                    source,
                },
                QueryError::Unavailable {
                    retry_after: read_after,
                    source: read_source,
                },
            ) => {
                assert_eq!(read_after, retry_after);
                assert_same_failure(read_source, source);
            }
            (QueryError::StoreFailed(error), QueryError::StoreFailed(read)) => {
                assert_same_failure(read, error);
            }
            _ => assert_eq!(format!("{read:?}"), format!("{error:?}")),
        }
    }
}

fn expected_of_operator(error: &OperatorError) -> (Code, &'static str) {
    match error {
        OperatorError::UnknownComponent { .. } => (Code::NotFound, reason::UNKNOWN_COMPONENT),
        OperatorError::UnknownToken { .. } => (Code::NotFound, reason::UNKNOWN_TOKEN),
        OperatorError::UnknownJob { .. } => (Code::NotFound, reason::UNKNOWN_JOB),
        OperatorError::JobOver { .. } => (Code::FailedPrecondition, reason::JOB_OVER),
        OperatorError::Closed { .. } => (Code::FailedPrecondition, reason::DEAD_LETTER_CLOSED),
        OperatorError::Decided { .. } => (Code::Aborted, reason::ALREADY_DECIDED),
        OperatorError::Moved { .. } => (Code::Aborted, reason::STREAM_MOVED),
        OperatorError::Assigned { .. } => (Code::Aborted, reason::DEAD_LETTER_ASSIGNED),
        OperatorError::OnlyOfCommands { .. } => {
            (Code::FailedPrecondition, reason::ONLY_OF_COMMANDS)
        }
        OperatorError::NoReason => (Code::InvalidArgument, reason::NO_REASON),
        OperatorError::ReadModel { .. } => (Code::InvalidArgument, reason::NOT_FOR_READ_MODELS),
        OperatorError::Place(error) => expected_of_subscription(error),
        OperatorError::Query(error) => expected_of_query(error),
        OperatorError::Submit(error) => expected(error),
    }
}

#[test]
fn every_error_of_the_desk_both_ways() {
    let errors = operator_errors();
    let variants: HashSet<_> = errors.iter().map(discriminant).collect();
    assert_eq!(variants.len(), 14, "samples for every variant");
    for error in errors {
        let status = error.to_status();
        let (code, reason) = expected_of_operator(&error);
        assert_eq!(said(&status), (code, reason.to_owned()));
        let read = OperatorError::from_status(&status).expect("one of ours");
        match &error {
            // It is read as the error of a question, so only the variant is compared.
            OperatorError::Query(_) => assert_eq!(discriminant(&read), discriminant(&error)),
            _ => assert_eq!(format!("{read:?}"), format!("{error:?}")),
        }
    }
}

#[test]
fn every_error_of_a_subscription_both_ways() {
    let errors = subscribe_errors();
    let variants: HashSet<_> = errors.iter().map(discriminant).collect();
    assert_eq!(variants.len(), 5, "samples for every variant");
    for error in errors {
        let status = error.to_status();
        let (code, reason) = expected_of_subscription(&error);
        assert_eq!(said(&status), (code, reason.to_owned()));
        let again = status.get_details_retry_info().is_some();
        assert_eq!(again, code == Code::Unavailable, "{error}");
        let read = SubscribeError::from_status(&status).expect("one of ours");
        match (&error, &read) {
            (SubscribeError::Store(source), SubscribeError::Store(read_source)) => {
                assert_same_failure(read_source, source);
            }
            _ => assert_eq!(format!("{read:?}"), format!("{error:?}")),
        }
    }
}

/// Errors that may be retried unchanged, errors that need a fresh read, and errors that must not be retried never share
/// a code.
#[test]
fn codes_tell_what_to_do_next() {
    #[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
    enum Next {
        ReadAgain,
        SendAgain,
        Neither,
    }
    let next = |error: &SubmitError| match error {
        SubmitError::Conflict(_) | SubmitError::Contended { .. } => Next::ReadAgain,
        SubmitError::Overloaded { .. }
        | SubmitError::Unavailable { .. }
        | SubmitError::ShuttingDown => Next::SendAgain,
        SubmitError::Invalid(_)
        | SubmitError::UnknownDomain { .. }
        | SubmitError::BeyondCurrent { .. }
        | SubmitError::Rejected(_)
        | SubmitError::ExternalIdReused { .. }
        | SubmitError::EffectNotAccepted { .. }
        | SubmitError::StoreFailed(_)
        | SubmitError::StreamFull { .. }
        | SubmitError::Broken { .. } => Next::Neither,
    };
    for one in &submit_errors() {
        for other in &submit_errors() {
            if next(one) != next(other) {
                assert_ne!(one.to_status().code(), other.to_status().code());
            }
        }
    }
}

#[test]
fn what_may_be_sent_again_says_when() {
    for error in submit_errors() {
        let status = error.to_status();
        let again = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted);
        let retry = status.get_details_retry_info();
        assert_eq!(
            retry.is_some_and(|info| info.retry_delay.is_some()),
            again,
            "{error}"
        );
    }
}

#[test]
fn a_status_of_somebody_else_is_none_of_ours() {
    for status in [
        Status::unavailable("connection refused"),
        Status::with_error_details(Code::Aborted, "theirs", {
            let mut details = tonic_types::ErrorDetails::new();
            details.set_error_info(
                reason::CONTENDED,
                "example.org",
                std::collections::HashMap::new(),
            );
            details
        }),
        Status::with_details(Code::Aborted, "no details at all", vec![255, 255].into()),
    ] {
        assert!(SubmitError::from_status(&status).is_none(), "{status:?}");
        assert!(QueryError::from_status(&status).is_none(), "{status:?}");
        assert!(SubscribeError::from_status(&status).is_none(), "{status:?}");
        assert!(Invalid::from_status(&status).is_none(), "{status:?}");
    }
}

#[test]
fn a_status_inside_a_message_is_the_same_status() {
    for error in submit_errors() {
        let original = error.to_status();
        let read = status::from_message(&status::to_message(&original));
        assert_eq!(read.code(), original.code());
        assert_eq!(read.message(), original.message());
        assert_eq!(read.details(), original.details());
    }
    let plain = Status::unavailable("no details");
    let message = status::to_message(&plain);
    assert_eq!((message.code, message.message.as_str()), (14, "no details"));
}

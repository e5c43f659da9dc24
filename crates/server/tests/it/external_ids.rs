//! Checks that a repetition under an external id gets the first result, and other content is refused.

use seriatim_core::{FirstResult, Sequence, SubmitError};
use seriatim_proto::status::WireError;
use seriatim_proto::v1;
use tonic::{Code, Status};

use crate::rig::*;

#[track_caller]
fn assert_reused(status: &Status) {
    assert_code(status, Code::AlreadyExists, "EXTERNAL_ID_REUSED");
    match SubmitError::from_status(status) {
        Some(SubmitError::ExternalIdReused {
            external_id, first, ..
        }) => {
            assert_eq!(external_id, "till-7/1");
            assert!(
                matches!(
                    first,
                    FirstResult::Committed {
                        first: Sequence(0),
                        ..
                    }
                ),
                "{first:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_sent_again_gives_the_first_result() {
    let rig = Rig::start().await;
    let stream = till();
    let request = under("till-7/1", ask(&stream, "Fill", r#"{"coins":5}"#));
    let first = rig.submit(request.clone()).await;
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
    let again = rig.submit(request).await;
    let Some(v1::submit_response::Outcome::Duplicate(duplicate)) = again.outcome else {
        panic!("{again:?}");
    };
    assert_eq!(
        duplicate.first_result.unwrap().result,
        Some(v1::first_result::Result::Committed(
            v1::first_result::Committed {
                first: 0,
                last: 0,
                position: committed(&first).position,
            }
        ))
    );
    assert_eq!(rig.history(&stream).await.len(), 2);
}

#[tokio::test]
async fn an_external_id_with_other_content_is_refused() {
    let rig = Rig::start().await;
    let stream = till();
    rig.submit(under("till-7/1", ask(&stream, "Fill", r#"{"coins":5}"#)))
        .await;
    let other = under("till-7/1", ask(&stream, "Fill", r#"{"coins":6}"#));
    assert_reused(&rig.refused(other).await);
    let other = fact(&stream, "till-7/1", "Filled", r#"{"coins":5}"#);
    assert_reused(&rig.facts().record(other).await.unwrap_err());
    assert_eq!(rig.history(&stream).await.len(), 1);
}

//! Checks, on a file, that what was answered is there when the next server opens it.

use std::path::Path;
use std::sync::Arc;

use seriatim_core::MergeStrategy;
use seriatim_proto::{convert, v1};
use seriatim_store_sqlite::SqliteStore;
use tonic::Code;

use crate::rig::*;

async fn open(path: &Path) -> Rig {
    let store = SqliteStore::open_file(path).await.unwrap();
    Rig::start_on_store(Arc::new(store), |server| server).await
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tills.db");
    let mut rig = open(&path).await;
    let stream = rig
        .till_with(&[("Fill", r#"{"coins":5}"#), ("Label", r#"{"label":"a"}"#)])
        .await;
    let fill = || ask(&stream, "Fill", r#"{"coins":1}"#);
    let merged = rig
        .submit(stale(0, MergeStrategy::Commutative, fill()))
        .await;
    assert!(committed(&merged).merged);
    let refused = rig.refused(stale(0, MergeStrategy::Strict, fill())).await;
    assert_code(&refused, Code::Aborted, "SEQUENCE_CONFLICT");
    let payment = fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#);
    rig.facts().record(payment.clone()).await.unwrap();
    rig.submit(stale(0, MergeStrategy::Manual, fill())).await;
    rig.begin_shutdown();
    rig.down().await;

    let rig = open(&path).await;
    let names = rig.history(&stream).await;
    assert_eq!(
        names,
        ["Filled", "Labelled", "Filled", "Settled", "Flagged"]
    );
    let request = v1::GetStateRequest {
        cover: Some(convert::cover(&stream)),
        at: None,
    };
    let state = rig
        .queries()
        .get_state(request)
        .await
        .unwrap()
        .into_inner()
        .state;
    let view = seriatim_core::StateView::try_from(state.unwrap()).unwrap();
    assert_eq!(
        (
            &view.to_json().unwrap()["coins"],
            &view.to_json().unwrap()["settled"]
        ),
        (&6.into(), &5.into())
    );
    assert_eq!(rig.letter_count().await, 1);
    let again = rig.facts().record(payment).await.unwrap().into_inner();
    assert!(matches!(
        again.outcome,
        Some(v1::record_response::Outcome::Duplicate(_))
    ));
}

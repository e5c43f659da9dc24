//! Calls that share a commit: none of them fails because of another.

mod support;

use futures::future::join_all;
use seriatim_core::{Append, AppendError, EventStore, StoreErrorKind, Write};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use support::samples::{append, is_written};
use support::{Schema, text};

/// PostgreSQL cannot store a text with the character 0.
fn refused() -> Append {
    let mut append = append(&new_stream(), None, 1);
    if let Write::Events { events, .. } = &mut append.write {
        let mut event = events[0].clone();
        event.payload.type_name = "Nu\0l".into();
        *events = [event].into();
    }
    append
}

async fn commits(schema: &Schema) -> i64 {
    let select = format!(
        "SELECT revision::text FROM {}.seriatim_log_head",
        schema.name()
    );
    text(&schema.url(), &select).await.unwrap().parse().unwrap()
}

/// The refused one fails alone, and the others need a few commits, not one each.
#[tokio::test]
async fn what_the_server_refuses_of_one_call_leaves_the_others_alone() {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    for warm in [false, true, true] {
        let before = commits(&schema).await;
        let calls = (0..64).map(|n| match n == 40 {
            true => refused(),
            false => append(&new_stream(), None, 1),
        });
        // All are queued before the writer is polled.
        let answers = join_all(calls.map(|append| store.append(vec![append]))).await;
        for (n, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(outcomes) => assert!(n != 40 && outcomes.iter().all(is_written)),
                Err(AppendError::NotWritten(error)) => {
                    assert_eq!((n, error.kind), (40, StoreErrorKind::Refused), "{error}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        let commits = commits(&schema).await - before;
        assert!(!warm || commits <= 6, "{commits} commits");
    }
}

/// A call that only compares takes part in a commit, and is none by itself.
#[tokio::test]
async fn to_compare_is_no_commit() {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let stream = new_stream();
    store.append(vec![append(&stream, None, 1)]).await.unwrap();
    let restarted = PostgresStore::open(&schema.url()).await.unwrap();
    let before = commits(&schema).await;
    // The second and third look at the server, the first at what it remembers.
    for store in [&store, &restarted, &restarted] {
        let mut compare = append(&stream, Some(seriatim_core::Sequence(0)), 0);
        compare.claim = None;
        let outcomes = store.append(vec![compare.clone()]).await.unwrap();
        assert!(is_written(&outcomes[0]), "{outcomes:?}");
        if let Write::Events { after, .. } = &mut compare.write {
            *after = None;
        }
        let outcomes = store.append(vec![compare]).await.unwrap();
        assert!(!is_written(&outcomes[0]), "{outcomes:?}");
    }
    assert_eq!(commits(&schema).await, before);
}

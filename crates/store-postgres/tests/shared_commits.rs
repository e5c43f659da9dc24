//! Calls that share a commit: none of them fails because of another.

mod support;

use futures::future::join_all;
use seriatim_core::{Append, AppendError, EventStore, Sequence, StoreErrorKind, Write};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use support::samples::{append, is_written, stream_of};
use support::{Schema, execute, server, text};

/// An append of one event of this type.
fn of_type(type_name: &'static str) -> Append {
    let mut append = append(&new_stream(), None, 1);
    if let Write::Events { events, .. } = &mut append.write {
        let mut event = events[0].clone();
        event.payload.type_name = type_name.into();
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
            // PostgreSQL cannot store a text with the character 0.
            true => of_type("Nu\0l"),
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

/// A call whose statement takes too long fails alone.
#[tokio::test]
async fn what_takes_too_long_of_one_call_leaves_the_others_alone() {
    let schema = Schema::new();
    let url = format!("{}&statement_timeout=1", schema.url());
    let store = PostgresStore::open(&url).await.unwrap();
    store.append(vec![of_type("Quick")]).await.unwrap();
    let name = schema.name();
    let slow = format!(
        "CREATE FUNCTION {name}.slow() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM pg_sleep(60); RETURN NEW; END$$;
         CREATE TRIGGER slow BEFORE INSERT ON {name}.seriatim_events
             FOR EACH ROW WHEN (NEW.type = 'Slow') EXECUTE FUNCTION {name}.slow()"
    );
    execute(&server(), &slow).await.unwrap();
    let calls = ["Quick", "Quick", "Slow", "Quick"].map(|name| vec![of_type(name)]);
    let answers = join_all(calls.map(|call| store.append(call))).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(outcomes) => assert!(n != 2 && outcomes.iter().all(is_written)),
            Err(AppendError::NotWritten(error)) => {
                assert_eq!((n, error.kind), (2, StoreErrorKind::Unavailable), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A call that only compares is no commit and takes no lock, whoever has written last.
#[tokio::test]
async fn to_compare_locks_and_writes_nothing() {
    let schema = Schema::new();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let restarted = PostgresStore::open(&schema.url()).await.unwrap();
    let (stream, never) = (new_stream(), stream_of("never"));
    store.append(vec![append(&stream, None, 1)]).await.unwrap();
    // What locks the row of the head leaves its mark there.
    let head = format!(
        "SELECT revision || ' ' || xmax || ' ' || ctid FROM {}.seriatim_log_head",
        schema.name()
    );
    let before = text(&schema.url(), &head).await.unwrap();
    for store in [&store, &restarted, &store, &restarted] {
        for (stream, after, holds) in [
            (&stream, Some(Sequence(0)), true),
            (&stream, None, false),
            (&stream, Some(Sequence(1)), false),
            (&never, None, true),
            (&never, Some(Sequence(0)), false),
        ] {
            let mut compare = append(stream, after, 0);
            compare.claim = None;
            let outcomes = store.append(vec![compare]).await.unwrap();
            assert_eq!(is_written(&outcomes[0]), holds, "{outcomes:?}");
        }
    }
    assert_eq!(text(&schema.url(), &head).await.unwrap(), before);
}

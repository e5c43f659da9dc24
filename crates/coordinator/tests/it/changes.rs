//! Checks the histories of fields against states that are built one by one.

use proptest::prelude::*;
use seriatim_coordinator::Coordinator;
use seriatim_core::{
    At, Changes, ChangesQuery, EventChanges, FieldChange, FieldPath, QueryError, Sequence,
    StreamId, Timestamp, Tree,
};

use crate::cart::*;

fn field(text: &str) -> FieldPath {
    FieldPath::try_from(text.to_owned()).unwrap()
}

async fn ask(
    coordinator: &Coordinator,
    stream: &StreamId,
    path: &str,
    through: Option<Sequence>,
    limit: usize,
) -> Result<Changes, QueryError> {
    let query = ChangesQuery {
        field: field(path),
        through,
        limit,
    };
    coordinator.changes(stream, query).await
}

/// Returns all pages of a history, one after another.
async fn history(
    coordinator: &Coordinator,
    stream: &StreamId,
    path: &str,
    limit: usize,
) -> Vec<EventChanges> {
    let mut all = Vec::new();
    let mut through = None;
    loop {
        let page = ask(coordinator, stream, path, through, limit).await;
        let page = match page {
            Err(QueryError::UnknownField { .. }) => return all,
            page => page.unwrap(),
        };
        assert!(page.events.len() <= limit);
        all.extend(page.events);
        match page.next {
            Some(next) => through = Some(next),
            None => return all,
        }
    }
}

/// Returns the same history from the states before and after each event.
async fn naive(
    coordinator: &Coordinator,
    stream: &StreamId,
    path: &str,
) -> Vec<(u32, Vec<FieldChange>)> {
    let tree = async |at| -> Tree {
        let state = coordinator.state(stream, at).await.unwrap();
        state.tree().unwrap()
    };
    let current = coordinator
        .state(stream, At::Current)
        .await
        .unwrap()
        .sequence;
    let mut found = Vec::new();
    let mut before = tree(At::Time(Timestamp::MIN)).await;
    for sequence in 0..Sequence::count(current) {
        let sequence = u32::try_from(sequence).unwrap();
        let after = tree(At::Sequence(Sequence(sequence))).await;
        let changes = FieldChange::between(&before, &after, &field(path));
        if path.is_empty() || !changes.is_empty() {
            found.push((sequence, changes));
        }
        before = after;
    }
    found.reverse();
    found
}

fn any_command() -> impl Strategy<Value = Do> {
    prop_oneof![
        (1..4i64).prop_map(|count| Do::Add { count }),
        "[ab]".prop_map(|name| Do::Name { name }),
        "[abc]".prop_map(|tag| Do::Tag { tag }),
        "[ab]".prop_map(|note| Do::Note { note }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_page_of_a_history_together_is_what_the_states_say(
        commands in prop::collection::vec(any_command(), 1..40),
        limit in 1..7usize,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (coordinator, _) = coordinator();
            let stream = stream_of(&coordinator, commands).await;
            for path in ["", "count", "name", "tags", "open", "missing"] {
                let paged = history(&coordinator, &stream, path, limit).await;
                let found: Vec<_> = (paged.into_iter())
                    .map(|found| (found.event.sequence.0, found.changes))
                    .collect();
                assert_eq!(found, naive(&coordinator, &stream, path).await, "{path}");
            }
        });
    }
}

#[tokio::test]
async fn a_field_that_never_was_is_an_error_that_names_the_fields_there_are() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    let error = ask(&coordinator, &stream, "cuont", None, 10)
        .await
        .unwrap_err();
    let QueryError::UnknownField { known, .. } = &error else {
        panic!("{error}");
    };
    assert!(known.contains(&field("count")), "{known:?}");
    assert!(error.to_string().contains("`count`"), "{error}");
    let inner = ask(&coordinator, &stream, "paid.visa", None, 10).await;
    assert!(matches!(inner, Err(QueryError::UnknownField { known, .. }) if known.is_empty()));
}

#[tokio::test]
async fn a_past_value_is_that_after_the_last_event_looked_at() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b"), Do::Add { count: 1 }]).await;
    let then = ask(&coordinator, &stream, "name", Some(Sequence(0)), 10)
        .await
        .unwrap();
    assert_eq!(then.value, Some(Tree::Text("a".into())));
    assert_eq!(then.next, None);
    let changes = &then.events[0].changes;
    assert_eq!(changes[0].before, Some(Tree::Text(String::new())));
    assert_eq!(changes[0].after, Some(Tree::Text("a".into())));
    let beyond = ask(&coordinator, &stream, "name", Some(Sequence(3)), 10).await;
    assert!(matches!(beyond, Err(QueryError::BeyondCurrent { .. })));
}

#[tokio::test]
async fn a_question_looks_at_a_part_of_a_long_stream_and_says_where_the_rest_begins() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [name("a")]).await;
    for _ in 0..3 {
        accept(&coordinator, &stream, Do::AddMany { n: 700 }).await;
    }
    let page = ask(&coordinator, &stream, "name", None, 10).await.unwrap();
    assert_eq!((page.events.len(), page.next), (0, Some(Sequence(100))));
    assert_eq!(page.value, Some(Tree::Text("a".into())));
    let rest = ask(&coordinator, &stream, "name", page.next, 10)
        .await
        .unwrap();
    assert_eq!((rest.events.len(), rest.next), (1, None));
}

#[tokio::test]
async fn a_stream_without_events_has_no_history() {
    let (coordinator, _) = coordinator();
    let none = ask(&coordinator, &cart(), "", None, 10).await.unwrap();
    assert_eq!((none.events.len(), none.next), (0, None));
}

#[tokio::test]
async fn an_answer_ends_after_a_megabyte_and_goes_on_in_the_next() {
    let (coordinator, _) = coordinator();
    let long = |letter: &str| name(&letter.repeat(300_000));
    let stream = stream_of(&coordinator, ["a", "b", "c", "d"].map(long)).await;
    let page = ask(&coordinator, &stream, "name", None, 10).await.unwrap();
    assert!(page.events.len() < 4, "{}", page.events.len());
    let all = history(&coordinator, &stream, "name", 10).await;
    let sequences: Vec<_> = all.iter().map(|found| found.event.sequence.0).collect();
    assert_eq!(sequences, [3, 2, 1, 0]);
}

//! Checks properties over random commands, expectations, strategies and racing writers.

use std::sync::Arc;

use proptest::prelude::*;
use seriatim_core::{
    Aggregate, CommandGateway, ExpectedSequence, MergeStrategy, Message, Outcome, Receipt,
    Sequence, Store, SubmitError, fold,
};
use seriatim_store_memory::MemoryStore;

use crate::cart::*;

fn command() -> impl Strategy<Value = Do> {
    prop_oneof![
        Just(Do::Open),
        (1i64..5).prop_map(|count| Do::Add { count }),
        (1i64..8).prop_map(|count| Do::Take { count }),
        "[ab]".prop_map(|text| name(&text)),
        "[ab]".prop_map(|text| note(&text)),
        "[abc]".prop_map(|tag| Do::Tag { tag }),
        Just(Do::Double),
        Just(Do::Nothing),
        (0u32..3).prop_map(|n| Do::AddMany { n }),
    ]
}

fn expected() -> impl Strategy<Value = ExpectedSequence> {
    prop_oneof![
        3 => Just(ExpectedSequence::Any),
        1 => Just(ExpectedSequence::NoStream),
        5 => (0u32..12).prop_map(ExpectedSequence::from),
    ]
}

#[derive(Clone, Debug)]
struct Sent {
    command: Do,
    expected: ExpectedSequence,
    strategy: MergeStrategy,
    external_id: Option<u8>,
    writer: usize,
}

fn sent() -> impl Strategy<Value = Sent> {
    let strategy = prop::sample::select(MergeStrategy::ALL.to_vec());
    let external_id = prop::option::weighted(0.3, 0u8..6);
    (command(), expected(), strategy, external_id, 0usize..2).prop_map(
        |(command, expected, strategy, external_id, writer)| Sent {
            command,
            expected,
            strategy,
            external_id,
            writer,
        },
    )
}

type Answer = Result<Receipt, SubmitError>;

/// Runs all commands on one stream, by two coordinators on one store, at once or one after another.
async fn run(all: &[Sent], at_once: bool) -> (Vec<Answer>, Vec<Happened>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let writers = [on(&store), on(&store)];
    let stream = cart();
    let mut tasks = Vec::new();
    for sent in all {
        let mut request = stale(&stream, &sent.command, sent.expected, sent.strategy);
        if let Some(external_id) = sent.external_id {
            request = under(&external_id.to_string(), request);
        }
        let writer = writers[sent.writer].clone();
        let task = tokio::spawn(async move { writer.submit(request).await });
        if at_once {
            tasks.push(task);
        } else {
            tasks.push(tokio::spawn(std::future::ready(task.await.unwrap())));
        }
    }
    let answers = futures::future::join_all(tasks).await;
    let answers = answers.into_iter().map(Result::unwrap).collect();
    (answers, history(&store, &stream).await)
}

/// Checks that what was acknowledged is in the history once, exactly where the receipt says, and nothing else is.
fn check(all: &[Sent], answers: &[Answer], happened: &[Happened]) -> Result<(), TestCaseError> {
    let mut owner = vec![None; happened.len()];
    for (at, (sent, answer)) in all.iter().zip(answers).enumerate() {
        let Ok(Receipt {
            outcome: Outcome::Committed(commit),
            ..
        }) = answer
        else {
            continue;
        };
        for event in &commit.events {
            let place = event.sequence.0 as usize;
            prop_assert_eq!(
                Happened::decode(&event.payload).unwrap(),
                happened[place].clone()
            );
            prop_assert_eq!(owner[place].replace(at), None, "written twice");
        }
        let before = fold(Cart::default(), &happened[..commit.first.0 as usize]);
        let believed = sent.expected.believed();
        let current = commit.first.0.checked_sub(1).map(Sequence);
        let matched = believed.is_none_or(|believed| believed == current);
        prop_assert_eq!(commit.merged, !matched);
        let events = &happened[commit.first.0 as usize..=commit.last.0 as usize];
        match sent.strategy {
            // A serial order gives it: everything before it, then this command, decided there.
            _ if matched => prop_assert_eq!(&before.decide(&sent.command).unwrap(), events),
            MergeStrategy::Commutative => {
                prop_assert_eq!(&before.decide(&sent.command).unwrap(), events);
                // The order in which the sender's command came first gives it too.
                let base = Sequence::count(believed.flatten()) as usize;
                let then = fold(Cart::default(), &happened[..base]);
                prop_assert_eq!(&then.decide(&sent.command).unwrap(), events);
                let ours_first = fold(fold(then, events), &happened[base..commit.first.0 as usize]);
                prop_assert_eq!(ours_first, fold(before, events));
            }
            MergeStrategy::AggregateHandles => {}
            MergeStrategy::Strict | MergeStrategy::Manual => {
                prop_assert!(false, "{} never merges", sent.strategy);
            }
        }
    }
    prop_assert!(
        owner.iter().all(Option::is_some),
        "an event that nobody was told of"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_accepted_history_is_one_that_a_serial_order_gives(
        all in prop::collection::vec(sent(), 1..40),
        at_once: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let (answers, happened) = runtime.block_on(run(&all, at_once));
        check(&all, &answers, &happened)?;
        for (sent, answer) in all.iter().zip(&answers) {
            if let Err(error) = answer {
                let fair = match error {
                    SubmitError::Conflict(_) | SubmitError::BeyondCurrent { .. } => {
                        sent.expected != ExpectedSequence::Any
                    }
                    SubmitError::Rejected(_) => true,
                    SubmitError::ExternalIdReused { .. } => sent.external_id.is_some(),
                    _ => false,
                };
                prop_assert!(fair, "{sent:?}: {error:?}");
            }
        }
    }
}

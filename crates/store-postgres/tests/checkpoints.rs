//! Checks what checkpoints cost, and what happens to them when a connection is lost.

mod support;

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, Checkpoint, CheckpointStore, Component, Hold, LetterDecision, LetterFilter,
    LetterStatus, LogPartition, Owner, Position, ReactionLetter, Sequence, Share, StoreErrorKind,
    Taking, Tenure, Timestamp, Update, Verb, Work,
};
use seriatim_store_postgres::PostgresStore;
use support::Schema;
use support::proxy::{Fault, Proxy};
use tokio::sync::Notify;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

struct Rig {
    proxy: Proxy,
    store: PostgresStore,
    /// Reaches the server by another way.
    other: PostgresStore,
    schema: Schema,
}

fn work(name: &str) -> Work {
    Work {
        component: Component::new(name).unwrap(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    }
}

/// Each statement of the store is prepared; the work is taken and at 1.
async fn start() -> (Rig, Tenure) {
    let schema = Schema::new();
    let proxy = Proxy::before(&schema.url()).await;
    let store = PostgresStore::open(proxy.url()).await.unwrap();
    let other = PostgresStore::open(&schema.url()).await.unwrap();
    let mut tenure = take(&store, "balances", HOUR).await;
    assert_eq!(advance(&store, &mut tenure, 1).await, Hold::Held);
    assert_eq!(
        store.write(&tenure, &Update::Renew, HOUR).await.unwrap(),
        Hold::Held
    );
    proxy.take_round_trips();
    let rig = Rig {
        proxy,
        store,
        other,
        schema,
    };
    (rig, tenure)
}

async fn take(store: &PostgresStore, name: &str, lease: Duration) -> Tenure {
    let owner = Owner::new("one");
    let taking = store.take(&work(name), &owner, lease).await;
    match taking.unwrap() {
        Taking::Taken(tenure) => tenure,
        busy @ Taking::Busy { .. } => panic!("{busy:?}"),
    }
}

async fn advance(store: &PostgresStore, tenure: &mut Tenure, to: u64) -> Hold {
    let hold = store
        .write(
            tenure,
            &Update::Advance(Advance::Checkpoint(Bookmark::at(Position(to)))),
            HOUR,
        )
        .await
        .unwrap();
    tenure.at.position = Position(to);
    hold
}

async fn checkpoint(rig: &Rig) -> Checkpoint {
    let mut all = rig.other.checkpoints(None).await.unwrap();
    all.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_an_owner_is_one_round_trip() {
    let (rig, mut tenure) = start().await;
    let mut counts = Vec::new();
    assert_eq!(advance(&rig.store, &mut tenure, 2).await, Hold::Held);
    counts.push(rig.proxy.take_round_trips());
    let held = rig
        .store
        .write(&tenure, &Update::Renew, HOUR)
        .await
        .unwrap();
    assert_eq!(held, Hold::Held);
    counts.push(rig.proxy.take_round_trips());
    // Standing by, beginning, and taking over.
    let two = Owner::new("two");
    let busy = rig.store.take(&tenure.work, &two, HOUR);
    assert!(matches!(busy.await.unwrap(), Taking::Busy { .. }));
    counts.push(rig.proxy.take_round_trips());
    take(&rig.store, "emails", Duration::ZERO).await;
    counts.push(rig.proxy.take_round_trips());
    take(&rig.store, "emails", HOUR).await;
    counts.push(rig.proxy.take_round_trips());
    assert_eq!(counts, [1; 5]);
}

/// A process that only asks writes nothing: no row is locked or replaced, and nothing is synced.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_stands_by_writes_nothing() {
    let (rig, tenure) = start().await;
    let row = || versions_of_the_row(&rig);
    let before = row().await;
    let two = Owner::new("two");
    for _ in 0..3 {
        let busy = rig.store.take(&tenure.work, &two, HOUR);
        assert!(matches!(busy.await.unwrap(), Taking::Busy { .. }));
    }
    assert_eq!(row().await, before);
    assert_eq!(
        rig.store
            .write(&tenure, &Update::Renew, HOUR)
            .await
            .unwrap(),
        Hold::Held
    );
    assert_ne!(row().await, before, "it can be told");
}

/// Returns where the row is, and which transactions have made or locked it last.
async fn versions_of_the_row(rig: &Rig) -> String {
    use sqlx::{AssertSqlSafe, ConnectOptions, Row};
    let options: sqlx::postgres::PgConnectOptions = support::server().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let select = format!(
        "SELECT concat_ws(' ', ctid, xmin, xmax) FROM {}.seriatim_checkpoints",
        rig.schema.name()
    );
    let row = sqlx::raw_sql(AssertSqlSafe(select)).fetch_one(&mut connection);
    row.await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_whose_answer_is_lost_is_found_to_be_done() {
    let (rig, mut tenure) = start().await;
    rig.proxy.inject(Fault::LoseAnswer);
    assert_eq!(advance(&rig.store, &mut tenure, 2).await, Hold::Held);
    assert_eq!(checkpoint(&rig).await.at.position, Position(2));
    assert_eq!(advance(&rig.store, &mut tenure, 3).await, Hold::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_that_is_lost_is_made_again() {
    let (rig, mut tenure) = start().await;
    rig.proxy.inject(Fault::LoseRequest);
    assert_eq!(advance(&rig.store, &mut tenure, 2).await, Hold::Held);
    assert_eq!(checkpoint(&rig).await.at.position, Position(2));
}

/// The server gets it after it was made again, and after the next.
#[tokio::test(flavor = "multi_thread")]
async fn an_advance_that_arrives_too_late_changes_nothing() {
    let (rig, mut tenure) = start().await;
    let (release, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    rig.proxy
        .inject(Fault::Delay(release.clone(), done.clone()));
    assert_eq!(advance(&rig.store, &mut tenure, 2).await, Hold::Held);
    assert_eq!(advance(&rig.store, &mut tenure, 3).await, Hold::Held);
    let before = checkpoint(&rig).await;
    release.notify_one();
    done.notified().await;
    assert_eq!(checkpoint(&rig).await, before);
}

/// A checkpoint that is at the same place is not therefore one's own: a twin of the same tenure has moved it there.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_there_already_was_moved_by_another() {
    let (rig, mut tenure) = start().await;
    let mut twin = tenure.clone();
    assert_eq!(advance(&rig.other, &mut twin, 2).await, Hold::Held);
    assert_eq!(advance(&rig.store, &mut tenure, 2).await, Hold::Lost);
}

/// The answer is lost, and while the store cannot ask again, another takes over: whether it was done is open.
#[tokio::test(flavor = "multi_thread")]
async fn an_advance_that_another_has_covered_up_is_not_answered() {
    let (rig, tenure) = start().await;
    let release = Arc::new(Notify::new());
    rig.proxy.inject(Fault::LoseAnswerAndHold(release.clone()));
    let (store, late) = (rig.store.clone(), tenure.clone());
    let advancing = tokio::spawn(async move {
        store
            .write(
                &late,
                &Update::Advance(Advance::Checkpoint(Bookmark::at(Position(2)))),
                Duration::ZERO,
            )
            .await
    });
    let moved = async {
        while checkpoint(&rig).await.at.position < Position(2) {
            tokio::task::yield_now().await;
        }
    };
    let moved = tokio::time::timeout(Duration::from_secs(60), moved).await;
    moved.expect("it moves");
    let mut owner = take(&rig.other, "balances", HOUR).await;
    assert_eq!(advance(&rig.other, &mut owner, 3).await, Hold::Held);
    release.notify_one();
    let error = advancing.await.unwrap().expect_err("nobody can know");
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    // Asked anew it is clear.
    let hold = rig
        .store
        .write(
            &tenure,
            &Update::Advance(Advance::Checkpoint(Bookmark::at(Position(2)))),
            HOUR,
        )
        .await
        .unwrap();
    assert_eq!(hold, Hold::Lost);
    assert_eq!(checkpoint(&rig).await.at.position, Position(3));
}

/// A process that takes work and is not told finds that it has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_taking_whose_answer_is_lost_is_found_to_be_done() {
    let (rig, _) = start().await;
    for (name, fault) in [("one", Fault::LoseAnswer), ("two", Fault::LoseRequest)] {
        // Prepared on this connection, or that would be what is lost.
        take(&rig.store, "emails", Duration::ZERO).await;
        rig.proxy.inject(fault);
        let mut tenure = take(&rig.store, name, HOUR).await;
        assert_eq!(advance(&rig.store, &mut tenure, 1).await, Hold::Held);
    }
    let epochs = rig.other.checkpoints(None).await.unwrap().into_iter();
    let mut epochs = epochs.filter(|checkpoint| checkpoint.work.component.as_str() != "emails");
    assert!(epochs.all(|checkpoint| checkpoint.epoch == 1));
}

/// To park, to park again, to skip and to unpark: each is done once, whether the request is lost or its answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_written_once_though_messages_are_lost() {
    for fault in [Fault::LoseRequest, Fault::LoseAnswer] {
        let (rig, mut tenure) = start().await;
        let parked = ReactionLetter {
            work: tenure.work.clone(),
            stream: "order/01890a5d-ac96-774b-bcce-b302099a8057"
                .parse()
                .unwrap(),
            sequence: Sequence(4),
            id: Some(Uuid::now_v7()),
            failure: "no paper".into(),
            tries: 1,
            parked_at: Timestamp::from_micros(0),
            attempts: Vec::new(),
            decision: None,
            status: LetterStatus::Parked,
            closed_at: None,
        };
        let wish = LetterDecision {
            verb: Verb::Discard,
            actor: None,
            reason: None,
            at: Timestamp::from_micros(1),
        };
        let again = ReactionLetter {
            tries: 2,
            ..parked.clone()
        };
        let skipped = ReactionLetter {
            decision: Some(wish.clone()),
            status: LetterStatus::Discarded,
            closed_at: Some(Timestamp::from_micros(2)),
            ..again.clone()
        };
        let step = |from, to| Advance::Parked {
            stream: parked.stream.clone(),
            from: Sequence(from),
            to,
        };
        let lose = || rig.proxy.inject(fault.clone());

        lose();
        let held = rig
            .store
            .write(
                &tenure,
                &Update::Park(Box::new(parked.clone()), Bookmark::at(Position(2))),
                HOUR,
            )
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        tenure.at.position = Position(2);
        lose();
        let held = rig
            .store
            .write(&tenure, &Update::ParkAgain(Box::new(again.clone())), HOUR)
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        lose();
        let noted = (rig.store).decide(&tenure.work, &parked.stream, Sequence(4), &wish);
        assert!(noted.await.unwrap());
        lose();
        let past = step(4, Some(Sequence(5)));
        let held = rig
            .store
            .write(
                &tenure,
                &Update::Skip(Box::new(skipped.clone()), past.clone()),
                HOUR,
            )
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        let next = ReactionLetter {
            sequence: Sequence(5),
            id: Some(Uuid::now_v7()),
            ..parked.clone()
        };
        lose();
        let held = rig
            .store
            .write(&tenure, &Update::ParkAgain(Box::new(next.clone())), HOUR)
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        lose();
        let held = rig
            .store
            .write(&tenure, &Update::Advance(step(5, None)), HOUR)
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        let closed = rig
            .other
            .reaction_letters(&LetterFilter::default(), 9)
            .await;
        let closed = closed.unwrap();
        assert_eq!(closed[0], skipped);
        let ids: Vec<_> = closed.iter().map(|letter| letter.id).collect();
        assert_eq!(ids, [parked.id, next.id]);
        assert_eq!(closed[1].status, LetterStatus::Resolved);
        assert_eq!(rig.other.parked(None).await.unwrap(), []);
        assert_eq!(checkpoint(&rig).await.at.position, Position(2));
    }
}

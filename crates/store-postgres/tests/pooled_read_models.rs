//! Read models behind PgBouncer in transaction mode, which is killed while they are written.

mod support;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, CheckpointStore, EventStore, Hold, LogPartition, Owner, Position,
    ReactionError, ReadModel, ReadModelStore, ReadModelTables, ReadModelVersion, RecordedEvent,
    Sequence, Share, Step, Taking, Tenure, VersionError, VersionStore, Work,
};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use sqlx::{AssertSqlSafe, PgConnection};
use support::Schema;
use support::pgbouncer::PgBouncer;
use support::samples::append;
use tokio::task::JoinHandle;

const STREAMS: usize = 6;
const RESTARTS: usize = 5;

/// A read model of how many events each stream has.
struct Totals<const VERSION: u32>;

impl<const VERSION: u32> ReadModel<PgConnection> for Totals<VERSION> {
    const NAME: &'static str = "totals";
    const VERSION: u32 = VERSION;

    async fn create(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let table = tables.name("totals");
        let create = format!("CREATE TABLE {table} (root uuid PRIMARY KEY, events bigint)");
        let create = sqlx::raw_sql(AssertSqlSafe(create));
        create.execute(connection).await?;
        Ok(())
    }

    /// With parameters, so that the driver would like to keep the statement prepared.
    async fn project(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let upsert = format!(
            "INSERT INTO {} AS t (root, events) VALUES ($1, $2)
             ON CONFLICT (root) DO UPDATE SET events = t.events + excluded.events",
            tables.name("totals")
        );
        for event in events {
            let upsert = sqlx::query(AssertSqlSafe(upsert.clone()));
            let upsert = upsert.bind(event.stream.root).bind(1_i64);
            upsert.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

fn version(version: u32) -> ReadModelVersion {
    ReadModelVersion::new("totals", version).unwrap()
}

/// Until somebody answers.
async fn take(store: &PostgresStore, version: &ReadModelVersion) -> Tenure {
    let work = Work {
        component: version.component(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    let owner = Owner::new("one");
    let taken = async {
        loop {
            let taking = store.take(&work, &owner, Duration::ZERO);
            if let Ok(Taking::Taken(tenure)) = taking.await {
                return tenure;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let taken = tokio::time::timeout(Duration::from_secs(60), taken).await;
    taken.expect("somebody answers")
}

/// Takes all events in, three at a time. A step that fails may have been done: the checkpoint tells.
async fn feed<const VERSION: u32>(
    store: PostgresStore,
    tables: ReadModelTables,
    events: Arc<[RecordedEvent]>,
    steps: Arc<AtomicUsize>,
) {
    let version = version(VERSION);
    let mut tenure = take(&store, &version).await;
    loop {
        let new = events
            .iter()
            .filter(|event| event.position > tenure.at.position);
        let batch: Vec<_> = new.take(3).collect();
        let Some(last) = batch.last() else { return };
        let step = Step {
            tenure: &tenure,
            events: &batch,
            advance: &Advance::Checkpoint(Bookmark::at(last.position)),
            lease: Duration::ZERO,
            deepest: u32::MAX,
        };
        match store.project(&Totals::<VERSION>, &tables, step).await {
            Ok(Hold::Held) => tenure.at.position = last.position,
            Ok(Hold::Lost) | Err(ReactionError::Store(_)) => tenure = take(&store, &version).await,
            Err(error) => panic!("{error}"),
        }
        steps.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_counts_once_whatever_the_pooler_does() {
    let (schema, mut pooler) = (Schema::new(), PgBouncer::start());
    let store = PostgresStore::open(&pooler.url(&schema)).await.unwrap();
    for number in 0..STREAMS {
        let (stream, mut current) = (new_stream(), None);
        for _ in 0..20 {
            let batch = vec![append(&stream, current, number + 1)];
            store.append(batch).await.unwrap();
            current = Sequence::advance(current, number + 1).unwrap();
        }
    }
    let events = store.read_log(LogPartition::FIRST, Position::START, 1000);
    let events: Arc<[_]> = events.await.unwrap().events.into();
    assert_eq!(events.len(), 420);

    let first = store.register(&Totals::<1>).await.unwrap();
    let second = store.register(&Totals::<2>).await.unwrap();
    let steps = Arc::<AtomicUsize>::default();
    // Both at once: each has a connection of the server for a transaction at a time.
    let feeds = [
        tokio::spawn(feed::<1>(
            store.clone(),
            first,
            Arc::clone(&events),
            Arc::clone(&steps),
        )),
        tokio::spawn(feed::<2>(
            store.clone(),
            second,
            Arc::clone(&events),
            Arc::clone(&steps),
        )),
    ];
    for round in 0..RESTARTS {
        let until = (round + 1) * 30;
        // One that has failed takes no more steps, and says why below.
        let fails = || feeds.iter().any(JoinHandle::is_finished);
        while steps.load(Ordering::Relaxed) < until && !fails() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        pooler.restart();
    }
    for feed in feeds {
        feed.await.unwrap();
    }

    let all = store.versions(None).await.unwrap();
    for status in &all {
        assert_eq!(status.checkpoints[0].at.position, Position(420));
    }
    let query = |tables: &ReadModelTables| tables.select("totals", &[]);
    let comparison = store.compare(&version(2), &query).await.unwrap();
    assert!(
        comparison.at_same_position && comparison.is_equal(),
        "{comparison:?}"
    );
    // What the first shows against what the log says.
    let counts = format!(
        "SELECT root, count(*) FROM {}.seriatim_events GROUP BY root",
        schema.name()
    );
    let query = move |tables: &ReadModelTables| match tables.bare_name("totals").as_str() {
        "totals_v1" => tables.select("totals", &[]),
        _ => counts.clone(),
    };
    let comparison = store.compare(&version(2), &query).await.unwrap();
    assert!(comparison.is_equal(), "{comparison:?}");
    assert_eq!(comparison.rows, STREAMS as u64);

    store.switch(&version(2)).await.unwrap();
    store.drop_version(&version(1)).await.unwrap();
    let gone = store.drop_version(&version(1)).await.unwrap_err();
    assert!(matches!(gone, VersionError::Unknown { .. }), "{gone}");
    assert_eq!(store.versions(None).await.unwrap().len(), 1);
}

//! Loads that are taken together into one statement give what they give one by one.

mod support;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use seriatim_core::{
    Domain, EventStore, Fingerprint, Load, Loaded, Sequence, Shape, Snapshot, SnapshotStore,
    StreamId,
};
use seriatim_store_postgres::PostgresStore;
use seriatim_testkit::conformance::new_stream;
use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use support::samples::append;
use support::{Schema, execute, server};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Longer than what one statement for many streams gives of each.
const LONG: usize = 700;

struct Rig {
    schema: Schema,
    writer: PostgresStore,
    store: PostgresStore,
}

/// Two handles, the second of which has read nothing yet.
async fn start() -> Rig {
    let schema = Schema::new();
    let writer = PostgresStore::open(&schema.url()).await.unwrap();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    Rig {
        schema,
        writer,
        store,
    }
}

/// Streams of two domains and of many lengths, some with snapshots, and some that are missing.
async fn fill(store: &PostgresStore, random: &mut Random) -> Vec<StreamId> {
    let mut streams = Vec::new();
    for number in 0..60 {
        let domain = ["exam", "other"][random.below(2)];
        let stream = StreamId::new(Domain::new(domain).unwrap(), Uuid::now_v7());
        let length = match number {
            0 => LONG,
            1..=6 => 0,
            _ => 1 + random.below(40),
        };
        streams.push(stream.clone());
        if length == 0 {
            continue;
        }
        store
            .append(vec![append(&stream, None, length)])
            .await
            .unwrap();
        for _ in 0..random.below(3) {
            let sequence = Sequence(random.below(length) as u32);
            let event = store.read_stream(&stream, sequence, 1).await.unwrap();
            let snapshot = Snapshot {
                fingerprint: Fingerprint(1 + random.below(2) as u64),
                shape: Shape(random.below(2) as u64),
                sequence,
                event: event[0].id,
                state: format!(r#"{{"of":"{stream}"}}"#).into(),
            };
            store.save_snapshot(&stream, snapshot).await.unwrap();
        }
    }
    let unknown = Domain::new("unknown").unwrap();
    streams.push(StreamId::new(unknown, Uuid::now_v7()));
    streams
}

fn any_load(streams: &[StreamId], random: &mut Random) -> Load {
    Load {
        stream: streams[random.below(streams.len())].clone(),
        through: (random.below(2) == 0).then(|| Sequence(random.below(50) as u32)),
        snapshots: (random.below(3) > 0).then(|| Fingerprint(1 + random.below(2) as u64)),
    }
}

fn all_at_once(store: &PostgresStore, loads: &[Load]) -> JoinSet<(usize, Loaded)> {
    let loads = loads.iter().cloned().enumerate();
    loads
        .map(|(place, load)| {
            let store = store.clone();
            async move { (place, store.load(load).await.unwrap()) }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_at_once_equal_loads_one_by_one() {
    let rig = start().await;
    let mut random = Random::new();
    let streams = fill(&rig.writer, &mut random).await;
    for round in 0..20 {
        let loads: Vec<_> = (0..150).map(|_| any_load(&streams, &mut random)).collect();
        let mut loading = all_at_once(&rig.store, &loads);
        while let Some(loaded) = loading.join_next().await {
            let (place, together) = loaded.unwrap();
            let load = &loads[place];
            let alone = rig.writer.load(load.clone()).await.unwrap();
            assert_eq!(together, alone, "{load:?}, round {round}, {}", random.seed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_stream_among_short_ones_is_loaded_whole() {
    let rig = start().await;
    let mut streams: Vec<_> = (0..100).map(|_| new_stream()).collect();
    for (number, stream) in streams.iter().enumerate() {
        let length = if number % 25 == 3 { LONG } else { 2 };
        let batch = vec![append(stream, None, length)];
        rig.writer.append(batch).await.unwrap();
    }
    let load = |stream: StreamId| Load {
        stream,
        through: None,
        snapshots: Some(Fingerprint(1)),
    };
    let loads: Vec<_> = streams.drain(..).map(load).collect();
    let mut loading = all_at_once(&rig.store, &loads);
    while let Some(loaded) = loading.join_next().await {
        let (place, loaded) = loaded.unwrap();
        let length = if place % 25 == 3 { LONG } else { 2 };
        assert_eq!(loaded.payloads.len(), length);
    }
}

/// One has an event that no program has written, one a hole.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_read_fails_alone() {
    let rig = start().await;
    let streams: Vec<_> = (0..100).map(|_| new_stream()).collect();
    for stream in &streams {
        let batch = vec![append(stream, None, 3)];
        rig.writer.append(batch).await.unwrap();
    }
    let (unreadable, holed) = (&streams[50], &streams[60]);
    let schema = rig.schema.name();
    for damage in [
        format!(
            "UPDATE {schema}.seriatim_events SET codec = 77 WHERE root = '{}'",
            unreadable.root
        ),
        format!(
            "DELETE FROM {schema}.seriatim_events WHERE sequence = 1 AND root = '{}'",
            holed.root
        ),
    ] {
        execute(&server(), &damage).await.unwrap();
    }
    let mut loading = JoinSet::new();
    for stream in streams.clone() {
        let store = rig.store.clone();
        loading.spawn(async move {
            let load = Load {
                stream: stream.clone(),
                through: None,
                snapshots: None,
            };
            (stream, store.load(load).await)
        });
    }
    while let Some(loaded) = loading.join_next().await {
        let (stream, loaded) = loaded.unwrap();
        let is_damaged = stream == *unreadable || stream == *holed;
        assert_eq!(loaded.is_err(), is_damaged, "{stream}: {loaded:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_survive_connections_that_are_lost_in_the_middle() {
    let rig = start().await;
    let streams: Vec<_> = (0..64).map(|_| new_stream()).collect();
    for stream in &streams {
        let batch = vec![append(stream, None, 3)];
        rig.writer.append(batch).await.unwrap();
    }
    let loads: Vec<_> = streams
        .iter()
        .map(|stream| Load {
            stream: stream.clone(),
            through: None,
            snapshots: None,
        })
        .collect();
    for round in 0..20 {
        let name = format!("{}-{round}", rig.schema.name());
        let url = format!("{}&application_name={name}", rig.schema.url());
        // A new store: what is lost is asked again once, so no connection may be dead before.
        let store = PostgresStore::open(&url).await.unwrap();
        assert_all_load(all_at_once(&store, &loads)).await;
        let loading = all_at_once(&store, &loads);
        terminate(&name).await;
        assert_all_load(loading).await;
    }
}

async fn assert_all_load(mut loading: JoinSet<(usize, Loaded)>) {
    while let Some(loaded) = loading.join_next().await {
        assert_eq!(loaded.unwrap().1.payloads.len(), 3);
    }
}

/// Ends those that were there before; what comes anew stays.
async fn terminate(application: &str) {
    let options: PgConnectOptions = server().parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let terminate = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{application}'"
    );
    let ended = sqlx::raw_sql(AssertSqlSafe(terminate));
    ended.fetch_all(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_leave_the_others_alone() {
    let rig = start().await;
    let streams: Vec<_> = (0..64).map(|_| new_stream()).collect();
    for stream in &streams {
        let batch = vec![append(stream, None, 3)];
        rig.writer.append(batch).await.unwrap();
    }
    let mut random = Random::new();
    for _ in 0..50 {
        let mut loading = Vec::new();
        for stream in streams.clone() {
            let store = rig.store.clone();
            loading.push(tokio::spawn(async move {
                let load = Load {
                    stream,
                    through: None,
                    snapshots: Some(Fingerprint(1)),
                };
                store.load(load).await.unwrap().payloads.len()
            }));
        }
        // Any, the ones whose statement is on its way included.
        let (gone, staying): (Vec<_>, Vec<_>) =
            loading.into_iter().partition(|_| random.below(2) == 0);
        tokio::task::yield_now().await;
        for load in &gone {
            load.abort();
        }
        for load in staying {
            assert_eq!(load.await.unwrap(), 3);
        }
    }
}

/// Different in every run; a failure names its seed.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn new() -> Self {
        let seed = RandomState::new().hash_one(0);
        Self { seed, state: seed }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.state >> 33) as usize % limit
    }
}

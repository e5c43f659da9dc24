//! Measures the store against a bare loop of rusqlite that does the least there is to do, in alternating rounds:
//! `cargo run --release -p seriatim-store-sqlite --example measure`.
//!
//! Only the ratios mean anything. `crates/bench` measures what users see; this is for work on the store itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use seriatim_core::{
    Append, Domain, EventStore, Load, Metadata, NewEvent, Payload, Sequence, StreamId, Write,
};
use seriatim_store_sqlite::SqliteStore;
use uuid::Uuid;

const ROUNDS: usize = 7;
const BATCHES: usize = 100;
const STREAMS: usize = 5_000;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let store = SqliteStore::open_file(&folder.path().join("store.db"))
        .await
        .expect("the store opens");
    let mut bare = Bare::open(&folder.path().join("bare.db"));
    if wanted("append") {
        measure_appends(&store, &mut bare).await;
    }
    if wanted("load") {
        measure_loads(&store, &mut bare).await;
    }
}

/// Both by default, or what the command line names.
fn wanted(what: &str) -> bool {
    std::env::args().len() == 1 || std::env::args().any(|argument| argument == what)
}

async fn measure_appends(store: &SqliteStore, bare: &mut Bare) {
    for batch in [1, 100, 1000] {
        let mut figures = Figures::default();
        for _ in 0..ROUNDS {
            let count = batch * BATCHES / batch.min(10);
            let roots: Vec<_> = (0..count).map(|_| Uuid::now_v7()).collect();
            figures.bare.push(bare.append_new(&roots, batch));
            figures.store.push(append_new(store, &roots, batch).await);
        }
        figures.print(&format!("append, new streams, batches of {batch}"));
    }
    let roots: Vec<_> = (0..STREAMS).map(|_| Uuid::now_v7()).collect();
    bare.append_new(&roots, 1000);
    append_new(store, &roots, 1000).await;
    for batch in [1, 100, 1000] {
        let mut figures = Figures::default();
        for round in 0..ROUNDS {
            figures.bare.push(bare.append_warm(&roots, batch, round));
            figures.store.push(append_warm(store, &roots, batch).await);
        }
        figures.print(&format!("append, warm streams, batches of {batch}"));
    }
}

async fn measure_loads(store: &SqliteStore, bare: &mut Bare) {
    for count in [10, 100, 1000] {
        let root = Uuid::now_v7();
        for sequence in 0..count {
            bare.insert(&[(root, sequence)]);
            let append = append_to(root, sequence.checked_sub(1).map(Sequence));
            store.append(vec![append]).await.expect("it is written");
        }
        let mut figures = Figures::default();
        for _ in 0..ROUNDS {
            figures.bare.push(bare.load(root));
            figures.store.push(load(store, root).await);
        }
        figures.print(&format!("load a stream of {count}"));
    }
}

fn stream(root: Uuid) -> StreamId {
    StreamId::new(Domain::new("account").expect("a domain"), root)
}

fn append_to(root: Uuid, after: Option<Sequence>) -> Append {
    let event = NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("Deposited", vec![b'p'; 200]),
        metadata: Arc::new(Metadata {
            correlation_id: Some("0192d3a4-5b6c-7d8e-9f00-112233445566".into()),
            causation_id: Some(root),
            ..Metadata::default()
        }),
    };
    Append {
        stream: stream(root),
        write: Write::Events {
            after,
            last: None,
            events: Arc::new([event]),
        },
        claim: None,
        beside: Vec::new(),
    }
}

async fn append_new(store: &SqliteStore, roots: &[Uuid], batch: usize) -> f64 {
    append_all(store, roots, batch, &|_| None).await
}

async fn append_warm(store: &SqliteStore, roots: &[Uuid], batch: usize) -> f64 {
    let summaries = store.streams(None, None, usize::MAX).await.expect("a list");
    let current: std::collections::HashMap<_, _> = summaries
        .into_iter()
        .map(|summary| (summary.stream.root, summary.current))
        .collect();
    let roots = &roots[..roots.len().min(batch * BATCHES)];
    append_all(store, roots, batch, &|root| current.get(root).copied()).await
}

async fn append_all(
    store: &SqliteStore,
    roots: &[Uuid],
    batch: usize,
    after: &dyn Fn(&Uuid) -> Option<Sequence>,
) -> f64 {
    let mut taken = Duration::ZERO;
    for roots in roots.chunks(batch) {
        let appends = roots
            .iter()
            .map(|root| append_to(*root, after(root)))
            .collect();
        let start = Instant::now();
        let outcomes = store.append(appends).await.expect("it is written");
        taken += start.elapsed();
        let written = |outcome| matches!(outcome, &seriatim_core::AppendOutcome::Written { .. });
        assert!(outcomes.iter().all(written));
    }
    roots.len() as f64 / taken.as_secs_f64()
}

async fn load(store: &SqliteStore, root: Uuid) -> f64 {
    let start = Instant::now();
    let mut events = 0;
    while events < 100_000 {
        let load = Load {
            stream: stream(root),
            through: None,
            snapshots: None,
        };
        events += store.load(load).await.expect("it is read").payloads.len();
    }
    events as f64 / start.elapsed().as_secs_f64()
}

/// The same events in one table with one unique index, and nothing else.
struct Bare {
    connection: Connection,
}

impl Bare {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("the file opens");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536;
                 CREATE TABLE events (position INTEGER PRIMARY KEY, root BLOB NOT NULL,
                    sequence INTEGER NOT NULL, data BLOB NOT NULL, metadata BLOB NOT NULL) STRICT;
                 CREATE UNIQUE INDEX events_root_sequence ON events (root, sequence)",
            )
            .expect("the table is made");
        Self { connection }
    }

    fn insert(&mut self, places: &[(Uuid, u32)]) {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .expect("nobody else writes");
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO events (root, sequence, data, metadata) VALUES (?, ?, ?, ?)",
            )
            .expect("the table is there");
        for (root, sequence) in places {
            let row = params![root.as_bytes(), sequence, [b'p'; 200], [b'm'; 100]];
            insert.execute(row).expect("no conflict");
        }
        drop(insert);
        transaction.commit().expect("there is space");
    }

    fn append_new(&mut self, roots: &[Uuid], batch: usize) -> f64 {
        self.append(roots, batch, 0)
    }

    fn append_warm(&mut self, roots: &[Uuid], batch: usize, round: usize) -> f64 {
        let roots = &roots[..roots.len().min(batch * BATCHES)];
        let rounds_before = match batch {
            1 => 0,
            100 => ROUNDS,
            _ => 2 * ROUNDS,
        };
        let sequence = u32::try_from(1 + rounds_before + round).expect("few rounds");
        self.append(roots, batch, sequence)
    }

    fn append(&mut self, roots: &[Uuid], batch: usize, sequence: u32) -> f64 {
        let start = Instant::now();
        for roots in roots.chunks(batch) {
            let places: Vec<_> = roots.iter().map(|root| (*root, sequence)).collect();
            self.insert(&places);
        }
        roots.len() as f64 / start.elapsed().as_secs_f64()
    }

    fn load(&self, root: Uuid) -> f64 {
        let start = Instant::now();
        let mut events = 0;
        while events < 100_000 {
            let mut select = self
                .connection
                .prepare_cached("SELECT data FROM events WHERE root = ? ORDER BY sequence")
                .expect("the table is there");
            let rows = select.query_map([root.as_bytes()], |row| row.get::<_, Vec<u8>>(0));
            events += rows.expect("it is read").filter_map(Result::ok).count();
        }
        events as f64 / start.elapsed().as_secs_f64()
    }
}

#[derive(Default)]
struct Figures {
    bare: Vec<f64>,
    store: Vec<f64>,
}

impl Figures {
    fn print(&mut self, what: &str) {
        let [bare, store] = [&mut self.bare, &mut self.store].map(|figures| {
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        });
        println!(
            "{what:40} {store:>10.0}/s, bare {bare:>10.0}/s: {:.2}",
            store / bare
        );
    }
}

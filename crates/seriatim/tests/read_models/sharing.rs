//! Processes that share the work of one read model, while they come, go, and are killed.
//!
//! The processes are this test program itself, told a database by an environment variable.

use std::collections::BTreeSet;
use std::error::Error;
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use seriatim::core::{CheckpointStore, Component, LogPartition, RecordedEvent};
use seriatim::prelude::*;
use seriatim::sqlx::{self, AssertSqlSafe, PgConnection, SqliteConnection};
use seriatim::{
    AppBuilder, ReactionSettings, ReadModel, ReadModelStore, ReadModelTables, ReadModelVersion,
};
use tokio::io::AsyncReadExt;

use crate::account::{Account, Do, root};
use crate::databases::{Database, Postgres, Sqlite, app, until};

const DATABASE: &str = "SERIATIM_TEST_SHARING";
const SHARES: NonZero<u16> = NonZero::new(8).unwrap();
const ACCOUNTS: usize = 40;

/// A projector that notes which process has handled which event. It fails on an event that comes twice, or before the
/// one that precedes it.
struct Journal {
    process: String,
}

impl Journal {
    fn version() -> ReadModelVersion {
        ReadModelVersion::new("journal", 1).unwrap()
    }

    fn component() -> Component {
        Self::version().component()
    }
}

macro_rules! journal_on {
    ($connection:ty) => {
        impl ReadModel<$connection> for Journal {
            const NAME: &'static str = "journal";
            const VERSION: u32 = 1;
            const TABLES: &'static [&'static str] = &["streams", "handled"];

            async fn create(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let (streams, handled) = (tables.name("streams"), tables.name("handled"));
                for statement in [
                    format!("CREATE TABLE {streams} (root text PRIMARY KEY, next bigint NOT NULL)"),
                    format!(
                        "CREATE TABLE {handled} (root text, sequence bigint, process text NOT NULL,
                         PRIMARY KEY (root, sequence))"
                    ),
                ] {
                    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
                    statement.execute(&mut *connection).await?;
                }
                Ok(())
            }

            async fn project(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
                events: &[&RecordedEvent],
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let (streams, handled) = (tables.name("streams"), tables.name("handled"));
                let begin = format!("INSERT INTO {streams} (root, next) VALUES ($1, 1 + $2)");
                let go_on = format!("UPDATE {streams} SET next = 1 + $2 WHERE root = $1 AND next = $2");
                let note =
                    format!("INSERT INTO {handled} (root, sequence, process) VALUES ($1, $2, $3)");
                for event in events {
                    let root = event.stream.root.to_string();
                    let sequence = i64::from(event.sequence.0);
                    let turn = if sequence == 0 { begin.clone() } else { go_on.clone() };
                    let turn = sqlx::query(AssertSqlSafe(turn)).bind(&root).bind(sequence);
                    if turn.execute(&mut *connection).await?.rows_affected() != 1 {
                        return Err(format!("{sequence} of {root} is out of turn").into());
                    }
                    let note = sqlx::query(AssertSqlSafe(note.clone()));
                    let note = note.bind(&root).bind(sequence).bind(&self.process);
                    note.execute(&mut *connection).await?;
                }
                Ok(())
            }
        }
    };
}

journal_on!(PgConnection);
journal_on!(SqliteConnection);

async fn processes_share_the_work_while_they_come_and_go<D: Database>(process: &str)
where
    Journal: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let log = database.app().await.start().await.unwrap();
    let writer = Writer::start(log.clone());
    let all = |of: &[&Process]| BTreeSet::from_iter(of.iter().map(|process| process.id()));

    let first = Process::start(process, &database);
    shared(&store, &all(&[&first]), &[8]).await;
    let second = Process::start(process, &database);
    shared(&store, &all(&[&first, &second]), &[4, 4]).await;
    writer.writes_more(100).await;
    let third = Process::start(process, &database);
    shared(&store, &all(&[&first, &second, &third]), &[2, 3, 3]).await;
    writer.writes_more(100).await;
    let killed = second.id();
    drop(second);
    shared(&store, &all(&[&first, &third]), &[4, 4]).await;
    writer.writes_more(100).await;
    let ended = first.id();
    first.end().await;
    shared(&store, &all(&[&third]), &[8]).await;
    writer.writes_more(20).await;

    let written = writer.stop().await;
    let handled = |condition: &str| {
        let table = format!("{}handled_v1", database.prefix());
        format!("SELECT 'events', count(*) FROM {table} {condition}")
    };
    let head = log.coordinator().store().head(LogPartition::FIRST);
    let head = head.await.unwrap();
    // Who fails on an event that another has handled stays behind.
    until("all is handled", async || {
        let all = store.checkpoints(None).await.unwrap();
        all.iter().all(|one| one.at.position == head)
    })
    .await;
    assert_eq!(store.parked(None).await.unwrap(), []);
    let rows = database.rows(&handled("")).await;
    assert_eq!(rows, [("events".to_owned(), written as i64)]);
    for id in [killed, ended, third.id()] {
        let its = handled(&format!("WHERE process = '{id}'"));
        let rows = database.rows(&its).await;
        assert!(rows[0].1 > 0, "process {id} has done its part");
    }
    log.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_the_work_on_postgres_while_they_come_and_go() {
    processes_share_the_work_while_they_come_and_go::<Postgres>("sharing::on_postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_the_work_on_sqlite_while_they_come_and_go() {
    processes_share_the_work_while_they_come_and_go::<Sqlite>("sharing::on_sqlite").await;
}

/// With another number its progress would be another, and its tables would show every event again.
async fn a_version_keeps_its_number_of_shares<D: Database>()
where
    Journal: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let store = database.store().await;
    let journal = |app: AppBuilder, shares: u16| {
        let process = "here".into();
        let app = app.read_model(&store, Journal { process });
        app.shares(Journal::component().as_str(), NonZero::new(shares).unwrap())
    };
    let app = journal(database.app().await, 2).start().await.unwrap();
    shared(&store, &BTreeSet::from([std::process::id()]), &[2]).await;
    app.shutdown().await.unwrap();
    // Somebody was at work.
    let writer = Writer::start(database.app().await.start().await.unwrap());
    writer.writes_more(10).await;
    writer.stop().await;
    let app = journal(database.app().await, 2).start().await.unwrap();
    until("there is progress", async || {
        let all = store.checkpoints(None).await.unwrap();
        all.iter().any(|one| one.at.position.0 > 0)
    })
    .await;
    app.shutdown().await.unwrap();

    let app = journal(database.app().await, 3).start().await.unwrap();
    let refuses = |status: &seriatim::PieceStatus| matches!(&status.state, seriatim::PieceState::CannotBegin { error } if error.contains("2 shares; take that number"));
    until("it refuses", async || {
        app.reactions().status().iter().all(refuses)
    })
    .await;
    app.shutdown().await.unwrap();
    let all = store.checkpoints(None).await.unwrap();
    let of_three = all.iter().filter(|one| one.work.share.count().get() == 3);
    assert!(of_three.clone().count() > 0, "they were tried");
    for refused in of_three {
        assert_eq!((refused.at.position.0, &refused.owner), (0, &None));
    }
}

#[tokio::test]
async fn a_version_on_postgres_keeps_its_number_of_shares() {
    a_version_keeps_its_number_of_shares::<Postgres>().await;
}

#[tokio::test]
async fn a_version_on_sqlite_keeps_its_number_of_shares() {
    a_version_keeps_its_number_of_shares::<Sqlite>().await;
}

/// Waits until all pieces are shared so by these processes, whoever has how many.
async fn shared<S: ReadModelStore>(store: &S, processes: &BTreeSet<u32>, parts: &[usize]) {
    let component = Journal::component();
    until(&format!("{processes:?} share as {parts:?}"), async || {
        let all = store.checkpoints(Some(&component)).await.unwrap();
        let owners = all.iter().filter_map(|one| one.owner.as_deref());
        let owners = owners.filter_map(|owner| owner.strip_prefix("process ")?.parse().ok());
        let owners: Vec<u32> = owners.collect();
        let counts = processes.iter().map(|id| {
            let its = owners.iter().filter(|owner| *owner == id);
            its.count()
        });
        let mut counts = Vec::from_iter(counts);
        counts.sort_unstable();
        counts == parts
    })
    .await;
}

/// Deposits into accounts in turn, until it is stopped.
struct Writer {
    written: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Writer {
    fn start(log: App) -> Self {
        let (written, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, stopped) = (Arc::clone(&written), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let deposit = Do::Deposit { cents: 1 };
                let sent = log.of::<Account>(root(number % ACCOUNTS)).send(deposit);
                sent.await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        Self {
            written,
            stop,
            task,
        }
    }

    async fn writes_more(&self, count: usize) {
        let enough = self.written.load(Ordering::Relaxed) + count;
        until("more is written", async || {
            self.written.load(Ordering::Relaxed) >= enough
        })
        .await;
    }

    /// Stops the writer. Returns how many events it has written.
    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.written.load(Ordering::Relaxed)
    }
}

/// Killed when it is dropped: a test that fails leaves none of them behind.
struct Process(Child);

impl Process {
    fn start<D: Database>(process: &str, database: &D) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", process, "--nocapture"]);
        command.env(DATABASE, database.url());
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    /// It hears that it is to end, and does so by itself.
    async fn end(mut self) {
        drop(self.0.stdin.take());
        until("it has ended", async || {
            self.0.try_wait().unwrap().is_some()
        })
        .await;
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a child process on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn on_postgres() {
    be_one::<Postgres>().await;
}

/// Runs a child process on SQLite.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of other tests"]
async fn on_sqlite() {
    be_one::<Sqlite>().await;
}

async fn be_one<D: Database>()
where
    Journal: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let url = std::env::var(DATABASE).expect("the test that starts it says where");
    let store = D::open(&url).await;
    let process = std::process::id().to_string();
    let settings = ReactionSettings {
        lease: Duration::from_secs(1),
        ..ReactionSettings::default()
    };
    let app = app(&D::log_url(&url)).await.reaction_settings(settings);
    let app = app.read_model(&store, Journal { process });
    let app = app.shares(Journal::component().as_str(), SHARES);
    let app = app.start().await.unwrap();
    // Until it is told to end.
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    app.shutdown().await.unwrap();
}

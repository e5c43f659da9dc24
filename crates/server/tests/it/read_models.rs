//! Checks that those who run read models can list, compare, switch and drop them over the wire.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    CompareTables, Log, ReadModel, ReadModelOverview, ReadModelTables, ReadModelVersion,
    RecordedEvent, StreamId, VersionError, VersionStanding,
};
use seriatim_proto::{CallError, Client, v1};
use seriatim_runtime::{Enrolled, ExactlyOnce, Feed, ReactionSettings, Reactions};
use seriatim_store_sqlite::SqliteStore;
use seriatim_store_sqlite::sqlx::{self, AssertSqlSafe, SqliteConnection};
use tempfile::TempDir;
use tonic::Code;
use v1::admin_service_client::AdminServiceClient;

use crate::rig::*;

/// A read model of how many events each stream has. The third version has a table more, and counts wrongly.
struct Counts<const VERSION: u32>;

impl<const VERSION: u32> ReadModel<SqliteConnection> for Counts<VERSION> {
    const NAME: &'static str = "counts";
    const VERSION: u32 = VERSION;
    const TABLES: &'static [&'static str] = match VERSION {
        3 => &["counts", "notes"],
        _ => &["counts"],
    };

    async fn create(
        &self,
        connection: &mut SqliteConnection,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        for table in tables.names() {
            let create = format!("CREATE TABLE {table} (root TEXT PRIMARY KEY, events INTEGER)");
            let create = sqlx::raw_sql(AssertSqlSafe(create));
            create.execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn project(
        &self,
        connection: &mut SqliteConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let upsert = format!(
            "INSERT INTO {} AS c VALUES (?, ?)
             ON CONFLICT DO UPDATE SET events = c.events + excluded.events",
            tables.name("counts")
        );
        for event in events {
            let more = if VERSION == 3 { 2 } else { 1 };
            let upsert = sqlx::query(AssertSqlSafe(upsert.clone()));
            let upsert = upsert.bind(event.stream.root.to_string()).bind(more);
            upsert.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

struct Stage {
    rig: Rig,
    client: Client,
    stream: StreamId,
    _folder: TempDir,
}

fn version(version: u32) -> ReadModelVersion {
    ReadModelVersion::new("counts", version).unwrap()
}

/// Starts three versions of a read model, in another database than the four events.
async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteStore::open_file(&folder.path().join("log.db")).await;
    let log = Arc::new(log.unwrap());
    let models = SqliteStore::open_file(&folder.path().join("read.db")).await;
    let models = models.unwrap();
    let feed = Feed::new(Log::as_stored(Arc::clone(&log) as _));
    let components = vec![
        enrolled(&models, Counts::<1>).await,
        enrolled(&models, Counts::<2>).await,
        enrolled(&models, Counts::<3>).await,
    ];
    let reactions = Reactions::start(&feed, components, &ReactionSettings::default());
    let rig = Rig::start_on_store(log, |server| server.reactions(Arc::new(reactions))).await;
    let stream = rig.till_with(&[("Label", r#"{"label":"a"}"#)]).await;
    for label in ["b", "c", "d"] {
        let label = format!(r#"{{"label":"{label}"}}"#);
        rig.submit(ask(&stream, "Label", &label)).await;
    }
    let client = Client::connect(&rig.url, Duration::from_secs(60)).await;
    Stage {
        rig,
        client: client.unwrap(),
        stream,
        _folder: folder,
    }
}

async fn enrolled<M: ReadModel<SqliteConnection>>(models: &SqliteStore, model: M) -> Enrolled {
    let reaction = ExactlyOnce::register(models.clone(), model).await;
    Enrolled::new(Arc::new(reaction.unwrap()))
}

impl Stage {
    /// Waits until all versions have handled all events. Returns them.
    async fn caught_up(&self) -> Vec<ReadModelOverview> {
        let mut all = Vec::new();
        until(async || {
            all = self.client.read_models(None).await.unwrap();
            all.iter().all(|one| one.progress.is_done())
        })
        .await;
        all
    }

    async fn standings(&self) -> Vec<(u32, VersionStanding)> {
        let all = self.client.read_models(Some("counts")).await.unwrap();
        let standing = |one: &ReadModelOverview| (one.version.version(), one.standing);
        all.iter().map(standing).collect()
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, CallError<VersionError>>) -> VersionError {
    match answer.unwrap_err() {
        CallError::Refused(refused) => refused,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn versions_are_listed_with_their_progress() {
    let stage = stage().await;
    let all = stage.caught_up().await;
    let second = &all[1];
    assert_eq!(second.version, version(2));
    assert_eq!(second.standing, VersionStanding::Building);
    assert_eq!(second.tables, ["counts_v2"]);
    assert_eq!((second.progress.handled, second.progress.of), (4, 4));
    assert!(second.progress.moved_at >= second.progress.begun_at);
    assert!(second.owners[0].starts_with("process "), "{second:?}");
    assert_eq!(second.paused, None);

    let unknown = refused(stage.client.read_models(Some("count")).await);
    assert!(
        matches!(&unknown, VersionError::UnknownModel { name, known } if name == "count" && *known == ["counts"]),
        "{unknown}"
    );
}

#[tokio::test]
async fn versions_are_compared_table_by_table() {
    let stage = stage().await;
    stage.caught_up().await;
    let compare = async |number, table: Option<&str>, columns: &[&str]| {
        let wanted = CompareTables {
            version: version(number),
            table: table.map(str::to_owned),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        };
        stage.client.compare_read_model(&wanted).await
    };
    let same = compare(2, None, &[]).await.unwrap();
    assert_eq!(same.live, version(1));
    assert!(
        same.is_equal() && same.tables[0].1.at_same_position,
        "{same:?}"
    );
    assert_eq!((same.tables[0].1.rows, same.tables.len()), (1, 1));

    let other = compare(3, None, &[]).await.unwrap();
    assert_eq!(other.only_in_one, ["notes"]);
    assert!(!other.is_equal());
    let (table, comparison) = &other.tables[0];
    assert_eq!(table, "counts");
    assert_eq!((comparison.only_live, comparison.only_other), (1, 1));
    // The version counts wrongly, but knows the same streams.
    let roots = compare(3, Some("counts"), &["root"]).await.unwrap();
    assert!(roots.is_equal(), "{roots:?}");

    let unknown = refused(compare(3, Some("notes"), &[]).await);
    assert!(
        matches!(&unknown, VersionError::UnknownTable { known, .. } if *known == ["counts"]),
        "{unknown}"
    );
    // Neither a column that does not exist nor SQL in its place is taken for a text that both have.
    for column in ["oops", "root\" FROM counts_v1 --"] {
        let unknown = refused(compare(2, Some("counts"), &[column]).await);
        let VersionError::Query { source } = &unknown else {
            panic!("{unknown}");
        };
        assert!(source.to_string().contains("no such column"), "{source}");
    }
}

#[tokio::test]
async fn a_version_is_switched_to_and_the_one_before_is_dropped() {
    let stage = stage().await;
    stage.caught_up().await;
    let live = refused(stage.client.drop_read_model(&version(1)).await);
    assert!(matches!(live, VersionError::Live { .. }), "{live}");
    stage.client.switch_read_model(&version(2)).await.unwrap();
    let standings = [
        (1, VersionStanding::Kept),
        (2, VersionStanding::Live),
        (3, VersionStanding::Building),
    ];
    assert_eq!(stage.standings().await, standings);
    stage.client.drop_read_model(&version(1)).await.unwrap();
    // Dropping a version ends its rebuild.
    stage.client.drop_read_model(&version(3)).await.unwrap();
    assert_eq!(stage.standings().await, [(2, VersionStanding::Live)]);
    for number in [1, 9] {
        let gone = refused(stage.client.switch_read_model(&version(number)).await);
        assert!(
            matches!(&gone, VersionError::Unknown { known, .. } if *known == [2]),
            "{gone}"
        );
    }
    // The live version goes on.
    let label = r#"{"label":"e"}"#;
    stage.rig.submit(ask(&stage.stream, "Label", label)).await;
    let all = stage.caught_up().await;
    assert_eq!(all[0].progress.handled, 5);
}

#[tokio::test]
async fn what_names_no_version_is_malformed() {
    let stage = stage().await;
    let mut admin = AdminServiceClient::new(stage.rig.channel.clone());
    for version in [None, Some(v1::ReadModelVersion::default())] {
        let request = v1::DropReadModelRequest { version };
        let status = admin.drop_read_model(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    }
}

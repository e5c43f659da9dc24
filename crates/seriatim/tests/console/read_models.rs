//! Versions of read models are shown, compared, switched to and dropped.

use std::error::Error;

use seriatim::prelude::*;
use seriatim::security::{Access, Policy, Tokens, Verb};
use seriatim::sqlx::{self, SqliteConnection};
use seriatim::{ReadModel, ReadModelTables, SqliteStore, TableSql};
use seriatim_testkit::until;
use tempfile::TempDir;

use crate::browser::{no_errors, page_without_scripts, shows};
use crate::client::Client;
use crate::server::{EVERYTHING, Server};
use crate::tab::{Do, Tab};

/// How many events each tab has. The third version counts them twice.
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
        let create = tables.sql("CREATE TABLE {counts} (root TEXT PRIMARY KEY, events INTEGER)");
        sqlx::raw_sql(create).execute(&mut *connection).await?;
        if VERSION == 3 {
            let create = tables.sql("CREATE TABLE {notes} (note TEXT)");
            sqlx::raw_sql(create).execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn project(
        &self,
        connection: &mut SqliteConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            let upsert = tables.sql(
                "INSERT INTO {counts} AS c VALUES (?, ?)
                 ON CONFLICT DO UPDATE SET events = c.events + excluded.events",
            );
            let upsert = sqlx::query(upsert).bind(event.stream.root.to_string());
            let more = if VERSION == 3 { 2 } else { 1 };
            upsert.bind(more).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

struct Stage {
    server: Server,
    root: Uuid,
    _folder: TempDir,
}

impl Stage {
    /// Starts three versions of a read model beside a log of two events, and waits for them.
    async fn new(access: Access) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("read.db");
        let store = SqliteStore::open_file(&file).await.unwrap();
        let server = Server::with(access, |app| {
            app.read_model(&store, Counts::<1>)
                .read_model(&store, Counts::<2>)
                .read_model(&store, Counts::<3>)
        });
        let stage = Self {
            server: server.await,
            root: Uuid::now_v7(),
            _folder: folder,
        };
        stage.note("one").await;
        stage.note("two").await;
        for version in 1..=3 {
            stage.handled(version, 2).await;
        }
        stage
    }

    async fn asking() -> Self {
        Self::new(Access::new(Policy::default(), Tokens::default())).await
    }

    async fn note(&self, note: &str) {
        let note = note.to_owned();
        let tab = self.server.app.of::<Tab>(self.root);
        tab.send(Do::Note { note }).await.unwrap();
    }

    async fn handled(&self, version: u32, events: u64) {
        until("it has handled them", async || {
            let all = self.server.app.reactions().read_models(None).await.unwrap();
            let mut all = all.iter();
            let found = all.find(|one| one.version.version() == version);
            found.unwrap().progress.handled == events
        })
        .await;
    }

    /// Returns the versions that there are, with their standings.
    async fn standings(&self) -> Vec<String> {
        let all = self.server.app.reactions().read_models(None).await.unwrap();
        all.iter()
            .map(|one| format!("{} {}", one.version.version(), one.standing))
            .collect()
    }

    fn operator(&self) -> Client {
        self.server.visitor("ann", &EVERYTHING)
    }
}

#[tokio::test]
async fn versions_are_compared_switched_to_and_dropped() {
    let stage = Stage::asking().await;
    let ann = stage.operator();
    let list = ann.get("/read-models").await;
    for version in ["counts.v1", "counts.v2", "counts.v3"] {
        assert!(list.says(&format!("href=\"/read-models/{version}\"")));
    }
    assert!(
        list.says("100 %, 2 of 2 events") && list.says("nothing left to do"),
        "{}",
        list.body
    );
    let same = ann.get("/read-models/counts.v2?compare=now").await;
    assert!(
        same.says("Compared with counts.v1") && same.says("They show the same."),
        "{}",
        same.body
    );
    let other = ann.get("/read-models/counts.v3?compare=now").await;
    assert!(
        other.says("They differ.")
            && other.says("data-side=\"Only here\">1<")
            && other.says("Only one of them has the table notes.")
            && !other.says("had not handled the same events"),
        "{}",
        other.body
    );

    let live = ann.post("/read-models/counts.v1/drop", &[]).await;
    assert_eq!(live.status, 409);
    assert!(live.says("role=\"alert\"") && live.says("switch to another one first"));
    let switched = ann.post("/read-models/counts.v2/switch", &[]).await;
    assert_eq!(
        (switched.status, switched.header("location")),
        (303, Some("/read-models/counts.v2"))
    );
    assert_eq!(stage.standings().await, ["1 kept", "2 live", "3 building"]);
    let shown = ann.get("/read-models/counts.v2").await;
    assert!(!shown.says("id=\"drop\"") && !shown.says("id=\"switch\""));
    let dropped = ann.post("/read-models/counts.v1/drop", &[]).await;
    assert_eq!(
        (dropped.status, dropped.header("location")),
        (303, Some("/read-models"))
    );
    assert_eq!(stage.standings().await, ["2 live", "3 building"]);
    assert!(!ann.get("/read-models").await.says("counts.v1"));
    for path in ["counts.v1", "counts.v01", "absent.v1", "till", "A%20B"] {
        let path = format!("/read-models/{path}");
        assert_eq!(ann.get(&path).await.status, 404, "{path}");
        for what in ["switch", "drop"] {
            let answer = ann.post(&format!("{path}/{what}"), &[]).await;
            assert_eq!(answer.status, 404, "{path}/{what}");
        }
    }
    let boss = stage.server.visitor("boss", &[Verb::Admin]);
    let operations = boss.get("/operations").await;
    assert!(operations.says("switch-read-model") && operations.says("drop-read-model"));
    assert!(operations.says("not done:"));
}

#[tokio::test]
async fn a_version_that_is_behind_says_so_and_is_not_switched_to() {
    // Nothing is recorded where nobody is asked, so the log has only the notes.
    let stage = Stage::new(Access::unasked()).await;
    let ann = stage.server.stranger();
    let jam = [("reason", "<b>jam</b>")];
    let paused = ann.post("/components/counts.v3/pause", &jam).await;
    assert_eq!(paused.status, 303);
    until("it has stopped", async || {
        let shown = ann.get("/read-models/counts.v3").await;
        shown.says("paused:</strong>") && shown.says("&#60;b&#62;jam&#60;/b&#62;")
    })
    .await;
    stage.note("three").await;
    stage.note("four").await;
    stage.handled(1, 4).await;

    let shown = ann.get("/read-models/counts.v3").await;
    assert!(
        shown.says("2 of 4</span> events") && shown.says("50 %") && shown.says(" left</dd>"),
        "{}",
        shown.body
    );
    assert_eq!(shown.header("refresh"), Some("2"));
    let live = ann.get("/read-models/counts.v1").await;
    assert_eq!(live.header("refresh"), None);
    let compared = ann.get("/read-models/counts.v3?compare=now").await;
    assert!(compared.says("had not handled the same events"));
    // Who reads the result must not lose it.
    assert_eq!(compared.header("refresh"), None);
    let refused = ann.post("/read-models/counts.v3/switch", &[]).await;
    assert_eq!((refused.status, refused.header("refresh")), (409, None));
    assert!(refused.says("role=\"alert\"") && refused.says("let it catch up"));
    assert_eq!(
        stage.standings().await,
        ["1 live", "2 building", "3 building"]
    );
}

#[tokio::test]
async fn who_may_not_operate_on_versions_only_sees_them() {
    let stage = Stage::asking().await;
    let looks = stage.server.visitor("looks", &[Verb::Observe]);
    let shown = looks.get("/read-models/counts.v2").await;
    assert!(shown.says("2 of 2</span> events"));
    for form in ["id=\"compare\"", "id=\"switch\"", "id=\"drop\""] {
        assert!(!shown.says(form), "{form}");
        let ann = stage.operator().get("/read-models/counts.v2").await;
        assert!(ann.says(form), "{form}");
    }
    let compared = looks.get("/read-models/counts.v2?compare=now").await;
    assert_eq!(compared.status, 403);
    assert!(!compared.says("They show the same"));
    for what in ["switch", "drop"] {
        let path = format!("/read-models/counts.v2/{what}");
        assert_eq!(looks.post(&path, &[]).await.status, 403);
    }
    assert_eq!(
        stage.standings().await,
        ["1 live", "2 building", "3 building"]
    );
    let reads = stage.server.visitor("reads", &[Verb::Read]);
    assert!(!reads.get("/").await.says("href=\"/read-models\""));
    for path in ["/read-models", "/read-models/counts.v2"] {
        assert_eq!(reads.get(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_program_without_read_models_says_so() {
    let server = Server::open().await;
    let page = server.stranger().get("/read-models").await;
    assert!(page.says("This program has none in SQL."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_switched_to_and_the_old_one_dropped_without_scripts() {
    let stage = Stage::new(Access::unasked()).await;
    let page = page_without_scripts(&stage.server, "/").await;
    page.click("nav a[href='/read-models']").await.unwrap();
    page.click("a[href='/read-models/counts.v2']")
        .await
        .unwrap();
    shows(&page, "#standing", "building").await;
    page.click("#compare").await.unwrap();
    shows(&page, "#comparison", "They show the same.").await;
    page.click("#switch").await.unwrap();
    shows(&page, "#standing", "live").await;
    page.click("nav a[href='/read-models']").await.unwrap();
    page.click("a[href='/read-models/counts.v1']")
        .await
        .unwrap();
    shows(&page, "#standing", "kept").await;
    page.click("#drop").await.unwrap();
    shows(&page, "#read-models", "counts.v2").await;
    assert_eq!(stage.standings().await, ["2 live", "3 building"]);
    no_errors(&page).await;
}

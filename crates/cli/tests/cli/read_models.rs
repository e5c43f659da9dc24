//! Read models in SQL and their versions: looked at, compared, switched and dropped.

use std::error::Error;

use serde_json::json;
use seriatim::core::RecordedEvent;
use seriatim::sqlx::{self, AssertSqlSafe, SqliteConnection};
use seriatim::{ReadModel, ReadModelStore, ReadModelTables, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::account::Account;
use crate::stage::{ACCOUNT, Ran, Stage};

/// A read model of how many events each account has. The third version has a table more, and counts wrongly.
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
        for event in events
            .iter()
            .filter(|event| event.of::<Account>().is_some())
        {
            let more = if VERSION == 3 { 2 } else { 1 };
            let upsert = sqlx::query(AssertSqlSafe(upsert.clone()));
            let upsert = upsert.bind(event.stream.root.to_string()).bind(more);
            upsert.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// A server with three versions of a read model, which is in a file of its own. The fourth is there too, but nobody
/// feeds it.
struct WithModels {
    stage: Stage,
    _folder: TempDir,
}

impl WithModels {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("read.db");
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(SqliteStore::open_file(&file)).unwrap();
        let stage = Stage::with("memory:", |app| {
            app.read_model(&store, Counts::<1>)
                .read_model(&store, Counts::<2>)
                .read_model(&store, Counts::<3>)
        });
        runtime.block_on(store.register(&Counts::<4>)).unwrap();
        Self {
            stage,
            _folder: folder,
        }
    }

    /// With three events that the first three versions have handled.
    fn caught_up() -> Self {
        let models = Self::new();
        for (command, content) in [
            ("Open", r#"{"owner":"Ann"}"#),
            ("Deposit", r#"{"cents":100}"#),
            ("Deposit", r#"{"cents":50}"#),
        ] {
            let wait = [
                "--wait-for",
                "counts.v1",
                "--wait-for",
                "counts.v2",
                "--wait-for",
                "counts.v3",
            ];
            let send = ["send", ACCOUNT, command, content];
            models.stage.run(&[&send[..], &wait].concat()).succeeded();
        }
        models
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.stage.run(&[&["read-models"], arguments].concat())
    }
}

#[test]
fn versions_are_listed() {
    let models = WithModels::caught_up();
    let ran = models.run(&["list"]).succeeded();
    let process = format!("fed by process {}", std::process::id());
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            format!("counts.v1  live      100 %  3 of 3 events  {process}"),
            format!("counts.v2  building  100 %  3 of 3 events  {process}"),
            format!("counts.v3  building  100 %  3 of 3 events  {process}"),
            "counts.v4  building  0 %    0 of 3 events  fed by nobody".into(),
        ]
    );
    let ran = models.run(&["list", "counts", "--json"]).succeeded();
    let all = ran.json();
    assert_eq!(all[1]["read_model"], "counts.v2");
    assert_eq!(all[1]["standing"], "building");
    assert_eq!(all[1]["tables"], json!(["counts_v2"]));
    assert_eq!((&all[3]["handled"], &all[3]["of"]), (&json!(0), &json!(3)));
    assert_eq!(all[3]["seconds_left"], json!(null));
    let ran = models.run(&["list", "oops"]).failed(8);
    assert!(ran.stderr.contains("name one of `counts`"), "{ran:?}");
}

#[test]
fn a_server_without_read_models_says_so() {
    let ran = Stage::new().run(&["read-models", "list"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.said(), ["there are no read models in SQL here"]);
}

#[test]
fn progress_is_one_answer_for_programs() {
    let models = WithModels::caught_up();
    let ran = models.run(&["progress", "counts.v2"]).succeeded();
    let head = "counts.v2: 100 %, 3 of 3 events, nothing left to do\nfed by process ";
    assert!(ran.stdout.starts_with(head), "{ran:?}");
    let ran = models.run(&["progress", "counts.v2", "--json"]).succeeded();
    let progress = &ran.json()[0];
    assert_eq!(progress["percent"], 100);
    assert_eq!(progress["seconds_left"], 0.0);
    assert!(progress["events_per_second"].as_f64().unwrap() > 0.0);
    let ran = models.run(&["progress", "counts.v4"]).succeeded();
    let not_fed = "counts.v4: 0 %, 0 of 3 events, it does not move\nfed by nobody\n";
    assert_eq!(ran.stdout, not_fed);
    let ran = models.run(&["progress", "counts.v9"]).failed(8);
    assert!(ran.stderr.contains("there are 1, 2, 3, 4"), "{ran:?}");
    for wrong in ["counts", "counts.2", "counts.v", "Counts.v2"] {
        models.run(&["progress", wrong]).failed(2);
    }
}

#[test]
fn where_there_are_no_events_nothing_is_left_to_do() {
    let models = WithModels::new();
    let ran = models.run(&["progress", "counts.v4", "--json"]).succeeded();
    let progress = &ran.json()[0];
    assert_eq!(
        (
            &progress["of"],
            &progress["percent"],
            &progress["seconds_left"]
        ),
        (&json!(0), &json!(100), &json!(0.0))
    );
}

#[test]
fn versions_are_compared_and_a_script_learns_whether_they_differ() {
    let models = WithModels::caught_up();
    let ran = models.run(&["compare", "counts.v2"]).succeeded();
    assert_eq!(
        ran.printed(),
        [
            "counts.v2 beside counts.v1, which is live",
            "counts  the same: 1 rows"
        ]
    );
    let ran = models.run(&["compare", "counts.v3"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(13), ""), "{ran:?}");
    assert_eq!(
        ran.printed(),
        [
            "counts.v3 beside counts.v1, which is live",
            "counts  differs: 1 rows, the live one 1; 1 only here, 1 only in the live one",
            "notes   only one of them has it",
        ]
    );
    let columns = ["--table", "counts", "--column", "root"];
    let roots = [&["compare", "counts.v3"], &columns[..]].concat();
    models.run(&roots).succeeded();
    let ran = models.run(&["compare", "counts.v4", "--json"]);
    assert_eq!(ran.code, Some(13));
    let compared = &ran.json()[0];
    assert_eq!(
        (&compared["live"], &compared["equal"]),
        (&json!("counts.v1"), &json!(false))
    );
    assert_eq!(compared["tables"][0]["at_same_position"], false);
    let ran = models.run(&["compare", "counts.v4"]);
    assert!(
        ran.stderr.contains("had not handled the same events"),
        "{ran:?}"
    );

    let ran = models.run(&["compare", "counts.v3", "--table", "notes"]);
    let ran = ran.failed(8);
    assert!(ran.stderr.contains("no table `notes` in common"), "{ran:?}");
    let oops = [
        "compare",
        "counts.v2",
        "--table",
        "counts",
        "--column",
        "oops",
    ];
    let ran = models.run(&oops).failed(6);
    assert!(ran.stderr.contains("no such column"), "{ran:?}");
    models
        .run(&["compare", "counts.v2", "--column", "root"])
        .failed(2);
}

#[test]
fn a_version_is_switched_to_once_it_is_not_behind() {
    let models = WithModels::caught_up();
    let ran = models.run(&["switch", "counts.v4"]).failed(7);
    assert_eq!(
        ran.said(),
        [
            "error: `counts` version 4 is at position 0 in partition 0, the live one at 3; let it catch up, and switch then",
            "next: watch it with `seriatim read-models progress counts.v4`, and ask again",
        ]
    );
    let ran = models.run(&["switch", "counts.v2"]).succeeded();
    assert_eq!(ran.printed(), ["counts.v2 is live; counts.v1 is kept"]);
    let ran = models.run(&["switch", "counts.v2"]).succeeded();
    assert_eq!(ran.printed(), ["counts.v2 is live already"]);
    let ran = models.run(&["switch", "counts.v1", "--json"]).succeeded();
    assert_eq!(
        ran.json()[0],
        json!({ "live": "counts.v1", "kept": "counts.v2" })
    );
}

#[test]
fn nothing_is_dropped_without_a_yes() {
    let models = WithModels::caught_up();
    let ran = models.run(&["drop", "counts.v3"]).failed(2);
    let loss = "counts.v3, which is building: its tables (counts_v3, notes_v3) and its progress (3 of 3 events)";
    assert_eq!(
        ran.said(),
        [
            format!("error: this would drop {loss}"),
            "next: add --yes if that is what you want; nothing was done".into(),
        ]
    );
    let listed = || models.run(&["list", "--json"]).json().len();
    assert_eq!(listed(), 4);
    let ran = models.run(&["drop", "counts.v3", "--yes"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.said(), [format!("dropping {loss}")]);
    assert_eq!(ran.printed(), ["counts.v3 is dropped"]);
    assert_eq!(listed(), 3);

    let ran = models.run(&["drop", "counts.v1"]).failed(6);
    assert!(
        ran.stderr.contains("is live; switch to another one first"),
        "{ran:?}"
    );
    let ran = models
        .run(&["drop", "counts.v3", "--yes", "--json"])
        .failed(8);
    assert_eq!(ran.error()["details"]["known"], json!([1, 2, 4]));
    let ran = models
        .run(&["drop", "counts.v4", "--yes", "--json"])
        .succeeded();
    assert_eq!(ran.json()[0]["read_model"], "counts.v4");
}

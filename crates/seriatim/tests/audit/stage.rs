//! Applications on a database that a test may also change by hand.

use std::time::Duration;

use seriatim::core::{LogPartition, StreamId};
use seriatim::prelude::*;
use seriatim::sqlx::{self, AssertSqlSafe, Connection as _, Executor as _};
use seriatim::{AppBuilder, Audit, Projector, ReactionSettings, Unproven};

use crate::desk::{Board, Desk, DeskCommand, Pins};

pub(crate) use seriatim_testkit::until;

pub(crate) const DESK: Uuid = Uuid::from_u128(1);

/// A database of one of the two kinds.
pub(crate) struct Stage {
    kind: Kind,
}

enum Kind {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, schema: String },
}

impl Stage {
    /// One of each kind.
    pub(crate) fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            kind: Kind::Sqlite(folder),
        }
    }

    pub(crate) fn postgres() -> Self {
        let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
            "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
        );
        let schema = format!("audit_{}", Uuid::now_v7().simple());
        Self {
            kind: Kind::Postgres { server, schema },
        }
    }

    pub(crate) fn url(&self) -> String {
        match &self.kind {
            Kind::Sqlite(folder) => format!("sqlite://{}", folder.path().join("log.db").display()),
            Kind::Postgres { server, schema } => format!("{server}?schema={schema}"),
        }
    }

    /// An application with the aggregates, and nothing that reacts.
    pub(crate) async fn quiet(&self) -> AppBuilder {
        let settings = ReactionSettings {
            // Others take over as soon as one is gone.
            lease: Duration::from_millis(300),
            ..ReactionSettings::default()
        };
        let app = App::open(&self.url()).await.unwrap();
        app.aggregate::<Desk>()
            .aggregate::<Board>()
            .reaction_settings(settings)
    }

    /// With the saga too, which makes two effects of an event: one is taken, one is rejected.
    pub(crate) async fn pinning(&self) -> App {
        let app = self.quiet().await.saga(Pins { copies: 1 });
        app.start().await.unwrap()
    }

    /// Starts an application in which all has settled: the desk was at work three times, and everything followed from
    /// that.
    pub(crate) async fn three_done(&self) -> App {
        let app = self.pinning().await;
        for tag in ["a", "b", "c"] {
            work(&app, DESK, tag).await;
        }
        settled(&app).await;
        app
    }

    /// Runs SQL beside the store. `{t}` stands for what comes before the name of a table.
    pub(crate) async fn change(&self, sql: &str) {
        match &self.kind {
            Kind::Sqlite(folder) => {
                let direct = rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
                direct.busy_timeout(Duration::from_secs(60)).unwrap();
                direct.execute_batch(&sql.replace("{t}", "")).unwrap();
            }
            Kind::Postgres { server, schema } => {
                let mut direct = sqlx::PgConnection::connect(server).await.unwrap();
                let sql = sql.replace("{t}", &format!("{schema}."));
                direct.execute(AssertSqlSafe(sql)).await.unwrap();
            }
        }
    }

    /// The key of an effect as SQL has it.
    pub(crate) fn key(&self, key: &str) -> String {
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        match &self.kind {
            Kind::Sqlite(_) => format!("CAST(x'{hex}' AS TEXT)"),
            Kind::Postgres { .. } => format!("'\\x{hex}'::bytea"),
        }
    }

    /// A root as SQL has it.
    pub(crate) fn root(&self, root: Uuid) -> String {
        match &self.kind {
            Kind::Sqlite(_) => format!("x'{}'", root.simple()),
            Kind::Postgres { .. } => format!("'{root}'"),
        }
    }

    /// Makes a claim that nobody has asked for, with the result of another of the board.
    pub(crate) async fn copy_claim(&self, from: &str, to: &str) {
        let (from, to) = (self.key(from), self.key(to));
        self.change(&format!(
            "INSERT INTO {{t}}seriatim_claims (domain, root, external_id, content, first_result)
             SELECT domain, root, {to}, content, first_result FROM {{t}}seriatim_claims
             WHERE external_id = {from}"
        ))
        .await;
    }

    pub(crate) async fn delete_claim(&self, key: &str) {
        let key = self.key(key);
        let sql = format!("DELETE FROM {{t}}seriatim_claims WHERE external_id = {key}");
        self.change(&sql).await;
    }

    pub(crate) async fn gone(self) {
        if let Kind::Postgres { schema, .. } = &self.kind {
            self.change(&format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

/// The key of an effect of the saga on an event of the desk.
pub(crate) fn key(sequence: u32, ordinal: u32) -> String {
    format!("\0pins/desk/{DESK}/{sequence}/{ordinal}")
}

pub(crate) async fn work(app: &App, desk: Uuid, tag: &str) {
    let tag = tag.to_owned();
    app.of::<Desk>(desk)
        .send(DeskCommand::Do { tag })
        .await
        .unwrap();
}

/// Waits until every component has passed everything there is, and nothing comes of that.
pub(crate) async fn settled(app: &App) {
    let store = app.coordinator().store();
    until("everything is handled", async || {
        let head = store.head(LogPartition::FIRST).await.unwrap();
        let mut is_so = true;
        for piece in app.reactions().status() {
            // A checkpoint moves over what concerns others now and then only.
            let rest = store.read_log(LogPartition::FIRST, piece.position, 10_000);
            let mine = piece
                .work
                .component
                .as_str()
                .split('.')
                .next()
                .unwrap()
                .to_owned();
            let concerns = |event: &RecordedEvent| {
                let domain = event.stream.domain.as_str();
                domain == mine || (domain == Desk::DOMAIN)
            };
            is_so &= !rest.await.unwrap().events.iter().any(concerns);
        }
        is_so && store.head(LogPartition::FIRST).await.unwrap() == head
    })
    .await;
}

/// Returns what an audit with the application finds, as its names for programs and its sentences.
pub(crate) async fn found(app: &App) -> Vec<(&'static str, String)> {
    sentences(&app.audit().await.unwrap())
}

pub(crate) fn sentences(audit: &Audit) -> Vec<(&'static str, String)> {
    assert_eq!(audit.findings.len() as u64, audit.findings_total);
    let findings = audit.findings.iter();
    findings
        .map(|finding| (finding.kind(), finding.to_string()))
        .collect()
}

/// Returns what the audit did not look at, as its names for programs.
pub(crate) fn unproven(audit: &Audit) -> Vec<&'static str> {
    audit.unproven.iter().map(Unproven::kind).collect()
}

pub(crate) fn stream(domain: &str, root: Uuid) -> StreamId {
    StreamId::new(domain.parse().unwrap(), root)
}

/// Sees everything, and keeps nothing.
pub(crate) struct Idle;

impl Projector for Idle {
    async fn project(
        &self,
        _: &[&RecordedEvent],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

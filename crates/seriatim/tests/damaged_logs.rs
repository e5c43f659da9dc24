//! Logs on PostgreSQL: what reactions leave behind is sound, and what is damaged by hand is found and named.

#![cfg(feature = "postgres")]

#[path = "support/storage.rs"]
mod storage;
#[path = "process_managers/told.rs"]
mod told;
#[path = "process_managers/vigil.rs"]
mod vigil;

use std::time::Duration;

use seriatim::core::{EventFilter, LogPartition};
use seriatim::prelude::*;
use seriatim::{Audit, AuditSettings, AuditStatus, Projector, audit, open_store};

use seriatim_testkit::until;
use storage::Storage;
use told::Told;
use vigil::{Job, JobCommand, Ledger, Vigil};

struct Silent;

impl Projector for Silent {
    async fn project(
        &self,
        _: &[&RecordedEvent],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

async fn jobs(url: &str) -> seriatim::AppBuilder {
    let app = App::open(url).await.unwrap();
    app.aggregate::<Job>().aggregate::<Ledger>()
}

async fn told_of(app: &App, job: u128, due_ms: u64) {
    let begin = JobCommand::Begin {
        due_ms: [due_ms, due_ms],
    };
    app.of::<Job>(Uuid::from_u128(job))
        .send(begin)
        .await
        .unwrap();
}

/// Audits as somebody does who only has the store. Returns the audit and how many pages it has read.
async fn audited(url: &str) -> (Audit, usize) {
    let store = open_store(&format!("{url}&migrate=never")).await.unwrap();
    let mut pages = 0;
    let audit = audit(&store, &[], |_| pages += 1).await.unwrap();
    (audit, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reactions_leave_behind_is_sound() {
    let storage = Storage::postgresql();
    let url = format!("{}&partitions=2", storage.url());
    let app = jobs(&url).await.process_manager::<Vigil>();
    let app = app.projector("silent", EventFilter::default(), Silent);
    let app = app.start().await.unwrap();
    for job in 0..20 {
        told_of(&app, job, job as u64).await;
    }
    until("all is done", async || Told::by(&app).await.is_done()).await;
    let inside = app.audit().await.unwrap();
    assert!(inside.is_sound(), "{inside:?}");
    app.shutdown().await.unwrap();
    let (outside, pages) = audited(&url).await;
    assert!(outside.is_sound() && pages > 0, "{outside:?}");
    // Of the projector, and the three of the process manager.
    assert_eq!((outside.checkpoints, outside.parked), (4 * 2, 0));
    let verified = outside.partitions.iter().map(|one| {
        assert_eq!(one.verified, one.head);
        one.verified.0
    });
    // For each job: it, three steps, and two notes of each.
    assert_eq!(verified.sum::<u64>(), 20 * (1 + 3 + 6));
}

/// Three streams of three events, at positions 1 to 9; what an audit says after the tables were changed.
async fn after(change: &str) -> (u64, Vec<String>) {
    let storage = Storage::postgresql();
    nine_events(&storage).await;
    storage.execute(change).await;
    let (audit, _) = audited(storage.url()).await;
    let found = audit.findings.iter().map(ToString::to_string).collect();
    (audit.partitions[0].verified.0, found)
}

async fn nine_events(storage: &Storage) {
    let app = jobs(storage.url()).await.start().await.unwrap();
    for number in 0..9 {
        told_of(&app, number % 3, 0).await;
    }
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let job = |number: u128| format!("job/{}", Uuid::from_u128(number));
    let events = "seriatim_events";
    for (change, verified, says) in [
        (
            format!("DELETE FROM {events} WHERE position IN (5, 6)"),
            4,
            vec![
                "partition 0 has no event at position 5; the next one is at 7".to_owned(),
                format!("{} goes on with event 2 at position 8", job(1)),
                format!("{} goes on with event 2 at position 9", job(2)),
            ],
        ),
        (
            format!("DELETE FROM {events} WHERE position > 7"),
            7,
            vec!["partition 0 ends at position 7, but its head says 9".into()],
        ),
        (
            format!("UPDATE {events} SET sequence = 7, checksum = NULL WHERE position = 8"),
            7,
            vec![format!("{} goes on with event 7 at position 8", job(1))],
        ),
        (
            format!(
                "UPDATE {events} SET recorded_at = recorded_at - 1000000000 WHERE position = 5"
            ),
            4,
            vec!["the event at position 5 of partition 0 was recorded at".into()],
        ),
    ] {
        let (proven, found) = after(&change).await;
        assert_eq!((proven, found.len()), (verified, says.len()), "{found:?}");
        for (found, says) in found.iter().zip(says) {
            assert!(found.starts_with(&says), "{found} is not: {says}");
        }
    }
}

#[tokio::test]
async fn a_checkpoint_ahead_of_a_restored_log_is_found() {
    let storage = Storage::postgresql();
    nine_events(&storage).await;
    let app = jobs(storage.url()).await;
    let app = app.projector("silent", EventFilter::default(), Silent);
    let app = app.start().await.unwrap();
    let wait = app.of::<Job>(Uuid::nil()).send(JobCommand::Calm);
    wait.wait_for("silent").await.unwrap();
    app.shutdown().await.unwrap();
    storage
        .execute(
            "DELETE FROM seriatim_events WHERE position > 8;
             UPDATE seriatim_log_head SET position = 8",
        )
        .await;
    let (audit, _) = audited(storage.url()).await;
    let found: Vec<_> = audit.findings.iter().map(ToString::to_string).collect();
    let ahead = "silent/0 does not belong to this log: the log was replaced, by a backup for example: it was read up to position 10 of partition 0, and ends before that";
    assert_eq!(found, [ahead]);
}

#[tokio::test]
async fn in_the_background_later_damage_is_found() {
    let storage = Storage::postgresql();
    nine_events(&storage).await;
    let settings = AuditSettings {
        rest: 0,
        every: Duration::from_millis(1),
        anew: Duration::from_millis(5),
    };
    let app = jobs(storage.url()).await.audit(settings);
    let app = app.start().await.unwrap();
    let mut status = app.audits().unwrap();
    let mut until = async |is_so: fn(&Audit) -> bool| {
        let looked =
            status.wait_for(|status: &AuditStatus| status.latest.as_ref().is_some_and(is_so));
        let patient = tokio::time::timeout(Duration::from_secs(60), looked).await;
        drop(patient.expect("it is found").unwrap());
    };
    until(|audit| audit.is_sound() && audit.partitions[0].verified.0 == 9).await;
    storage
        .execute("DELETE FROM seriatim_events WHERE position = 2")
        .await;
    until(|audit| !audit.is_sound() && audit.partitions[0].verified.0 == 1).await;
    assert_eq!(
        app.coordinator()
            .store()
            .head(LogPartition::FIRST)
            .await
            .unwrap()
            .0,
        9
    );
    app.shutdown().await.unwrap();
}

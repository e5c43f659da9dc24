//! Damages logs by hand: each damage is found, and named.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use seriatim_core::{
    Advance, Bookmark, Component, Hold, LetterStatus, LogPartition, Owner, Position,
    ReactionLetter, Sequence, Share, Store, StoreErrorKind, Taking, Timestamp, Update, Work,
};
use seriatim_runtime::{Audit, AuditJob, AuditSettings, Auditor, Finding};
use seriatim_store_memory::MemoryStore;
use seriatim_store_sqlite::SqliteStore;
use seriatim_testkit::faults::FaultyStore;
use seriatim_testkit::soon;
use uuid::Uuid;

use crate::support::{all_kinds, append, fill, stream};

const HOUR: Duration = Duration::from_secs(3600);

fn auditor(store: &Arc<dyn Store>) -> Auditor {
    Auditor::new(Arc::clone(store))
}

async fn audit(store: &Arc<dyn Store>) -> Audit {
    auditor(store).audit(|_| {}).await.unwrap()
}

/// Makes three streams of three events, at positions 1 to 9.
async fn nine_events(path: &Path) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_file(path).await.unwrap());
    fill(&*store, 3, 3).await;
    store
}

/// Returns the result of an audit after a change of the tables: the position up to which the log is proven, and the
/// findings.
async fn after(change: &str) -> (u64, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = nine_events(&path).await;
    let direct = Connection::open(&path).unwrap();
    direct.execute_batch(change).unwrap();
    let audit = audit(&store).await;
    assert_eq!(audit.is_sound(), audit.findings.is_empty());
    assert_eq!(audit.findings_total, audit.findings.len() as u64);
    let found = audit.findings.iter().map(ToString::to_string).collect();
    (audit.partitions[0].verified.0, found)
}

#[tokio::test]
async fn a_sound_log_is_sound_on_every_store() {
    for storage in all_kinds().await {
        let store = storage.store;
        assert!(audit(&store).await.is_sound());
        fill(&*store, 30, 10).await;
        let audit = audit(&store).await;
        assert!(audit.is_sound(), "{audit:?}");
        let verified = audit.partitions.iter().map(|partition| {
            assert_eq!(partition.verified, partition.head);
            partition.verified.0
        });
        assert_eq!(verified.sum::<u64>(), 300);
    }
}

#[tokio::test]
async fn lost_events_are_found() {
    let (verified, found) = after("DELETE FROM seriatim_events WHERE position IN (5, 6)").await;
    assert_eq!(verified, 4);
    assert_eq!(
        found,
        [
            "partition 0 has no event at position 5; the next one is at 7".to_owned(),
            format!(
                "{} goes on with event 2 at position 8 where 1 should come",
                stream("order", 1)
            ),
            format!(
                "{} goes on with event 2 at position 9 where 1 should come",
                stream("order", 2)
            ),
        ]
    );
}

#[tokio::test]
async fn a_lost_end_is_found() {
    let (verified, found) = after("DELETE FROM seriatim_events WHERE position > 7").await;
    assert_eq!(verified, 7);
    let ends = "partition 0 ends at position 7, but its head says 9";
    assert_eq!(found, [ends]);
}

#[tokio::test]
async fn a_changed_sequence_is_found() {
    let change = "UPDATE seriatim_events SET sequence = 7, checksum = NULL WHERE position = 8";
    let (verified, found) = after(change).await;
    assert_eq!(verified, 7);
    let broken = format!(
        "{} goes on with event 7 at position 8 where 2 should come",
        stream("order", 1)
    );
    assert_eq!(found, [broken]);
}

#[tokio::test]
async fn a_changed_time_is_found() {
    let change =
        "UPDATE seriatim_events SET recorded_at = recorded_at - 1000000000 WHERE position = 5";
    let (verified, found) = after(change).await;
    assert_eq!(verified, 4);
    assert!(
        matches!(&found[..], [one] if one.contains("position 5") && one.contains("was recorded at")),
        "{found:?}"
    );
}

fn work(partition: u16) -> Work {
    Work {
        component: Component::new("balances").unwrap(),
        partition: LogPartition(partition),
        share: Share::WHOLE,
    }
}

#[tokio::test]
async fn progress_that_the_log_does_not_have_is_found() {
    let older = MemoryStore::new();
    fill(&older, 1, 2).await;
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    fill(&*shared, 1, 3).await;
    let auditor = auditor(&shared);
    for partition in [0, 3] {
        let taking = shared
            .take(&work(partition), &Owner::new("one"), HOUR)
            .await;
        let Taking::Taken(tenure) = taking.unwrap() else {
            panic!("nobody else is there");
        };
        let to = Advance::Checkpoint(Bookmark::at(Position(3)));
        let held = shared
            .write(&tenure, &Update::Advance(to.clone()), HOUR)
            .await
            .unwrap();
        assert_eq!(held, Hold::Held);
    }
    // The progress stays, and the log is replaced by a backup.
    let backup = Auditor::new(Arc::new(older)).beside(Arc::clone(&shared) as _);
    let found = backup.audit(|_| {}).await.unwrap();
    assert_eq!((found.checkpoints, found.findings_total), (2, 2));
    let found: Vec<_> = found.findings.iter().map(ToString::to_string).collect();
    let ahead = format!(
        "{} does not belong to this log: the log was replaced, by a backup for example: it was read up to position 3 of partition 0, and ends before that",
        work(0)
    );
    let elsewhere = format!(
        "{} is in a partition that a log of 1 does not have",
        work(3)
    );
    assert_eq!(found, [ahead, elsewhere.clone()]);
    let found = auditor.audit(|_| {}).await.unwrap();
    assert_eq!(found.findings[0].to_string(), elsewhere);
    assert_eq!(found.findings.len(), 1);
}

#[tokio::test]
async fn a_stream_that_is_parked_at_an_event_that_is_not_there_is_found() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    fill(&*store, 2, 2).await;
    let owner = Owner::new("one");
    let taking = store.take(&work(0), &owner, HOUR).await;
    let Taking::Taken(mut tenure) = taking.unwrap() else {
        panic!("nobody else is there");
    };
    // The streams are parked at position 2, at position 3 before the checkpoint has passed it, and at no position.
    for (root, sequence, to) in [(1, 0, 2), (0, 1, 2), (5, 0, 2)] {
        let parked = ReactionLetter {
            work: work(0),
            stream: stream("order", root),
            sequence: Sequence(sequence),
            id: Some(Uuid::now_v7()),
            failure: "it was told to fail".into(),
            tries: 1,
            parked_at: Timestamp::now(),
            attempts: vec![],
            decision: None,
            status: LetterStatus::Parked,
            closed_at: None,
        };
        let held = store
            .write(
                &tenure,
                &Update::Park(Box::new(parked.clone()), Bookmark::at(Position(to))),
                HOUR,
            )
            .await;
        assert_eq!(held.unwrap(), Hold::Held);
        tenure.at.position = Position(to);
    }
    let found = audit(&store).await;
    assert_eq!((found.parked, found.findings_total), (3, 2));
    for (finding, root) in found.findings.iter().zip([0, 5]) {
        let says = format!("{} is parked for {}", stream("order", root), work(0));
        assert!(finding.to_string().starts_with(&says), "{finding}");
    }
}

#[tokio::test]
async fn in_the_background_it_follows_the_log_and_survives_a_store_that_is_down() {
    let store = FaultyStore::new(Arc::new(MemoryStore::with_partitions(
        NonZero::new(2).unwrap(),
    )));
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    fill(&*shared, 3, 3).await;
    let settings = AuditSettings {
        every: Duration::from_millis(1),
        ..AuditSettings::default()
    };
    let job = AuditJob::start(auditor(&shared), settings);
    let mut status = job.status();
    let mut verified = async |count: u64| {
        let is_so = status.wait_for(|status| {
            let partitions = status.latest.iter().flat_map(|audit| &audit.partitions);
            partitions
                .map(|partition| partition.verified.0)
                .sum::<u64>()
                == count
        });
        let status = soon(is_so).await.unwrap().clone();
        assert!(status.latest.unwrap().is_sound());
    };
    verified(9).await;
    append(&*shared, &stream("order", 0), 3, &["Noted"]).await;
    verified(10).await;
    store.go_down(StoreErrorKind::Unavailable);
    let mut told = job.status();
    told.wait_for(|status| status.error.is_some())
        .await
        .unwrap();
    store.come_back();
    append(&*shared, &stream("order", 0), 4, &["Noted"]).await;
    verified(11).await;
    told.wait_for(|status| status.error.is_none())
        .await
        .unwrap();
}

#[tokio::test]
async fn in_the_background_it_begins_anew_and_finds_later_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = nine_events(&path).await;
    let settings = AuditSettings {
        rest: 0,
        every: Duration::from_millis(1),
        anew: Duration::from_millis(5),
    };
    let job = AuditJob::start(auditor(&store), settings);
    let mut status = job.status();
    let latest = |status: &seriatim_runtime::AuditStatus| status.latest.clone();
    let sound = status.wait_for(|status| latest(status).is_some_and(|audit| audit.is_sound()));
    sound.await.unwrap();
    let direct = Connection::open(&path).unwrap();
    let change = "DELETE FROM seriatim_events WHERE position = 2";
    direct.execute(change, []).unwrap();
    let found = status.wait_for(|status| latest(status).is_some_and(|audit| !audit.is_sound()));
    let audit = soon(found).await.unwrap().latest.clone().unwrap();
    assert_eq!(audit.partitions[0].verified, Position(1));
}

/// There is room for a few streams only, so the event before nearly every event is looked up.
#[tokio::test]
async fn faults_of_streams_that_were_forgotten_are_found_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_file(&path).await.unwrap());
    fill(&*store, 20, 4).await;
    let auditor = auditor(&store).remembering(2);
    let sound = auditor.audit(|_| {}).await.unwrap();
    assert!(sound.is_sound(), "{sound:?}");
    let direct = Connection::open(&path).unwrap();
    let change = "UPDATE seriatim_events SET sequence = 9, checksum = NULL WHERE position = 65";
    direct.execute(change, []).unwrap();
    let found = auditor.audit(|_| {}).await.unwrap();
    assert!(
        matches!(
            found.findings[..],
            [Finding::PredecessorMissing {
                position: Position(65),
                ..
            }]
        ),
        "{found:?}"
    );
    assert_eq!(found.partitions[0].verified, Position(64));
}

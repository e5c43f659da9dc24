//! Checks who makes the tables, who may only use them, and what is refused.

mod support;

use std::sync::Arc;

use seriatim_core::{
    AppendError, Bookmark, CheckpointStore, EventStore, LetterFilter, LetterStatus, LogPartition,
    Position, Sequence, Store, StoreErrorKind, Verb,
};
use seriatim_store_postgres::{OpenError, PostgresStore};
use seriatim_testkit::conformance::{Handle, assert_log_is_sound, new_stream};
use seriatim_testkit::earlier_logs::{Dialect, assert_all_is_there, log_of_schema};
use support::account::{Account, DOCUMENTED};
use support::samples::{append, is_written};
use support::schema_at::schema_at;
use support::{Schema, execute, server};

/// Two streams.
const A: &str = "00000000-0000-0000-0000-000000000000";
const B: &str = "11111111-1111-1111-1111-111111111111";

#[tokio::test(flavor = "multi_thread")]
async fn migrating_says_what_was_missing_and_checking_changes_nothing() {
    let schema = Schema::new();
    let pending = PostgresStore::pending(&schema.url()).await.unwrap();
    assert_eq!(pending.before, 0);
    assert!(!pending.migrations.is_empty());
    let numbers = pending.migrations.iter().map(|migration| migration.number);
    assert!(numbers.is_sorted_by(|one, next| one < next), "{pending:?}");

    let again = PostgresStore::pending(&schema.url()).await.unwrap();
    assert_eq!(again, pending, "looking makes nothing");
    let made = PostgresStore::migrate(&schema.url()).await.unwrap();
    assert_eq!(made, pending);
    let nothing = PostgresStore::migrate(&schema.url()).await.unwrap();
    assert_eq!(
        (nothing.before, nothing.migrations.len()),
        (made.after(), 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_migrate_at_once_one_makes_the_tables() {
    let schema = Schema::new();
    let all: Vec<_> = (0..8)
        .map(|_| {
            let url = schema.url();
            tokio::spawn(async move { PostgresStore::migrate(&url).await.unwrap() })
        })
        .collect();
    let mut makers = 0;
    for one in all {
        let made = one.await.unwrap();
        makers += usize::from(!made.migrations.is_empty());
    }
    assert_eq!(makers, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_make_no_tables_can_use_them() {
    let account = Account::new(Schema::new()).await;
    let early = PostgresStore::open(&account.url()).await;
    let early = early.expect_err("there are no tables, and it may make none");
    assert!(matches!(early, OpenError::NotAllowed { .. }), "{early}");
    assert!(early.to_string().contains("`seriatim migrate`"), "{early}");

    PostgresStore::migrate(&account.schema.url()).await.unwrap();
    account.may(DOCUMENTED).await;
    for url in [account.url(), format!("{}&migrate=never", account.url())] {
        let store = PostgresStore::open(&url).await.unwrap();
        let batch = vec![append(&new_stream(), None, 3)];
        assert!(is_written(&store.append(batch).await.unwrap()[0]));
        let store: Handle = Arc::new(store);
        assert_log_is_sound(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_never_to_migrate_opening_refuses_what_is_missing() {
    let schema = Schema::new();
    let url = format!("{}&migrate=never", schema.url());
    let refused = PostgresStore::open(&url).await;
    let refused = refused.expect_err("there are no tables");
    let is_older = matches!(refused, OpenError::SchemaOlder { found: 0, .. });
    assert!(is_older, "{refused}");
    assert!(refused.to_string().contains("run `seriatim migrate`"));
    let pending = PostgresStore::pending(&schema.url()).await.unwrap();
    assert_eq!(pending.before, 0, "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_or_another_program_are_refused() {
    let schema = Schema::new();
    let made = PostgresStore::migrate(&schema.url()).await.unwrap();
    let ledger = format!("{}.seriatim_migrations", schema.name());

    let alter = format!("UPDATE {ledger} SET checksum = 'another' WHERE number = 2");
    execute(&server(), &alter).await.unwrap();
    let refused = PostgresStore::open(&schema.url()).await;
    let refused = refused.expect_err("its second migration is another");
    let is_the_second = matches!(refused, OpenError::ChangedMigration { number: 2, .. });
    assert!(is_the_second, "{refused}");

    let newer = format!(
        "INSERT INTO {ledger} VALUES ({}, 'later', 'x', 0)",
        made.after() + 1
    );
    execute(&server(), &newer).await.unwrap();
    for url in [schema.url(), format!("{}&migrate=never", schema.url())] {
        let refused = PostgresStore::open(&url).await;
        let refused = refused.expect_err("a newer program was here");
        assert!(
            matches!(refused, OpenError::SchemaNewer { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("use a newer program"));
    }
}

const DIALECT: Dialect = Dialect {
    uuid: |id| format!("'{id}'"),
    bytes: |bytes| {
        bytes
            .iter()
            .fold("'\\x".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
            + "'"
    },
    data: |json| format!("'{json}'::bytea"),
    key: |key| format!("'{key}'::bytea"),
};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_every_earlier_schema_is_brought_up_to_date() {
    let made = PostgresStore::pending(&Schema::new().url()).await.unwrap();
    for number in 1..=made.after() {
        let schema = schema_at(number as usize).await;
        let log = log_of_schema(number, DIALECT).join(";\n");
        let fill = format!("SET search_path TO {};\n{log}", schema.name());
        execute(&server(), &fill).await.unwrap();
        let store = Arc::new(PostgresStore::open(&schema.url()).await.unwrap());
        assert_all_is_there(&(store as Arc<dyn Store>), number).await;
    }
}

/// A newer program migrates the tables under one that is at work, which trusts what it remembers.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_meets_another_schema_writes_nothing_more_and_says_why() {
    let schema = schema_at(13).await;
    PostgresStore::migrate(&schema.url()).await.unwrap();
    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let stream = new_stream();
    for n in 0..3u32 {
        let next = append(&stream, n.checked_sub(1).map(Sequence), 1);
        assert!(is_written(&store.append(vec![next]).await.unwrap()[0]));
    }
    let name = schema.name();
    // What a migration does, before and after its own statements.
    let newer = format!(
        "UPDATE {name}.seriatim_log_head SET revision = revision + 1, batch = gen_random_uuid();
         ALTER TABLE {name}.seriatim_events RENAME COLUMN type TO kind;
         INSERT INTO {name}.seriatim_migrations VALUES (99, 'later', 'x', 0)"
    );
    execute(&server(), &newer).await.unwrap();
    let written = store.append(vec![append(&stream, Some(Sequence(2)), 1)]);
    let AppendError::NotWritten(written) = written.await.unwrap_err() else {
        panic!("nothing was sent")
    };
    let read = store.read_log(LogPartition::FIRST, Position::START, 1);
    for error in [written, read.await.unwrap_err()] {
        assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
        assert!(
            error.to_string().contains("brought to schema 99"),
            "{error}"
        );
    }
}

/// A migration makes the writers that are at work look again.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_noticed_by_writers_that_trust_what_they_remember() {
    let schema = schema_at(13).await;
    let name = schema.name();
    let batch = format!("SELECT batch::text FROM {name}.seriatim_log_head");
    let before = support::text(&server(), &batch).await.unwrap();
    PostgresStore::migrate(&schema.url()).await.unwrap();
    assert_ne!(support::text(&server(), &batch).await.unwrap(), before);
}

/// As the program before letters had an identity has left it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_and_skipped_before_has_letters_afterwards() {
    let schema = schema_at(9).await;
    let before = format!(
        "SET search_path TO {};
         INSERT INTO seriatim_checkpoints
             (component, partition, share_count, share_index, position, epoch, leased_until, moved_at, tenure)
             VALUES ('printer', 0, 1, 0, 7, 1, 0, 0, '{A}');
         INSERT INTO seriatim_parked VALUES
             ('printer', 0, 1, 0, 'order', '{A}', 4, 3, 1700000000000001, 'no paper', '[]', NULL, NULL, NULL, NULL),
             ('printer', 0, 1, 0, 'order', '{B}', 5, 0, 1700000000000001, 'no ink', '[]', 'retry', 'Zoë', NULL, 7);
         INSERT INTO seriatim_skipped VALUES
             ('printer', 0, 1, 0, 'order', '{A}', 3, 1600000000000001, 'torn', 'Zoë', 'by hand'),
             ('printer', 0, 1, 0, 'order', '{A}', 2, 1600000000000001, 'torn', NULL, 'the policy')",
        schema.name(),
    );
    execute(&server(), &before).await.unwrap();

    let store = PostgresStore::open(&schema.url()).await.unwrap();
    let mut parked = store.parked(None).await.unwrap();
    parked.sort_by_key(|parked| parked.sequence);
    let [waiting, on_its_way] = &parked[..] else {
        panic!("{parked:?}")
    };
    assert_eq!(on_its_way.id, None);
    let wish = on_its_way.decision.as_ref().unwrap();
    assert_eq!(wish.verb, Verb::Resubmit);
    let waiting_letter = waiting.id.unwrap();
    let every = LetterFilter::default();
    let component = &waiting.work.component;
    let mut closed = store.reaction_letters(&every, 9).await.unwrap();
    assert!(
        closed.pop().unwrap().closed_at.is_none(),
        "the latest waits"
    );
    let mut skipped: Vec<_> = (closed.iter())
        .map(|letter| (letter.sequence.0, letter.decision.clone().unwrap().actor))
        .collect();
    skipped.sort_unstable();
    assert_eq!(skipped, [(2, None), (3, Some("Zoë".to_owned()))]);
    for letter in closed {
        assert_eq!(letter.status, LetterStatus::Discarded);
        assert_eq!(letter.id.unwrap().get_version_num(), 7);
        assert_eq!(waiting_letter.get_version_num(), 7);
        assert!(letter.id < Some(waiting_letter), "they sort by their time");
    }

    // It has begun at the first event, whatever is said now, and names no event before it moves.
    let checkpoints = store.checkpoints(Some(component)).await.unwrap();
    assert_eq!(checkpoints[0].at, Bookmark::at(Position(7)));
    let begun = store.begin(component, &"9".parse().unwrap()).await.unwrap();
    assert!(begun.positions().eq([Position::START]), "{begun}");
}

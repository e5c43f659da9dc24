//! Small logs as programs with earlier schemas have left them, for the tests of stores on SQL. Every migration must
//! carry all of the data to the current tables.

use std::sync::Arc;

use seriatim_core::{
    Bookmark, Component, Domain, FirstResult, LetterFilter, LetterStatus, Position, Sequence,
    Store, StreamId, Verb,
};
use uuid::Uuid;

use crate::conformance::assert_log_is_sound;

/// The functions that write values in the SQL of a database.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// A UUID.
    pub uuid: fn(Uuid) -> String,
    /// Bytes.
    pub bytes: fn(&[u8]) -> String,
    /// The data of an event, and a kept state, which are JSON.
    pub data: fn(&str) -> String,
    /// The key of a claim.
    pub key: fn(&str) -> String,
}

/// The SQL of SQLite.
pub const SQLITE: Dialect = Dialect {
    uuid: |id| format!("x'{}'", id.simple()),
    bytes: |bytes| format!("x'{}'", hexadecimal(bytes)),
    data: |json| format!("'{json}'"),
    key: |key| format!("'{key}'"),
};

/// The SQL of PostgreSQL.
pub const POSTGRES: Dialect = Dialect {
    uuid: |id| format!("'{id}'"),
    bytes: |bytes| format!("'\\x{}'", hexadecimal(bytes)),
    data: |json| format!("'{json}'::bytea"),
    key: |key| format!("'{key}'::bytea"),
};

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const LETTER: &str = r#"{"id":"018bcfe5-6800-7000-8000-000000000001","request":{"id":"01a22cb9-47c5-74d7-8d58-f01ccab2d5f7","stream":{"domain":"order","root":"00000000-0000-0000-0000-000000000001"},"commands":[{"type":"Ship","codec":"json","data":"{}"}],"expected":"any","metadata":{}},"conflict":{"expected":"no_stream","current":1},"intervening":null,"base_hash":null,"reason":"manual","parked_at":"2023-11-14T22:13:20Z","attempts":[],"status":"parked"}"#;

/// Returns the statements that fill the tables of the schema with this number: three events of two streams, and a row
/// for everything else for which that schema had a table.
pub fn log_of_schema(schema: u32, dialect: Dialect) -> Vec<String> {
    let Dialect {
        uuid,
        bytes,
        data,
        key,
    } = dialect;
    let (first, second) = (uuid(Uuid::from_u128(1)), uuid(Uuid::from_u128(2)));
    let event = |position: u128, root: &str, sequence: u32| {
        format!(
            "INSERT INTO seriatim_events
                 (position, domain, root, sequence, recorded_at, id, type, codec, metadata, data)
             VALUES ({position}, 1, {root}, {sequence}, {position}, {}, 'Placed', 0, '{{\"actor\":\"ann\"}}', {})",
            uuid(Uuid::from_u128(100 + position)),
            data(r#"{"item":"mug"}"#),
        )
    };
    let all = [
        (1.., "INSERT INTO seriatim_domains (id, name) VALUES (1, 'order')".to_owned()),
        (1.., event(1, &first, 0)),
        (1.., event(2, &first, 1)),
        (1.., event(3, &second, 0)),
        (1.., "UPDATE seriatim_log_head SET position = 3, recorded_at = 3".to_owned()),
        (
            2..,
            format!(
                "INSERT INTO seriatim_claims (domain, root, external_id, content, first_result)
                 VALUES (1, {first}, {}, {}, '{{\"committed\":{{\"first\":0,\"last\":1,\"position\":2}}}}')",
                key("order-1"),
                bytes(&[7; 32]),
            ),
        ),
        (
            4..,
            format!(
                "INSERT INTO seriatim_dead_letters (id, domain, root, status, body)
                 VALUES ({}, 'order', {first}, 'parked', '{LETTER}')",
                uuid(Uuid::from_u128(0x018b_cfe5_6800_7000_8000_0000_0000_0001)),
            ),
        ),
        (
            5..,
            format!(
                "INSERT INTO seriatim_checkpoints (component, partition, share_count, share_index, position, epoch,
                     tenure, owner, leased_until, moved_at)
                 VALUES ('printer', 0, 1, 0, 2, 4, {}, NULL, 0, 5)",
                uuid(Uuid::from_u128(9)),
            ),
        ),
        (
            6..,
            format!(
                "INSERT INTO seriatim_parked (component, partition, share_count, share_index, domain, root, sequence,
                     tries, since, failure, attempts)
                 VALUES ('printer', 0, 1, 0, 'order', {first}, 1, 0, 1700000000000000, 'no paper', '[]')"
            ),
        ),
        (
            7..,
            format!(
                "INSERT INTO seriatim_timers (domain, root, name, set_at, ordinal, due, rings_at)
                 VALUES ('till', {first}, 'close', 0, 0, 1000, 1000)"
            ),
        ),
        (
            8..,
            "INSERT INTO seriatim_read_models (name, version, standing, tables, begun_at)
             VALUES ('list', 1, 'live', 'rows', 5)"
                .to_owned(),
        ),
    ];
    let state = format!(
        "INSERT INTO seriatim_snapshots (domain, root, fingerprint, sequence, state) VALUES (1, {first}, 1, 1, {})",
        data("{}"),
    );
    // Kept states are made anew.
    let kept = (3..=12).contains(&schema).then_some(state);
    let there = all.into_iter().filter(|(since, _)| since.contains(&schema));
    there.map(|(_, sql)| sql).chain(kept).collect()
}

/// Checks that the store, which was opened on a log of the schema with this number, has all of its data. Panics if it
/// has not.
pub async fn assert_all_is_there(store: &Arc<dyn Store>, schema: u32) {
    let of = |what: &str| format!("{what} of schema {schema}");
    let events = assert_log_is_sound(store).await;
    let actors = events.iter().map(|event| event.metadata.actor.as_deref());
    assert!(actors.eq([Some("ann"); 3]), "{}: {events:?}", of("events"));
    let order = Domain::new("order").expect("a name");
    let stream = StreamId::new(order, Uuid::from_u128(1));
    let claim = store.find_claim(&stream, "order-1").await;
    let committed = FirstResult::Committed {
        first: Sequence(0),
        last: Sequence(1),
        position: Position(2),
    };
    let first = claim.expect("an answer").map(|claim| claim.first);
    assert_eq!(
        first,
        (schema >= 2).then_some(committed),
        "{}",
        of("the claim")
    );
    let letters = store.letters(&LetterFilter::default(), 9).await;
    let letters = letters.expect("an answer").len();
    assert_eq!(letters, usize::from(schema >= 4), "{}", of("letters"));
    let printer = Component::new("printer").expect("a name");
    let checkpoints = store.checkpoints(Some(&printer)).await.expect("an answer");
    let positions: Vec<_> = checkpoints
        .iter()
        .map(|found| found.at.position.0)
        .collect();
    assert_eq!(
        positions,
        vec![2; usize::from(schema >= 5)],
        "{}",
        of("checkpoints")
    );
    let parked = store.parked(Some(&printer)).await.expect("an answer").len();
    assert_eq!(parked, usize::from(schema >= 6), "{}", of("parked streams"));
    let till = Domain::new("till").expect("a name");
    let due = store.next_timer(&till).await.expect("an answer");
    assert_eq!(due.is_some(), schema >= 7, "{}", of("timers"));
}

/// Returns the statements that fill the tables of schema 9, in which letters had no identity, with work of a component
/// that has parked and skipped events.
pub fn letters_without_identity(dialect: Dialect) -> String {
    let (a, b) = (
        (dialect.uuid)(Uuid::nil()),
        (dialect.uuid)(Uuid::from_u128(1)),
    );
    format!(
        "INSERT INTO seriatim_checkpoints
             (component, partition, share_count, share_index, position, epoch, leased_until, moved_at, tenure)
             VALUES ('printer', 0, 1, 0, 7, 1, 0, 0, {a});
         INSERT INTO seriatim_parked VALUES
             ('printer', 0, 1, 0, 'order', {a}, 4, 3, 1700000000000001, 'no paper', '[]', NULL, NULL, NULL, NULL),
             ('printer', 0, 1, 0, 'order', {b}, 5, 0, 1700000000000001, 'no ink', '[]', 'retry', 'Zoë', NULL, 7);
         INSERT INTO seriatim_skipped VALUES
             ('printer', 0, 1, 0, 'order', {a}, 3, 1600000000000001, 'torn', 'Zoë', 'by hand'),
             ('printer', 0, 1, 0, 'order', {a}, 2, 1600000000000001, 'torn', NULL, 'the policy')"
    )
}

/// Checks a store whose tables had [`letters_without_identity`].
///
/// # Panics
/// Panics if something is missing, or has no letter.
pub async fn assert_letters_have_identity(store: &Arc<dyn Store>) {
    let mut parked = store.parked(None).await.expect("the store answers");
    parked.sort_by_key(|parked| parked.sequence);
    let letters: Vec<_> = parked.iter().map(|parked| parked.id).collect();
    let [Some(waiting), None] = letters[..] else {
        panic!("{letters:?}")
    };
    let wish = parked[1].decision.as_ref().expect("it was asked for");
    assert_eq!(wish.verb, Verb::Resubmit);
    let component = &parked[0].work.component;
    let every = LetterFilter::default();
    let letters = store.reaction_letters(&every, 9).await;
    let mut closed = letters.expect("the store answers");
    let latest = closed.pop().expect("there are three");
    assert!(latest.closed_at.is_none(), "the latest waits");
    let mut skipped: Vec<_> = (closed.iter())
        .map(|letter| (letter.sequence.0, letter.decision.as_ref()))
        .map(|(sequence, decision)| (sequence, decision.and_then(|one| one.actor.as_deref())))
        .collect();
    skipped.sort_unstable();
    assert_eq!(skipped, [(2, None), (3, Some("Zoë"))]);
    assert_eq!(waiting.get_version_num(), 7);
    for letter in closed {
        assert_eq!(letter.status, LetterStatus::Discarded);
        let id = letter.id.expect("closed letters have one");
        assert_eq!(id.get_version_num(), 7);
        assert!(id < waiting, "they sort by their time");
    }

    // It has begun at the first event, whatever is said now, and names no event before it moves.
    let checkpoints = store.checkpoints(Some(component)).await;
    let checkpoints = checkpoints.expect("the store answers");
    assert_eq!(checkpoints[0].at, Bookmark::at(Position(7)));
    let nine = "9".parse().expect("it is a position");
    let begun = store.begin(component, &nine).await;
    let begun = begun.expect("the store answers");
    assert!(begun.positions().eq([Position::START]), "{begun}");
}

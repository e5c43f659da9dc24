//! Copies of a SQLite file in which a few bytes are others: an audit finds them, or they have changed no event.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};
use seriatim_core::{
    Append, Claim, ContentHash, Domain, NewEvent, Payload, Sequence, StreamId, Write,
};
use uuid::Uuid;

use crate::stage::run;

const COPIES: usize = 80;

/// 600 events in 20 streams, with claims; nothing of it is in a log beside the file.
async fn store(path: &Path) {
    let url = format!("sqlite://{}", path.display());
    let store = seriatim::open_store(&url).await.unwrap();
    for sequence in 0..30u32 {
        let batch = (0..20).map(|n| Append {
            stream: StreamId::new(Domain::new("note").unwrap(), Uuid::from_u128(n)),
            write: Write::Events {
                after: sequence.checked_sub(1).map(Sequence),
                last: None,
                events: Arc::new([NewEvent {
                    id: Uuid::now_v7(),
                    payload: Payload::json("Noted", format!("\"{}\"", "text ".repeat(40))),
                    metadata: Arc::default(),
                }]),
            },
            claim: Some(Claim {
                external_id: format!("note-{n}-{sequence}"),
                content: ContentHash([7; 32]),
                refusal: None,
                with: None,
            }),
            beside: Vec::new(),
        });
        store.append(batch.collect()).await.unwrap();
    }
    store.flush().await.unwrap();
}

/// All events, as text.
fn events(path: &Path) -> Vec<String> {
    let direct = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let select = "SELECT hex(position) || '|' || hex(domain) || '|' || hex(root) || '|' || hex(sequence) || '|' ||
        hex(id) || '|' || type || '|' || codec || '|' || hex(data) FROM seriatim_events ORDER BY position";
    let mut select = direct.prepare(select).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_damage_and_never_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    store(&whole).await;
    let (bytes, written) = (fs::read(&whole).unwrap(), events(&whole));
    assert_eq!(written.len(), 600);
    let mut found = 0;
    for n in 0..COPIES {
        let copy = folder.path().join("copy.db");
        let _ = fs::remove_file(folder.path().join("copy.db-wal"));
        let _ = fs::remove_file(folder.path().join("copy.db-shm"));
        let mut damaged = bytes.clone();
        // Behind the first hundred bytes, without which it is no file of SQLite's.
        let at = 100 + (n * (bytes.len() - 200) / COPIES) + n * 37 % 100;
        damaged[at..at + 24]
            .iter_mut()
            .for_each(|byte| *byte ^= 0xa5);
        fs::write(&copy, damaged).unwrap();
        let url = format!("sqlite://{}", copy.display());
        let ran = run("http://127.0.0.1:1", &["audit", &url], "");
        match ran.code {
            Some(12) => found += 1,
            Some(0) => assert!(events(&copy) == written, "at {at}: {ran:?}"),
            _ => panic!("at {at}: {ran:?}"),
        }
    }
    assert!(found > COPIES / 2, "{found}");
}

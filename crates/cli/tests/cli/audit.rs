//! Audits of a store.

use rusqlite::Connection;

use crate::stage::{ACCOUNT, Stage, run};

const NOBODY: &str = "http://127.0.0.1:1";

/// A SQLite store with the three events of an account.
fn with_account() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("bank.db").display());
    let stage = Stage::on(&url);
    for (command, content) in [
        ("Open", r#"{"owner":"Ann"}"#),
        ("Deposit", r#"{"cents":100}"#),
        ("Deposit", r#"{"cents":50}"#),
    ] {
        let send = ["send", ACCOUNT, command, content, "--wait-for", "seen"];
        stage.run(&send).succeeded();
    }
    // Each component of the stage has begun.
    while stage.run(&["top", "--json"]).json().len() < 3 {}
    (folder, url)
}

#[test]
fn a_sound_store_is_sound() {
    let (_folder, url) = with_account();
    let ran = run(NOBODY, &["audit", &url], "").succeeded();
    assert_eq!(
        ran.printed(),
        [
            "partition 0: verified up to position 3 of 3",
            "compared with it: 3 checkpoints, 0 parked streams",
            "verdict: sound",
        ]
    );
    let ran = run(NOBODY, &["audit", &url, "--json"], "").succeeded();
    let verdict = &ran.json()[0];
    assert_eq!(verdict["sound"], true);
    assert_eq!(verdict["partitions"][0]["verified"], 3);
}

#[test]
fn a_damaged_store_is_named_and_ends_with_a_code_of_its_own() {
    let (folder, url) = with_account();
    let direct = Connection::open(folder.path().join("bank.db")).unwrap();
    direct
        .execute_batch("DELETE FROM seriatim_events WHERE position = 2")
        .unwrap();
    let ran = run(NOBODY, &["audit", &url], "");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(12), ""), "{ran:?}");
    assert_eq!(
        ran.printed(),
        [
            "partition 0: verified up to position 1 of 3",
            "compared with it: 3 checkpoints, 0 parked streams",
            "finding: partition 0 has no event at position 2; the next one is at 3",
            "finding: ACCOUNT goes on with event 2 at position 3 where 1 should come",
            "verdict: damaged",
        ]
    );
    let ran = run(NOBODY, &["audit", &url, "--json"], "");
    assert_eq!(ran.code, Some(12));
    let verdict = &ran.json()[0];
    assert_eq!(
        (&verdict["sound"], &verdict["findings_total"]),
        (&false.into(), &2.into())
    );
    assert_eq!(verdict["findings"][0]["kind"], "position_missing");
}

#[test]
fn a_checkpoint_ahead_of_a_restored_log_is_named() {
    let (folder, url) = with_account();
    let direct = Connection::open(folder.path().join("bank.db")).unwrap();
    direct
        .execute_batch(
            "DELETE FROM seriatim_events WHERE position = 3;
             UPDATE seriatim_log_head SET position = 2",
        )
        .unwrap();
    let ran = run(NOBODY, &["audit", &url], "");
    assert_eq!(ran.code, Some(12), "{ran:?}");
    let ahead = "finding: seen/0 stands at position 3, but the log ends at 2";
    assert!(ran.printed().contains(&ahead.to_owned()), "{ran:?}");
}

#[test]
fn a_store_without_tables_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let url = format!("sqlite://{}", path.display());
    let ran = run(NOBODY, &["audit", &url], "").failed(10);
    assert!(ran.stderr.contains("there are no tables"), "{ran:?}");
    assert!(!path.exists());
}

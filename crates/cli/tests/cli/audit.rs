//! Audits of a store.

use std::time::Duration;

use rusqlite::Connection;
use seriatim_core::{LogPartition, Owner, Share, Taking, Work};

use crate::stage::{ACCOUNT, Stage, run, until};

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
    until("each has begun", || {
        stage.run(&["top", "--json"]).json().len() == 3
    });
    (folder, url)
}

#[test]
fn a_sound_store_is_sound() {
    let (_folder, url) = with_account();
    let ran = run(NOBODY, &["audit", &url], "").succeeded();
    ran.assert_printed(include_str!("../reports/sound.txt"));
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
    ran.assert_printed(include_str!("../reports/damaged.txt"));
    let ran = run(NOBODY, &["audit", &url, "--json"], "");
    assert_eq!(ran.code, Some(12));
    let verdict = &ran.json()[0];
    assert_eq!(
        (&verdict["sound"], &verdict["findings_total"]),
        (&false.into(), &2.into())
    );
    assert_eq!(verdict["findings"][0]["kind"], "position_missing");
}

/// Running it again, or sending it again, would be of no use.
#[test]
fn a_store_without_one_of_its_tables_is_damaged_and_not_away() {
    let (folder, url) = with_account();
    let stage = Stage::on(&url);
    let direct = Connection::open(folder.path().join("bank.db")).unwrap();
    direct.execute_batch("DROP TABLE seriatim_events").unwrap();
    let ran = run(NOBODY, &["audit", &url], "").failed(12);
    assert!(ran.stderr.contains("no such table"), "{ran:?}");
    assert!(ran.stderr.contains("next: restore a backup"), "{ran:?}");
    for arguments in [
        &["send", ACCOUNT, "Deposit", r#"{"cents":1}"#][..],
        &["events", ACCOUNT],
    ] {
        let ran = stage.run(arguments).failed(1);
        assert!(ran.stderr.contains("no such table"), "{ran:?}");
        let next = "next: show this to those who run the server";
        assert!(ran.stderr.contains(next), "{ran:?}");
    }
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
    let ahead = "finding: seen/0 does not belong to this log: the log was replaced, by a backup for example: it was read up to position 3 of partition 0, and ends before that";
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

/// A database without events, in which a read model stands at a position.
async fn only_read_models(folder: &std::path::Path, position: u64) -> String {
    let url = format!("sqlite://{}", folder.join("models.db").display());
    let store = seriatim::open_store(&url).await.unwrap();
    let work = Work {
        component: "balances.v2".parse().unwrap(),
        partition: LogPartition::FIRST,
        share: Share::WHOLE,
    };
    let hour = Duration::from_secs(3600);
    let owner = Owner::new("one");
    let begin = position.to_string().parse().unwrap();
    store.begin(&work.component, &begin).await.unwrap();
    let taking = store.take(&work, &owner, hour).await;
    assert!(matches!(taking, Ok(Taking::Taken(_))), "{taking:?}");
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_in_another_database_are_compared_with_the_log() {
    let (folder, url) = tokio::task::spawn_blocking(with_account).await.unwrap();
    for (position, code) in [(3, 0), (4, 12)] {
        let other = tempfile::tempdir().unwrap();
        let models = only_read_models(other.path(), position).await;
        let ran = run(NOBODY, &["audit", &url, "--read-models", &models], "");
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let compared = "compared with it: 4 checkpoints, 0 parked streams, 0 claims, 0 timers";
        assert!(ran.printed().contains(&compared.to_owned()), "{ran:?}");
        let ahead = "finding: balances.v2/0 does not belong to this log: the log was replaced, by a backup for example: it was read up to position 4 of partition 0, and ends before that";
        assert_eq!(ran.printed().contains(&ahead.to_owned()), code == 12);

        let alone = run(NOBODY, &["audit", &models], "").failed(2);
        assert!(alone.stderr.contains("only read models"), "{alone:?}");
        let reversed = run(NOBODY, &["audit", &url, "--read-models", &url], "").failed(2);
        assert!(reversed.stderr.contains("a log of its own"), "{reversed:?}");
    }
    drop(folder);
}

/// After each thing that can be done at the command line.
#[test]
fn a_healthy_store_is_sound_whatever_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("bank.db").display());
    let stage = Stage::on(&url);
    let done = |arguments: &[&str]| {
        let ran = stage.run(arguments);
        // Also what is parked, which ends with a code of its own.
        assert!(matches!(ran.code, Some(0 | 5)), "{ran:?}");
        let audit = run(NOBODY, &["audit", &url], "").succeeded();
        assert!(audit.stdout.ends_with("verdict: sound\n"), "{audit:?}");
    };
    let letter = |filter: &[&str]| {
        let list = [&["dead-letters", "list", "--json"], filter].concat();
        until("a letter waits", || !stage.run(&list).json().is_empty());
        stage.run(&list).json()[0]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    done(&["send", ACCOUNT, "Open", r#"{"owner":"Ann"}"#]);
    let deposit = ["send", ACCOUNT, "Deposit", r#"{"cents":100}"#];
    done(&[&deposit[..], &["--external-id", "till/1"]].concat());
    done(&[&deposit[..], &["--external-id", "till/1"]].concat());
    done(&[&deposit[..], &["--expect", "0"]].concat());
    done(&[&deposit[..], &["--wait-for", "seen"]].concat());
    let fact = ["record", ACCOUNT, "Deposited", r#"{"cents":5}"#];
    let origin = ["--source", "bank", "--external-id", "t-1"];
    done(&[&fact[..], &origin].concat());
    done(&[&["simulate"], &deposit[1..]].concat());
    let park = ["--expect", "0", "--merge", "manual"];
    for verb in [&["resubmit"][..], &["discard", "--reason", "no"]] {
        for named in [&[][..], &["--external-id", verb[0]]] {
            done(&[&deposit[..], &park, named].concat());
            let id = letter(&["--kind", "command"]);
            done(&["dead-letters", "show", &id]);
            done(&[&["dead-letters", verb[0], &id], &verb[1..]].concat());
        }
    }
    done(&["send", ACCOUNT, "Rename", r#"{"owner":"Bob"}"#]);
    for verb in [&["resubmit"][..], &["discard", "--reason", "no"]] {
        let id = letter(&["--component", "picky"]);
        done(&[&["dead-letters", verb[0], &id], &verb[1..]].concat());
        until("it was tried again, or is closed", || {
            let ran = stage.run(&["dead-letters", "show", &id, "--json"]);
            let letter = &ran.succeeded().json()[0]["letter"];
            letter["status"] == "discarded" || letter["attempts"] != serde_json::json!([])
        });
        done(&["top"]);
    }
    done(&["reactions", "resume", "picky"]);
}

#[test]
fn an_effect_without_its_event_is_named() {
    let (folder, url) = with_account();
    let direct = Connection::open(folder.path().join("bank.db")).unwrap();
    let key = format!("\0seen/{ACCOUNT}/7/0");
    let add = "INSERT INTO seriatim_claims (domain, root, external_id, content, first_result)
         SELECT domain, root, ?, zeroblob(32), '{\"unchanged\":{\"current\":null}}'
         FROM seriatim_events LIMIT 1";
    direct.execute(add, [key]).unwrap();
    let ran = run(NOBODY, &["audit", &url, "--json"], "");
    assert_eq!(ran.code, Some(12), "{ran:?}");
    let verdict = &ran.json()[0];
    assert_eq!(verdict["findings"][0]["kind"], "effect_without_source");
    assert_eq!(
        (&verdict["claims"], &verdict["timers"]),
        (&1.into(), &0.into())
    );
    assert_eq!(verdict["unproven"][0]["kind"], "not_asked");
}

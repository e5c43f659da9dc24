//! The same messages under counters of four scopes, as the program prints them.

use std::process::{Command, Stdio};

use chat::scopes::Report;
use serde_json::{Value, json};

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_chat"))
        .arg("scopes")
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// `scopes.txt` has it all: `cargo run -p chat -- scopes > examples/chat/tests/scopes.txt` writes it anew.
#[test]
fn the_whole_page_is_as_it_was() {
    let printed = printed(&[]);
    for (at, (line, expected)) in printed
        .lines()
        .zip(include_str!("scopes.txt").lines())
        .enumerate()
    {
        assert_eq!(line, expected, "line {}", at + 1);
    }
    assert_eq!(printed, include_str!("scopes.txt"));
}

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    for arguments in [&["scopes"][..], &["scopes", "--json"]] {
        let mut chat = Command::new(env!("CARGO_BIN_EXE_chat"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Before it has anything to print.
        drop(chat.stdout.take());
        let output = chat.wait_with_output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

#[test]
fn json_has_the_same() {
    let report: Value = serde_json::from_str(&printed(&["--json"])).unwrap();
    assert_eq!(
        report["messages"][3],
        json!({"by": "bob", "conversation": "A", "text": "hi"})
    );
    assert_eq!(report["scopes"][1]["name"], "per conversation");
    assert_eq!(
        report["scopes"][1]["numbers"][3],
        json!({"counter": "A", "number": 3})
    );
    assert_eq!(report["sequence_and_position"]["sequence"], 3);
}

/// Each wider scope tells what a narrower one does not, and no counter is wrong about what it tells.
#[tokio::test]
async fn a_scope_tells_the_orders_within_it_and_no_others() {
    let report = Report::make().await.unwrap();
    let told = report.scopes.iter().map(|scope| {
        let kinds = [
            scope.same_sender,
            scope.same_conversation,
            scope.other_conversation,
        ];
        for pairs in kinds.iter().chain([&scope.all]) {
            assert!(pairs.pairs > 0 && pairs.wrong == 0, "{scope:?}");
        }
        let sum = |of: fn(&chat::scopes::Pairs) -> usize| kinds.iter().map(of).sum::<usize>();
        assert_eq!(sum(|pairs| pairs.pairs), scope.all.pairs);
        assert_eq!(sum(|pairs| pairs.told), scope.all.told);
        let is_all = kinds.map(|pairs| pairs.told == pairs.pairs);
        (scope.name, is_all, scope.all.told)
    });
    let told: Vec<_> = told.collect();
    let [user, conversation, partition, global] = &*told else {
        panic!("not four scopes: {told:?}")
    };
    assert_eq!(user.1, [true, false, false]);
    assert_eq!(conversation.1, [false, true, false]);
    assert_eq!(partition.1, [false, true, false]);
    assert_eq!(global.1, [true, true, true]);
    assert!(conversation.2 < partition.2 && partition.2 < global.2);
}

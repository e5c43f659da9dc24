//! Another command in place of a parked one, with an editor and without.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::{ACCOUNT, Ran, Stage, until};

/// A stage with one parked command, and a folder for what is written.
struct Desk {
    stage: Stage,
    folder: TempDir,
    id: String,
}

impl Desk {
    fn new() -> Self {
        let stage = Stage::with_account();
        let rename = r#"{"owner":"Cid"}"#;
        let park = [
            "send", ACCOUNT, "Rename", rename, "--expect", "0", "--merge", "manual",
        ];
        stage.run(&[&park[..], &["--correlation-id", "move-4"]].concat());
        let list = ["dead-letters", "list", "--kind", "command", "--json"];
        let id = stage.run(&list).succeeded().json()[0]["id"].clone();
        Self {
            stage,
            folder: tempfile::tempdir().unwrap(),
            id: id.as_str().unwrap().to_owned(),
        }
    }

    fn write(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("command.json");
        fs::write(&path, text).unwrap();
        path
    }

    fn edit(&self, file: &Path, more: &[&str]) -> Ran {
        let edit = ["dead-letters", "edit", &self.id, "--command"];
        let file = file.to_str().unwrap();
        self.stage
            .run(&[&edit[..], &[file, "--actor", "zoe"], more].concat())
    }

    /// Edits with a script as the editor. Files that are made come into the folder.
    fn edit_in(&self, script: &str) -> Ran {
        let editor = self.folder.path().join("editor.sh");
        fs::write(&editor, script).unwrap();
        let mut edit = Command::new(env!("CARGO_BIN_EXE_seriatim"));
        edit.args(["dead-letters", "edit", &self.id])
            .env("SERIATIM_SERVER", self.stage.server())
            .env("TMPDIR", self.folder.path())
            .env_remove("SERIATIM_ACTOR")
            .env_remove("VISUAL")
            .env("EDITOR", format!("sh {}", editor.display()))
            .stdin(Stdio::null());
        Ran::of(edit.output().unwrap())
    }

    /// Returns the texts of the drafts that are left.
    fn drafts(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let drafts = paths.filter(|path| path.to_string_lossy().contains("dead-letter-"));
        drafts
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }

    fn letter(&self) -> Value {
        let show = ["dead-letters", "show", &self.id, "--json"];
        self.stage.run(&show).succeeded().json()[0]["letter"].clone()
    }

    fn events(&self) -> Vec<Value> {
        self.stage
            .run(&["events", ACCOUNT, "--json"])
            .succeeded()
            .json()
    }
}

const OURS: &str = "{\n  \"type\": \"Rename\",\n  \"data\": {\"owner\": \"Dot\"}\n}\n";

#[test]
fn a_command_from_a_file_takes_the_place_of_a_parked_one() {
    let desk = Desk::new();
    let file = desk.write(OURS);
    let ran = desk.edit(&file, &["--reason", "Cid meant Dot", "--expect", "2"]);
    assert_eq!(
        ran.succeeded().printed(),
        ["UUID: resolved: accepted: events 3 to 3"]
    );
    let attempt = &desk.letter()["attempts"][0];
    assert_eq!(attempt["actor"], "zoe");
    assert_eq!(attempt["reason"], "Cid meant Dot");
    assert_eq!(attempt["closes"], true);
    assert_eq!(attempt["tried"]["action"], "edit");
    assert_eq!(
        attempt["tried"]["commands"][0]["data"],
        json!({ "owner": "Dot" })
    );
    let event = &desk.events()[3];
    assert_eq!(event["causation_id"], json!(desk.id));
    assert_eq!(event["correlation_id"], "move-4");
    assert_eq!(event["actor"], "zoe");
    // Their own files are left alone.
    assert_eq!(fs::read_to_string(&file).unwrap(), OURS);

    let late = desk.edit(&file, &[]).failed(4);
    assert!(
        late.stderr.contains("is resolved already, by zoe at 2"),
        "{late:?}"
    );
    assert!(late.stderr.contains("what you wrote is in"), "{late:?}");
    let shown = desk
        .stage
        .run(&["dead-letters", "show", &desk.id])
        .succeeded();
    assert!(
        shown
            .stdout
            .contains(r#"by zoe (Cid meant Dot) with Rename {"owner":"Dot"}: accepted"#),
        "{shown:?}"
    );
}

#[test]
fn what_is_not_accepted_stays_with_what_was_tried() {
    let desk = Desk::new();
    let file = desk.write(r#"[{"type":"Withdraw","data":{"cents":500}}]"#);
    let ran = desk.edit(&file, &["--json"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(ran.json()[0]["status"], "parked");
    let letter = desk.letter();
    let tried = &letter["attempts"][0]["tried"]["commands"][0];
    assert_eq!(
        (&tried["type"], &tried["data"]["cents"]),
        (&json!("Withdraw"), &json!(500))
    );
    assert_eq!(letter["attempts"][0]["closes"], false);
    let moved = desk.edit(&file, &["--expect", "1"]).failed(4);
    assert!(
        moved.stderr.contains("does not stand where you looked"),
        "{moved:?}"
    );
    assert_eq!(desk.letter(), letter);
    assert_eq!(desk.events().len(), 3);
}

#[test]
fn a_mistake_is_told_with_its_line_and_nothing_is_lost() {
    let desk = Desk::new();
    let before = desk.letter();
    for (text, code, said) in [
        ("{\n\n  \"type\": }", 2, "line 3: it is not JSON"),
        (
            "{\n\"type\": \"Rename\",\n\"date\": {}}",
            2,
            "line 3: a command has",
        ),
        ("\n\n", 2, "it is not JSON"),
        ("[]", 6, "commands"),
        ("{\"type\": \"Sing\", \"data\": {}}", 6, "Sing"),
        (
            "{\"type\": \"Rename\",\n\n \"data\": {\n\"ovner\": 1}}",
            6,
            "line 4",
        ),
    ] {
        let file = desk.write(text);
        let ran = desk.edit(&file, &[]).failed(code);
        assert!(ran.stderr.contains(said), "{text:?}: {ran:?}");
        let kept = format!("what you wrote is in {}", file.display());
        assert!(ran.stderr.contains(&kept), "{ran:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        let ran = desk.edit(&file, &["--json"]).failed(code);
        let error: Value = serde_json::from_str(&ran.stderr).unwrap();
        assert_eq!(error["details"]["file"], file.to_str().unwrap(), "{ran:?}");
    }
    let missing = desk.folder.path().join("missing.json");
    desk.edit(&missing, &[]).failed(2);
    assert_eq!(desk.letter(), before);
}

#[test]
fn what_came_from_stdin_is_kept_in_a_file_if_it_is_refused() {
    let desk = Desk::new();
    let edit = ["dead-letters", "edit", &desk.id, "--command", "-"];
    let ran = desk
        .stage
        .run_with(&[&edit[..], &["--json"]].concat(), "{\"type\":");
    let ran = ran.failed(2);
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    let kept = error["details"]["file"].as_str().unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "{\"type\":");
    fs::remove_file(kept).unwrap();
    desk.stage.run_with(&edit, OURS).succeeded();
    assert_eq!(desk.events().len(), 4);
}

#[test]
fn an_editor_is_opened_with_the_parked_command() {
    let desk = Desk::new();
    let ran = desk.edit_in("cp \"$1\" \"$1.seen\"; sed -i s/Cid/Dot/ \"$1\"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(desk.events()[3]["data"], json!({ "owner": "Dot" }));
    // What was shown, and nothing else: the draft is gone.
    let parked = "{\n  \"type\": \"Rename\",\n  \"data\": {\n    \"owner\": \"Cid\"\n  }\n}\n";
    assert_eq!(desk.drafts(), [parked]);
    let closed = desk.edit_in("touch opened").failed(4);
    assert!(closed.stderr.contains("is resolved already"), "{closed:?}");
    assert_eq!(desk.drafts(), [parked]);
}

#[test]
fn an_editor_that_does_not_help_loses_nothing() {
    let desk = Desk::new();
    let unchanged = desk.edit_in("true").failed(2);
    assert!(
        unchanged.stderr.contains("nothing was changed"),
        "{unchanged:?}"
    );
    let failed = desk.edit_in("exit 3").failed(2);
    assert!(failed.stderr.contains("nothing was sent"), "{failed:?}");
    assert_eq!(desk.drafts(), Vec::<String>::new());

    let broken = desk.edit_in("echo oops >> \"$1\"; exit 1").failed(2);
    assert!(broken.stderr.contains("what you wrote is in"), "{broken:?}");
    let slip = desk.edit_in("echo '{' > \"$1\"").failed(2);
    assert!(slip.stderr.contains("line 2: it is not JSON"), "{slip:?}");
    let mut drafts = desk.drafts();
    drafts.sort();
    assert_eq!(drafts.len(), 2);
    assert!(
        drafts.iter().any(|draft| draft.ends_with("}\noops\n")),
        "{drafts:?}"
    );
    assert!(drafts.contains(&"{\n".to_owned()), "{drafts:?}");
    assert_eq!(desk.letter()["attempts"], json!([]));
}

#[test]
fn without_an_editor_it_is_said_how_else() {
    let desk = Desk::new();
    let mut edit = Command::new(env!("CARGO_BIN_EXE_seriatim"));
    edit.args(["dead-letters", "edit", &desk.id])
        .env("SERIATIM_SERVER", desk.stage.server())
        .env("TMPDIR", desk.folder.path())
        .env_remove("VISUAL")
        .env("EDITOR", " ")
        .stdin(Stdio::null());
    let ran = Ran::of(edit.output().unwrap()).failed(2);
    assert!(ran.stderr.contains("--command FILE"), "{ran:?}");
    assert_eq!(desk.drafts(), Vec::<String>::new());
}

/// What people wrote and what they named does nothing to a terminal.
#[test]
fn hostile_edits_are_shown_without_harm() {
    let desk = Desk::new();
    let hostile = "\u{1b}[2J\u{202e}\nforged: yes";
    let text = json!({ "type": hostile, "data": { "cents": hostile } }).to_string();
    let file = desk.write(&text);
    let refused = desk.edit(&file, &[]).failed(6);
    let withdraw = json!({ "type": "Withdraw", "data": { "cents": 500 } }).to_string();
    let file = desk.write(&withdraw);
    desk.edit(&file, &["--reason", hostile]);
    let shown = desk.stage.run(&["dead-letters", "show", &desk.id]);
    let listed = desk
        .stage
        .run(&["dead-letters", "show", &desk.id, "--json"]);
    for ran in [refused, shown, listed] {
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
            assert!(
                !text.lines().any(|line| line.starts_with("forged")),
                "{text}"
            );
        }
    }
}

/// An event has happened: it cannot be edited, and that is said before an editor is opened.
#[test]
fn an_event_that_was_given_up_is_not_edited() {
    let desk = Desk::new();
    let list = ["dead-letters", "list", "--component", "picky", "--json"];
    let mut id = Value::Null;
    until("the event is given up", || {
        let letters = desk.stage.run(&list).succeeded().json();
        id = letters
            .first()
            .map_or(Value::Null, |letter| letter["id"].clone());
        !id.is_null()
    });
    let id = id.as_str().unwrap();
    let file = desk.write(OURS);
    let file = file.to_str().unwrap();
    let edit = ["dead-letters", "edit", id];
    for ran in [
        desk.stage.run(&edit),
        desk.stage.run(&[&edit[..], &["--command", file]].concat()),
    ] {
        let ran = ran.failed(6);
        assert!(ran.stderr.contains("an event has happened"), "{ran:?}");
    }
}

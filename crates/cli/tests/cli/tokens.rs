//! Makes, lists and revokes API tokens, over a server and on a store itself.

use std::io::Write as _;

use serde_json::Value;
use seriatim::security::{Access, KnownToken, Policy, Rights, Token, Tokens, Verb};
use tempfile::NamedTempFile;

use crate::stage::{Ran, Stage, run};

/// Checks that it succeeded. It may say something to people too.
fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

/// A server that asks who its callers are, and an administrator.
struct Asking {
    stage: Stage,
    /// The token of the administrator.
    token: NamedTempFile,
}

impl Asking {
    fn new() -> Self {
        let admin = Rights::default()
            .grant(Verb::Admin, [])
            .grant(Verb::ActFor, []);
        let policy = Policy {
            roles: [("admin", admin), ("clerk", Rights::default())]
                .map(|(name, rights)| (name.to_owned(), rights))
                .into(),
            ..Policy::default()
        };
        let token = Token::generate().unwrap();
        let access = Access::new(policy, Tokens::default());
        access.tokens().put(KnownToken {
            id: token.id(),
            digest: token.digest(),
            name: "root".into(),
            roles: vec!["admin".into()],
            expires: None,
            revoked: false,
            last_used: None,
        });
        Self {
            stage: Stage::with("memory:", |app| app.access(access)),
            token: {
                let mut file = NamedTempFile::new().unwrap();
                writeln!(file, "{}", token.reveal()).unwrap();
                file
            },
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let token = format!("@{}", self.token.path().display());
        self.stage.run(&[&["--token", &token], arguments].concat())
    }
}

const ID: &str = "01920000-0000-7000-8000-000000000000";

#[test]
fn a_token_is_made_listed_and_revoked_over_a_server() {
    let stage = Asking::new();
    let made = stage.run(&[
        "--actor",
        "ann",
        "tokens",
        "create",
        "billing",
        "--role",
        "clerk",
        "--expires",
        "90d",
    ]);
    let made = done(made);
    assert_eq!(
        made.stdout.len(),
        101,
        "the token alone, so that it can go into a file"
    );
    assert!(made.stdout.starts_with("srt_") && !made.stderr.contains(made.stdout.trim()));

    let listed = stage.run(&["--json", "tokens", "list"]).succeeded();
    let token: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(
        (&token["name"], &token["created_by"]),
        (&"billing".into(), &"ann via root".into())
    );
    assert_eq!(
        (&token["roles"][0], &token["revoked"]),
        (&"clerk".into(), &Value::Null)
    );
    assert!(token.get("digest").is_none() && !listed.stdout.contains(&made.stdout[36..100]));
    assert!(
        stage
            .run(&["tokens", "list"])
            .succeeded()
            .stdout
            .contains("never used")
    );

    let id = token["id"].as_str().unwrap();
    stage.run(&["tokens", "revoke", id]).succeeded();
    stage.run(&["tokens", "revoke", id]).succeeded();
    assert!(
        stage
            .run(&["tokens", "list"])
            .succeeded()
            .stdout
            .contains("revoked 20")
    );
    let unknown = stage.run(&["tokens", "revoke", ID]);
    assert_eq!(unknown.code, Some(8), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("seriatim tokens list"));
}

#[test]
fn the_first_token_is_made_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite://{}", folder.path().join("first.db").display());
    let seriatim = |arguments: &[&str]| {
        let all = [arguments, &["--store", &store]].concat();
        run("http://127.0.0.1:1", &all, "")
    };
    let hint = done(seriatim(&["tokens", "list"]));
    assert!(hint.stdout.is_empty() && hint.stderr.contains("tokens create"));
    let made = seriatim(&["--json", "tokens", "create", "admin", "--role", "admin"]).succeeded();
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let listed = seriatim(&["--json", "tokens", "list"]).succeeded();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["id"], made["id"]);
    seriatim(&["tokens", "revoke", made["id"].as_str().unwrap()]).succeeded();
    assert_eq!(seriatim(&["tokens", "revoke", ID]).code, Some(8));
    assert_eq!(seriatim(&["tokens", "create", "timer:x"]).code, Some(6));
}

#[test]
fn what_is_typed_wrong_is_refused_before_anything_is_asked() {
    for arguments in [
        &["tokens", "create"][..],
        &["tokens", "create", "x", "--expires", "90"],
        &["tokens", "create", "x", "--expires", "0d"],
        &["tokens", "create", "x", "--expires", "-1d"],
        &["tokens", "create", "x", "--expires", "ä"],
        &["tokens", "revoke", "srt_1"],
    ] {
        let refused = run("http://127.0.0.1:1", arguments, "");
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.stderr);
    }
}

#[test]
fn a_token_goes_into_a_file_that_only_its_owner_reads() {
    let stage = Asking::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("billing.token");
    let file = path.to_str().unwrap();
    let create = ["tokens", "create", "billing", "--output", file];
    let made = done(stage.run(&create));
    assert_eq!(made.stdout, "");
    let token = std::fs::read_to_string(&path).unwrap();
    assert!(token.starts_with("srt_") && !made.stderr.contains(token.trim()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Nothing is overwritten, and no token is made that nobody gets.
    assert_ne!(stage.run(&create).code, Some(0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), token);
    let listed = stage.run(&["--json", "tokens", "list"]).succeeded();
    assert_eq!(listed.stdout.lines().count(), 1);
    // A token that is refused leaves no file.
    let other = folder.path().join("other.token");
    let refused = [
        "tokens",
        "create",
        "saga:x",
        "--output",
        other.to_str().unwrap(),
    ];
    assert_ne!(stage.run(&refused).code, Some(0));
    assert!(!other.exists());
}

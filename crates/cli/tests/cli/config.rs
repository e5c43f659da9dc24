//! Checks a configuration without a server.

use std::fs;

use serde_json::Value;

use crate::stage::run;

const GOOD: &str = r#"
[authentication]
tokens = true
[roles.clerk]
submit = ["order", "stock"]
operate = true
[principals.billing]
roles = ["clerk"]
[principals.ann]
"#;

#[test]
fn a_configuration_is_checked_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seriatim.toml");
    let path = file.display().to_string();
    let check = |arguments: &[&str]| {
        run(
            "http://127.0.0.1:1",
            &[&["config", "check", &path], arguments].concat(),
            "",
        )
    };
    assert_eq!(check(&[]).code, Some(8));

    fs::write(&file, GOOD).unwrap();
    let explained = check(&[]).succeeded();
    assert_eq!(
        explained.printed(),
        [
            "callers: show who they are by API tokens",
            "principal  ann      nothing",
            "principal  billing  submit: order stock; operate",
            "role       clerk    submit: order stock; operate",
        ]
    );
    let json: Value = serde_json::from_str(&check(&["--json"]).succeeded().stdout).unwrap();
    assert_eq!(
        json["principals"]["billing"]["rights"]["submit"][1],
        "stock"
    );

    fs::write(
        &file,
        GOOD.replace("clerk\"]", "clark\"]")
            .replace("tokens", "tokns"),
    )
    .unwrap();
    let wrong = check(&[]);
    assert_eq!(wrong.code, Some(6));
    let printed = wrong.printed();
    assert_eq!(printed.len(), 2, "{printed:?}");
    assert!(printed[0].starts_with(&format!("{path}:3:1: `authentication.tokns` is no key")));
    assert!(printed[1].contains("did you mean `clerk`?"));
    assert!(wrong.stderr.contains("2 faults"));
    let json = check(&["--json"]);
    let first: Value = serde_json::from_str(json.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["line"], &first["key"]),
        (&3.into(), &"authentication.tokns".into())
    );
}

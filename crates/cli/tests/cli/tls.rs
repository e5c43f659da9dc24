//! Certificates for a trial, and what is shown to a server.

use std::fs;
use std::path::Path;
use std::process::Command;

use seriatim::security::tls::{ClientCertificates, Identity, Pem, ServerTls, TlsOptions};

use crate::stage::{Ran, Stage, run};

const NOBODY: &str = "http://127.0.0.1:1";
const TOKEN: &str = "srt_planted";

fn make_trial(folder: &Path, more: &[&str]) -> Ran {
    let folder = folder.to_str().unwrap();
    let arguments = ["certs", "make-trial", "--folder", folder];
    run(NOBODY, &[&arguments[..], more].concat(), "")
}

fn server(folder: &Path, client_is_required: bool) -> ServerTls {
    ServerTls::new(TlsOptions {
        identity: Identity::files(folder.join("server.pem"), folder.join("server.key")),
        clients: Some(ClientCertificates {
            ca: Pem::File(folder.join("ca.pem")),
            required: client_is_required,
        }),
    })
    .unwrap()
}

#[test]
fn the_certificates_of_a_trial_are_enough_for_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("certs");
    let made = make_trial(&certs, &["--host", "orders.example.com", "--json"]).succeeded();
    let made = &made.json()[0];
    assert_eq!(
        made["server"]["hosts"].to_string(),
        r#"["localhost","127.0.0.1","::1","orders.example.com"]"#
    );
    let stage = Stage::with("memory:", |app| app.tls(server(&certs, true)));
    let url = stage
        .server()
        .replace("http://127.0.0.1", "https://localhost");
    let file = |name: &str| certs.join(name).display().to_string();
    let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    assert_eq!(made["client"]["key"], key);
    let with_ca = ["domains", "--server", &url, "--ca", &ca];
    let whole = [&with_ca[..], &["--cert", &cert, "--key", &key]].concat();
    let listed = stage.run(&whole).succeeded();
    assert!(listed.stdout.contains("account"), "{listed:?}");

    let wanted = stage.run(&with_ca).failed(7);
    assert!(
        wanted.stderr.contains("--cert FILE --key FILE"),
        "{wanted:?}"
    );
    let unknown = stage.run(&["domains", "--server", &url]);
    assert!(unknown.stderr.contains("--ca FILE"), "{unknown:?}");
    let plain = stage.run(&["domains"]).failed(7);
    assert!(plain.stderr.contains("https://HOST:PORT"), "{plain:?}");
    // To ask again would not help.
    assert!(!plain.stderr.contains("next:"), "{plain:?}");
    let half = stage.run(&[&with_ca[..], &["--cert", &cert]].concat());
    assert!(half.failed(2).stderr.contains("both --cert and --key"));
}

#[test]
fn a_plain_server_is_told_apart_from_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    make_trial(folder.path(), &[]);
    let stage = Stage::new();
    let ca = folder.path().join("ca.pem").display().to_string();
    let url = stage.server().replace("http", "https");
    let refused = stage
        .run(&["domains", "--server", &url, "--ca", &ca])
        .failed(7);
    assert!(refused.stderr.contains("http://HOST:PORT"), "{refused:?}");
}

#[test]
fn a_trial_overwrites_nothing_and_makes_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("client.pem");
    fs::write(&there, "mine").unwrap();
    let refused = make_trial(folder.path(), &[]).failed(6);
    assert!(refused.stderr.contains("is there already"), "{refused:?}");
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::remove_file(&there).unwrap();
    assert_eq!(make_trial(folder.path(), &[]).code, Some(0));
    assert_eq!(make_trial(folder.path(), &[]).code, Some(6));
    for host in ["", "two words", "http://localhost", "\u{1b}[1m"] {
        let refused = make_trial(&folder.path().join("other"), &["--host", host]);
        assert!(!refused.failed(2).stderr.contains('\u{1b}'), "{host}");
    }
    assert!(!folder.path().join("other").exists());
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    make_trial(folder.path(), &[]);
    for key in ["server.key", "client.key"] {
        let metadata = fs::metadata(folder.path().join(key)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{key}");
    }
}

/// Runs the binary with a token in the environment.
fn with_token(token: &str, arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_seriatim"))
        .args(arguments)
        .env("SERIATIM_TOKEN", token)
        .output()
        .unwrap();
    String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap()
}

#[test]
fn a_token_on_the_command_line_is_warned_of_and_elsewhere_not() {
    const WARNING: &str = "warning: other users of this machine can see a token";
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    set_mode(&file, 0o600);
    let at_file = format!("@{}", file.display());
    for arguments in [["domains", "--token", TOKEN], ["--token", TOKEN, "domains"]] {
        let ran = stage.run(&arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stderr.starts_with(WARNING), "{ran:?}");
        assert!(!ran.stderr.contains(TOKEN), "{ran:?}");
    }
    stage.run(&["domains", "--token", &at_file]).succeeded();
    for token in [TOKEN, &at_file] {
        let said = with_token(token, &["domains", "--server", stage.server()]);
        assert!(
            !said.contains("warning") && !said.contains("error"),
            "{said}"
        );
    }
    for help in ["--help", "help"] {
        let said = with_token(TOKEN, &[help]);
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[test]
fn a_token_stays_where_it_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, TOKEN).unwrap();
    set_mode(&file, 0o644);
    let at_file = format!("@{}", file.display());
    let refused = run(NOBODY, &["domains", "--token", &at_file], "").failed(2);
    assert!(refused.stderr.contains("run `chmod 600 "), "{refused:?}");
    set_mode(&file, 0o600);
    // Nobody answers at this address, which is of the range for documentation.
    let elsewhere = [
        "domains",
        "--server",
        "http://192.0.2.1:1",
        "--timeout",
        "1",
    ];
    let with_token = [&elsewhere[..], &["--token", &at_file]].concat();
    let refused = run(NOBODY, &with_token, "").failed(2);
    assert!(refused.stderr.contains("--token-in-clear"), "{refused:?}");
    assert!(!refused.stderr.contains(TOKEN), "{refused:?}");
    let allowed = [&with_token[..], &["--token-in-clear"]].concat();
    run(NOBODY, &allowed, "").failed(7);
    let missing = run(NOBODY, &["domains", "--token", "@no/such/file"], "").failed(2);
    assert!(missing.stderr.contains("`no/such/file`"), "{missing:?}");
}

#[cfg(unix)]
fn set_mode(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

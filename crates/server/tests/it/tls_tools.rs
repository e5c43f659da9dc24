//! Checks the gRPC door with the TLS and the gRPC of others: OpenSSL, and Python's `grpcio`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use prost::Message as _;
use seriatim_proto::v1;

use crate::certificates::{Authority, clients_of};
use crate::rig::*;
use crate::tls_rig::*;

const HOUR: Duration = Duration::from_secs(3600);
const CLIENT: &str = include_str!("client.py");

/// Runs a program to its end. `install` says how to get it.
async fn run(program: PathBuf, arguments: Vec<String>, install: &str) -> Output {
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null());
    let running = tokio::task::spawn_blocking(move || command.output());
    match running.await.unwrap() {
        Ok(output) => output,
        Err(error) => panic!(
            "{} cannot be started ({error}): {install}",
            program.display()
        ),
    }
}

async fn openssl(rig: &Rig, ca: &Path, options: &str) -> (bool, String) {
    let always = format!(
        "s_client -connect {} -CAfile {} -verify_return_error -verify_ip 127.0.0.1",
        address(rig),
        ca.display()
    );
    let arguments = [always.as_str(), options].join(" ");
    let arguments = arguments.split(' ').map(ToOwned::to_owned).collect();
    let output = run("openssl".into(), arguments, "install the package `openssl`").await;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: it needs the program `openssl`"]
async fn long_openssl_agrees_on_versions_and_protocols() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    for (options, version) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let (is_ok, said) = openssl(&rig, &ca, &format!("{options} -alpn h2,http/1.1")).await;
        assert!(is_ok, "{said}");
        for expected in [version, "ALPN protocol: h2", "Verify return code: 0 (ok)"] {
            assert!(said.contains(expected), "{expected} is missing in {said}");
        }
        assert!(!said.contains("Reused, "), "{said}");
    }
    // A client that does not say what it speaks.
    let (is_ok, said) = openssl(&rig, &ca, "-tls1_3").await;
    assert!(is_ok && said.contains("No ALPN negotiated"), "{said}");
    // Old ciphers are allowed, so that OpenSSL offers these versions at all.
    for refused in [
        "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
        "-tls1 -cipher DEFAULT@SECLEVEL=0",
        "-tls1_3 -alpn http/1.1",
        "-tls1_2 -cipher AES128-SHA",
    ] {
        let (is_ok, said) = openssl(&rig, &ca, refused).await;
        assert!(!is_ok, "{refused}: {said}");
        assert!(said.contains("alert"), "{refused}: {said}");
    }
    std::fs::write(&ca, Authority::new("theirs").pem()).unwrap();
    let (is_ok, said) = openssl(&rig, &ca, "-tls1_3").await;
    assert!(!is_ok, "{said}");
}

/// Returns a Python with `grpcio`, in a folder below `target` where it stays for the next time.
async fn python() -> PathBuf {
    const INSTALL: &str =
        "install Python 3.9 or newer with its module `venv` (on Debian: `python3-venv`)";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-grpc");
    let python = folder.join("bin/python");
    let has_grpc = || {
        run(
            python.clone(),
            vec!["-c".into(), "import grpc".into()],
            INSTALL,
        )
    };
    if python.exists() && has_grpc().await.status.success() {
        return python;
    }
    let arguments = ["-m", "venv", folder.to_str().unwrap()].map(ToOwned::to_owned);
    let made = run("python3".into(), arguments.into(), INSTALL).await;
    assert!(made.status.success(), "{made:?}: {INSTALL}");
    let arguments = ["-m", "pip", "install", "--quiet", "grpcio"].map(ToOwned::to_owned);
    let made = run(python.clone(), arguments.into(), INSTALL).await;
    assert!(
        made.status.success(),
        "`{} -m pip install grpcio` failed: {made:?}",
        python.display()
    );
    python
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: it installs `grpcio` from PyPI below target/ at the first time"]
async fn long_python_sends_a_command() {
    let python = python().await;
    let (authority, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = authority.server();
    let server = server.server_for(clients_of(&authority, true)).unwrap();
    let rig = start(server).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let pair = authority.signed(&["client"], &[], HOUR);
    let strange = theirs.signed(&["client"], &[], HOUR);
    let script = write("client.py", CLIENT);
    let ca = write("ca.pem", &authority.pem());
    let theirs = write("theirs.pem", &theirs.pem());
    let message = ask(&till(), "Fill", r#"{"coins":1}"#).encode_to_vec();
    let message: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
    let call = async |ca: &str, pair: &crate::certificates::Pair| {
        let certificate = write("client.pem", &pair.certificate);
        let key = write("client.key", &pair.key);
        let address = address(&rig);
        let arguments = [
            &script,
            address,
            ca,
            &certificate,
            &key,
            "srt_token",
            &message,
        ];
        let arguments = arguments.map(str::to_owned).into();
        run(python.clone(), arguments, "").await
    };
    let called = call(&ca, &pair).await;
    assert!(called.status.success(), "{called:?}");
    let said = String::from_utf8(called.stdout).unwrap();
    let answers: Vec<_> = said.lines().map(unhex).collect();
    // HealthCheckResponse { status: SERVING }
    assert_eq!(answers[0], [8, 1]);
    let answer = v1::SubmitResponse::decode(&answers[1][..]).unwrap();
    committed(&answer);
    for (ca, pair) in [(&theirs, &pair), (&ca, &strange)] {
        let called = call(ca, pair).await;
        assert!(!called.status.success(), "{called:?}");
        let said = String::from_utf8_lossy(&called.stderr).into_owned();
        assert!(said.contains("UNAVAILABLE"), "{said}");
    }
}

fn unhex(line: &str) -> Vec<u8> {
    let pairs = (0..line.len() / 2).map(|at| &line[2 * at..2 * at + 2]);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

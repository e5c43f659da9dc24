//! Checks what TLS is made of, and how it is taken into use.

mod certificates;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use certificates::{Authority, Files, Pair, clients_of};
use metrics_exporter_prometheus::PrometheusBuilder;
use rustls::HandshakeKind;
use seriatim_security::tls::{
    Accepted, ClientTls, Identity, Pem, Protocol, ServerTls, TlsError, TlsOptions, TlsProblem,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// Shakes hands over memory. Returns what each side says of it.
async fn shake_hands(
    server: &ServerTls,
    client: &ClientTls,
) -> (
    std::io::Result<Accepted<DuplexStream>>,
    Result<(), Option<TlsProblem>>,
) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (accepted, connected) = tokio::join!(
        server.accept(near, Protocol::Http2),
        client.connect("localhost", far)
    );
    let connected = connected.map(drop);
    (accepted, connected.map_err(|error| TlsProblem::of(&error)))
}

async fn is_served(server: &ServerTls, authority: &Authority) -> bool {
    let client = ClientTls::new(Some(&Pem::text(authority.pem())), None).unwrap();
    shake_hands(server, &client).await.1.is_ok()
}

#[tokio::test]
async fn a_client_certificate_gives_its_dns_names_and_uris() {
    let authority = Authority::new("ours");
    let server = authority.server();
    let server = server.server_for(clients_of(&authority, true)).unwrap();
    let pair = authority.signed(
        &["Billing.Example.com", "127.0.0.1"],
        &["spiffe://example.com/billing"],
        Duration::from_secs(3600),
    );
    let ca = Pem::text(authority.pem());
    let client = ClientTls::new(Some(&ca), Some(&pair.identity())).unwrap();
    let (accepted, connected) = shake_hands(&server, &client).await;
    connected.unwrap();
    let shown = accepted.unwrap().client.unwrap();
    assert_eq!(
        shown.names[..],
        ["billing.example.com", "spiffe://example.com/billing"]
    );
    let left = shown.expires.duration_since(SystemTime::now()).unwrap();
    assert!(left <= Duration::from_secs(3600), "{left:?}");
}

/// Without this an authority that checks DNS names alone could be deceived.
#[tokio::test]
async fn a_dns_name_that_looks_like_a_uri_is_no_name() {
    let authority = Authority::new("ours");
    let server = authority.server();
    let server = server.server_for(clients_of(&authority, true)).unwrap();
    let pair = authority.signed(
        &["spiffe://example.com/admin"],
        &[],
        Duration::from_secs(60),
    );
    let ca = Pem::text(authority.pem());
    let client = ClientTls::new(Some(&ca), Some(&pair.identity())).unwrap();
    let (accepted, _) = shake_hands(&server, &client).await;
    let names = &accepted.unwrap().client.unwrap().names;
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn what_cannot_be_used_is_refused_with_what_is_wrong() {
    let authority = Authority::new("ours");
    let (ours, other) = (authority.server(), authority.server());
    let half = &ours.certificate[..ours.certificate.len() / 2];
    let is = |pair: Pair, expected: fn(&TlsError) -> bool| {
        let error = pair.server_for(None).unwrap_err();
        assert!(expected(&error), "{error:?}");
        let text = error.to_string();
        assert!(!text.contains(&ours.key[30..60]), "{text}");
    };
    let pair = |certificate: &str, key: &str| Pair {
        certificate: certificate.into(),
        key: key.into(),
    };
    is(pair(&ours.certificate, &other.key), |error| {
        matches!(error, TlsError::Mismatch { .. })
    });
    is(pair(half, &ours.key), |error| {
        matches!(error, TlsError::NoPem { .. })
    });
    is(pair("", &ours.key), |error| {
        matches!(error, TlsError::NoCertificate { .. })
    });
    is(pair(&ours.key, &ours.key), |error| {
        matches!(error, TlsError::NoCertificate { .. })
    });
    for no_key in ["", &ours.certificate, &ours.key[..ours.key.len() / 2]] {
        is(pair(&ours.certificate, no_key), |error| {
            matches!(error, TlsError::NoKey { .. })
        });
    }
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    is(pair(garbage, &ours.key), |error| {
        matches!(error, TlsError::Certificate { .. })
    });
    let error = ours.server_for(Some(seriatim_security::tls::ClientCertificates {
        ca: Pem::text(garbage),
        required: true,
    }));
    assert!(
        matches!(error, Err(TlsError::Authority { .. })),
        "{error:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), &Authority::new("ours").server());
    let is_of_root = fs::metadata(&files.key).unwrap().uid() == 0;
    for (mode, is_accepted) in [
        (0o600, true),
        (0o400, true),
        // Its group may read a file of root, because an orchestrator gives a program its secrets so.
        (0o640, is_of_root),
        (0o604, false),
        (0o620, false),
    ] {
        files.set_mode(mode);
        match ServerTls::new(files.options()) {
            Ok(_) => assert!(is_accepted, "{mode:o}"),
            Err(error) => {
                assert!(!is_accepted, "{mode:o}: {error}");
                let mend = format!("run `chmod 600 {}`", files.key.display());
                assert!(error.to_string().contains(&mend), "{error}");
            }
        }
    }
    files.set_mode(0o644);
    let identity = Identity::files(&files.certificate, &files.key);
    let client = ClientTls::new(Some(&Pem::File(files.certificate)), Some(&identity));
    assert!(
        matches!(client, Err(TlsError::Exposed { .. })),
        "{client:?}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), &Authority::new("ours").server());
    fs::remove_file(&files.certificate).unwrap();
    let error = ServerTls::new(files.options()).unwrap_err().to_string();
    let name = files.certificate.display().to_string();
    assert!(error.contains(&name), "{error}");
}

#[tokio::test]
async fn other_certificates_are_in_use_once_their_files_are_whole() {
    let (ours, next) = (Authority::new("ours"), Authority::new("next"));
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), &ours.server());
    let server = ServerTls::new(files.options()).unwrap();
    assert!(!server.reload().unwrap(), "nothing has changed");

    let pair = next.server();
    // Half of the certificate, then all of it beside the former key, then half of the key.
    let half = &pair.certificate[..pair.certificate.len() / 2];
    fs::write(&files.certificate, half).unwrap();
    assert!(matches!(server.reload(), Err(TlsError::NoPem { .. })));
    fs::write(&files.certificate, &pair.certificate).unwrap();
    assert!(matches!(server.reload(), Err(TlsError::Mismatch { .. })));
    files.write_key(&pair.key[..pair.key.len() / 2]);
    assert!(matches!(server.reload(), Err(TlsError::NoKey { .. })));
    fs::remove_file(&files.key).unwrap();
    assert!(matches!(server.reload(), Err(TlsError::Read { .. })));
    assert!(is_served(&server, &ours).await);
    assert!(!is_served(&server, &next).await);

    files.write_key(&pair.key);
    assert!(server.reload().unwrap());
    assert!(is_served(&server, &next).await);
    assert!(!is_served(&server, &ours).await);
}

/// As a mounted secret changes: one link is exchanged, and the dates of the files are older than before.
#[cfg(unix)]
#[tokio::test]
async fn files_behind_a_link_that_is_exchanged_are_taken_into_use() {
    use std::os::unix::fs::symlink;
    let (ours, next) = (Authority::new("ours"), Authority::new("next"));
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for (name, authority) in [("second", &next), ("first", &ours)] {
        fs::create_dir(place(name)).unwrap();
        Files::new(&place(name), &authority.server());
    }
    symlink("first", place("current")).unwrap();
    let identity = Identity::files(
        place("current").join("server.pem"),
        place("current").join("server.key"),
    );
    let clients = None;
    let server = ServerTls::new(TlsOptions { identity, clients }).unwrap();
    symlink("second", place("next")).unwrap();
    fs::rename(place("next"), place("current")).unwrap();
    assert!(server.reload().unwrap());
    assert!(is_served(&server, &next).await);
    assert!(!is_served(&server, &ours).await);
}

#[test]
fn a_failed_reload_is_counted_once_for_each_content() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let ours = Authority::new("ours");
        let folder = tempfile::tempdir().unwrap();
        let pair = ours.server();
        let files = Files::new(folder.path(), &pair);
        let server = ServerTls::new(files.options()).unwrap();
        let counted = |expected: u64| {
            let line = format!("seriatim_tls_reload_failures_total {expected}\n");
            let shown = handle.render();
            assert!(shown.contains(&line), "{shown}");
        };
        for (failures, key) in [(1, "one"), (2, "two"), (3, "one")] {
            files.write_key(key);
            for _ in 0..3 {
                server.reload().unwrap_err();
            }
            counted(failures);
        }
        // The former content is no change, and what was wrong before is news again.
        files.write(&pair);
        assert!(!server.reload().unwrap());
        files.write_key("one");
        server.reload().unwrap_err();
        counted(4);
    });
}

/// Of two looks at once none puts older files in force than another has seen.
#[tokio::test(flavor = "multi_thread")]
async fn reloads_at_once_end_with_the_last_files() {
    let authorities = [Authority::new("one"), Authority::new("other")];
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), &authorities[0].server());
    let server = ServerTls::new(files.options()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    // Between the two files of a pair it fails.
                    let _ = server.reload();
                }
            });
        }
        for round in 1..=40 {
            files.write(&authorities[round % 2].server());
        }
        is_over.store(true, Relaxed);
    });
    let _ = server.reload();
    assert!(is_served(&server, &authorities[0]).await);
}

/// A resumed session is not verified again, although its client certificate may have expired meanwhile.
#[tokio::test]
async fn sessions_are_not_resumed() {
    let authority = Authority::new("ours");
    let server = authority.server();
    let server = server.server_for(clients_of(&authority, true)).unwrap();
    let pair = authority.signed(&["client"], &[], Duration::from_secs(3600));
    let ca = Pem::text(authority.pem());
    let client = ClientTls::new(Some(&ca), Some(&pair.identity())).unwrap();
    for _ in 0..2 {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let accepting = async {
            let mut accepted = server.accept(near, Protocol::Http2).await.unwrap();
            accepted.stream.write_all(b"x").await.unwrap();
            accepted.stream.flush().await.unwrap();
        };
        let connecting = async {
            let mut stream = client.connect("localhost", far).await.unwrap();
            // A ticket would come before what is sent.
            stream.read_u8().await.unwrap();
            stream.get_ref().1.handshake_kind()
        };
        let ((), kind) = tokio::join!(accepting, connecting);
        assert_eq!(kind, Some(HandshakeKind::Full));
    }
}

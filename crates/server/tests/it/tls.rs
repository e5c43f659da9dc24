//! Checks the gRPC door with TLS: what is sent to it, and certificates that change and expire.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use seriatim_core::{Begin, EventFilter};
use seriatim_security::tls::{ServerTls, TlsProblem};
use seriatim_testkit::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::certificates::{Authority, Files, clients_of};
use crate::rig::*;
use crate::tls_rig::*;

/// What a client of HTTP/2 begins with: the greeting, and its settings.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Sends something without TLS. Returns what the server sends until it closes the connection.
async fn answer_to(rig: &Rig, sent: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address(rig)).await.unwrap();
    // The server may have closed it before all is sent, and a reset is an end, too.
    let _ = tcp.write_all(sent).await;
    let _ = tcp.shutdown().await;
    let mut answer = Vec::new();
    let _ = soon(tcp.read_to_end(&mut answer)).await;
    answer
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_served() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let client = connect(&rig, trusting(&authority)).await.unwrap();
    works(&client).await.unwrap();
    let filter = EventFilter::default();
    let mut events = client.subscribe(Begin::AtTheFirst, filter).await.unwrap();
    let batch = soon(events.next()).await.unwrap();
    assert_eq!(batch.events.len(), 1);
    // By name, too. The other was by address, for which TLS has no server name.
    let by_name = https(&rig).replace("127.0.0.1", "localhost");
    let client = soon(seriatim_proto::Client::connect(
        &by_name,
        trusting(&authority),
    ));
    works(&client.await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn garbage_ends_its_own_connection_alone() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let client = connect(&rig, trusting(&authority)).await.unwrap();
    let mut hello_cut_off = vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    hello_cut_off.extend([7; 64]);
    for garbage in [
        vec![0; 4096],
        vec![255; 4096],
        b"\x16\x03\x01\xff\xff".repeat(2000),
        vec![22, 3, 3, 0, 0],
        vec![21, 3, 3, 0, 2, 2, 40],
        hello_cut_off,
        (0..100_000_u32)
            .map(|n| (n.wrapping_mul(n) >> 3) as u8)
            .collect(),
    ] {
        answer_to(&rig, &garbage).await;
        works(&client).await.unwrap();
    }
    let anew = connect(&rig, trusting(&authority)).await.unwrap();
    works(&anew).await.unwrap();
}

#[tokio::test]
async fn what_comes_without_tls_is_answered_with_an_alert() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    for sent in [HTTP2, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        let answer = answer_to(&rig, sent).await;
        assert_eq!(answer[..2], [21, 3], "{answer:?}");
    }
}

#[tokio::test]
async fn http_1_within_tls_is_closed() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let refused = raw(address(&rig), &authority, None, &[b"http/1.1"]).await;
    refused.unwrap_err();
    // A client that does not say what it speaks is believed until it speaks.
    let mut tls = raw(address(&rig), &authority, None, &[]).await.unwrap();
    tls.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = soon(tls.read_to_end(&mut answer)).await;
    assert!(answer.is_empty(), "{answer:?}");
}

/// A client that goes away without TLS's own goodbye leaves nothing behind, and harms nobody.
#[tokio::test]
async fn a_connection_that_breaks_off_harms_no_other() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    for sent in [&HTTP2[..10], HTTP2] {
        let mut tls = raw(address(&rig), &authority, None, &[b"h2"])
            .await
            .unwrap();
        tls.write_all(sent).await.unwrap();
        tls.flush().await.unwrap();
        let (tcp, _) = tls.into_inner();
        tcp.into_std()
            .unwrap()
            .shutdown(std::net::Shutdown::Both)
            .unwrap();
    }
    let client = connect(&rig, trusting(&authority)).await.unwrap();
    works(&client).await.unwrap();
}

/// They say nothing, so that the server waits for their handshakes: more of them than connections may be open.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_silent_handshakes_keep_nobody_waiting() {
    let authority = Authority::new("ours");
    let rig = Rig::start_with(|server| {
        server
            .tls(authority.server().server())
            .settings(ServerSettings {
                connections: 100,
                // Nothing but others that arrive makes room.
                greeting_time: Duration::from_secs(3600),
                ..Default::default()
            })
    })
    .await;
    let working = connect(&rig, trusting(&authority)).await.unwrap();
    let mut silent = VecDeque::new();
    for number in 0..1000 {
        silent.push_back(TcpStream::connect(address(&rig)).await.unwrap());
        if silent.len() > 200 {
            silent.pop_front();
        }
        if number % 100 == 99 {
            works(&working).await.unwrap();
            let newcomer = connect(&rig, trusting(&authority)).await.unwrap();
            works(&newcomer).await.unwrap();
        }
    }
    // The oldest that is still held here has made room long ago.
    let mut nothing = Vec::new();
    let _ = soon(silent[0].read_to_end(&mut nothing)).await;
}

#[tokio::test]
async fn header_bombs_are_refused_and_the_connection_goes_on() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let client = connect(&rig, trusting(&authority)).await.unwrap();
    for bytes in [20_000, 200_000, 300_000] {
        let token = "x".repeat(bytes);
        let bomb = trusting(&authority).token(&token).unwrap();
        let bomb = connect(&rig, bomb).await.unwrap();
        works(&bomb).await.unwrap_err();
        works(&client).await.unwrap();
    }
}

#[tokio::test]
async fn certificates_change_while_calls_go_on() {
    let (ours, next) = (Authority::new("ours"), Authority::new("next"));
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), &ours.server());
    let rig = start(ServerTls::new(files.options()).unwrap()).await;
    let client = connect(&rig, trusting(&ours)).await.unwrap();
    let (calls, is_over) = (AtomicU32::new(0), AtomicBool::new(false));
    let calling = async {
        while !is_over.load(Relaxed) {
            works(&client).await.unwrap();
            calls.fetch_add(1, Relaxed);
        }
    };
    let changing = async {
        // A pair that does not belong together is not taken, and the server goes on with the former one.
        let pair = next.server();
        std::fs::write(&files.certificate, &pair.certificate).unwrap();
        let before = calls.load(Relaxed);
        until("calls go on", async || calls.load(Relaxed) > before + 3).await;
        connect(&rig, trusting(&ours)).await.unwrap();
        files.write(&pair);
        until("the server has the next pair", async || {
            connect(&rig, trusting(&next)).await.is_ok()
        })
        .await;
        let error = connect(&rig, trusting(&ours)).await.unwrap_err();
        assert_eq!(error.tls_problem(), Some(TlsProblem::UnknownAuthority));
        let before = calls.load(Relaxed);
        until("calls go on", async || calls.load(Relaxed) > before + 3).await;
        is_over.store(true, Relaxed);
    };
    tokio::join!(calling, changing);
}

/// A certificate that is valid for a moment, which is longer each time until the machine is fast enough for it.
async fn in_time<T>(mut attempt: impl AsyncFnMut(Duration) -> Option<T>) -> T {
    let mut valid = Duration::from_secs(2);
    loop {
        if let Some(done) = attempt(valid).await {
            return done;
        }
        valid *= 2;
        assert!(valid < Duration::from_secs(120), "it never came in time");
    }
}

#[tokio::test]
async fn a_server_whose_certificate_expires_goes_on_until_it_has_another() {
    let authority = Authority::new("ours");
    let folder = tempfile::tempdir().unwrap();
    let (files, rig, client) = in_time(async |valid| {
        let pair = authority.signed(&["127.0.0.1"], &[], valid);
        let files = Files::new(folder.path(), &pair);
        let rig = start(ServerTls::new(files.options()).unwrap()).await;
        let client = connect(&rig, trusting(&authority)).await.ok()?;
        Some((files, rig, client))
    })
    .await;
    until("the certificate has expired", async || {
        let connected = connect(&rig, trusting(&authority)).await;
        connected.is_err_and(|error| error.tls_problem() == Some(TlsProblem::Expired))
    })
    .await;
    // Those that are connected have seen it while it was valid.
    works(&client).await.unwrap();
    files.write(&authority.server());
    until("the server has another", async || {
        connect(&rig, trusting(&authority)).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_connection_ends_when_its_client_certificate_expires() {
    let authority = Authority::new("ours");
    let server = authority.server();
    let server = server.server_for(clients_of(&authority, true)).unwrap();
    let rig = start(server).await;
    let mut events = in_time(async |valid| {
        let pair = authority.signed(&["client"], &[], valid);
        let options = trusting(&authority).identity(pair.identity());
        let client = connect(&rig, options).await.ok()?;
        let filter = EventFilter::default();
        let events = soon(client.subscribe(Begin::AtTheFirst, filter)).await;
        Some((events.ok()?, client))
    })
    .await;
    let (told, mut lost) = tokio::sync::mpsc::unbounded_channel();
    events.0 = events.0.on_connection(move |news| {
        let _ = told.send(format!("{news:?}"));
    });
    let news = tokio::select! {
        news = soon(lost.recv()) => news.unwrap(),
        never = async { loop { events.0.next().await.unwrap(); } } => never,
    };
    assert!(news.contains("Lost"), "{news}");
    // It cannot come again with the same one.
    works(&events.1).await.unwrap_err();
}

//! Checks the door of the metrics: TLS, and who may read them.

use std::future::{pending, ready};
use std::net::SocketAddr;

use seriatim_security::tls::ServerTls;
use seriatim_security::{Access, KnownToken, Policy, PrincipalPolicy, Rights, Token, Tokens, Verb};
use seriatim_server::Metrics;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::{Authority, clients_of};
use crate::rig::{Rig, soon};
use crate::tls_rig::{address, raw, start};

async fn serve(tls: Option<ServerTls>, access: Access) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::install().unwrap();
    tokio::spawn(metrics.serve(listener, tls, access, || ready(Ok(())), pending()));
    address
}

/// Asks once. Returns the answer, which is empty if the server has closed the connection.
async fn ask(mut line: impl AsyncRead + AsyncWrite + Unpin, path: &str, headers: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let _ = line.write_all(request.as_bytes()).await;
    let _ = line.flush().await;
    let mut answer = Vec::new();
    let _ = soon(line.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    ask(TcpStream::connect(address).await.unwrap(), path, headers).await
}

/// Knows one who may observe, one who may not, and a certificate.
struct Known {
    access: Access,
    watcher: String,
    sender: String,
}

impl Known {
    fn new() -> Self {
        let role = |verb| Rights::default().grant(verb, []);
        let policy = Policy {
            roles: [
                ("watcher".to_owned(), role(Verb::Observe)),
                ("sender".to_owned(), role(Verb::Submit)),
            ]
            .into(),
            principals: [(
                "prometheus".to_owned(),
                PrincipalPolicy {
                    roles: vec!["watcher".into()],
                    certificates: vec!["prometheus.example.com".into()],
                    ..Default::default()
                },
            )]
            .into(),
            ..Default::default()
        };
        let tokens = Tokens::default();
        let token_of = |role: &str| {
            let token = Token::generate().unwrap();
            tokens.put(KnownToken {
                id: token.id(),
                digest: token.digest(),
                name: format!("the-{role}"),
                roles: vec![role.into()],
                expires: None,
                revoked: false,
                last_used: None,
            });
            token.reveal()
        };
        let (watcher, sender) = (token_of("watcher"), token_of("sender"));
        Self {
            access: Access::new(policy, tokens),
            watcher,
            sender,
        }
    }
}

#[tokio::test]
async fn metrics_are_for_those_who_may_observe() {
    let known = Known::new();
    let address = serve(None, known.access.clone()).await;
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let (watcher, sender) = (bearer(&known.watcher), bearer(&known.sender));
    let in_url = format!("/metrics?token={0}&access_token={0}", known.watcher);
    for (path, headers, status) in [
        ("/metrics", watcher.clone(), "200"),
        ("/metrics", sender.clone(), "403"),
        ("/metrics", String::new(), "401"),
        (&in_url, String::new(), "401"),
        ("/metrics", bearer("srt_1"), "401"),
        ("/metrics", watcher.replace("Bearer", "Basic"), "401"),
        ("/metrics", format!("{sender}{watcher}"), "401"),
        ("/metrics", format!("{watcher}{watcher}"), "401"),
    ] {
        let answer = get(address, path, &headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        let asks = answer.contains("\r\nwww-authenticate: Bearer\r\n");
        assert_eq!(asks, status == "401", "{answer}");
        assert_eq!(answer.contains("seriatim_store_up"), status == "200");
        assert!(!answer.contains(&known.watcher), "{answer}");
    }
}

#[tokio::test]
async fn metrics_over_tls_know_a_client_by_its_certificate() {
    let authority = Authority::new("ours");
    let server = authority.server();
    let server = server.server_for(clients_of(&authority, false)).unwrap();
    let address = serve(Some(server), Known::new().access).await;
    let hour = std::time::Duration::from_secs(3600);
    for (name, status) in [
        (Some("prometheus.example.com"), "200"),
        (Some("other.example.com"), "401"),
        (None, "401"),
    ] {
        let pair = name.map(|name| authority.signed(&[name], &[], hour));
        let line = raw(address, &authority, pair.as_ref(), &[b"http/1.1"]).await;
        let line = line.unwrap();
        let answer = ask(line, "/metrics", "").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn silent_clients_of_the_metrics_keep_nobody_waiting() {
    let authority = Authority::new("ours");
    for tls in [None, Some(authority.server().server())] {
        let has_tls = tls.is_some();
        let address = serve(tls, Access::unasked()).await;
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let plain = get(address, "/metrics", "").await;
        let tls = raw(address, &authority, None, &[b"http/1.1"]).await;
        if has_tls {
            assert!(plain.is_empty() || plain.starts_with('\u{15}'), "{plain}");
            let answer = ask(tls.unwrap(), "/metrics", "").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        } else {
            assert!(plain.starts_with("HTTP/1.1 200"), "{plain}");
            tls.unwrap_err();
        }
    }
}

async fn refused(metrics: SocketAddr, reason: &str) -> f64 {
    let line = format!("seriatim_connections_refused_total{{reason=\"{reason}\"}} ");
    let shown = get(metrics, "/metrics", "").await;
    let count = shown.lines().find_map(|shown| shown.strip_prefix(&line));
    count.map_or(0.0, |count| count.parse().unwrap())
}

/// Other tests count too, so each count grows by one at least.
#[tokio::test]
async fn connections_that_are_refused_for_tls_are_counted_by_reason() {
    let authority = Authority::new("ours");
    let metrics = serve(None, Access::unasked()).await;
    let plain = Rig::start().await;
    let asking = authority.server();
    let asking = asking.server_for(clients_of(&authority, true)).unwrap();
    let tls = start(asking).await;
    for (reason, address, speaks_tls) in [
        ("tls", address(&plain), true),
        ("no_tls", address(&tls), false),
        ("handshake", address(&tls), true),
    ] {
        let before = refused(metrics, reason).await;
        match speaks_tls {
            true => drop(raw(address, &authority, None, &[b"h2"]).await),
            false => {
                let mut tcp = TcpStream::connect(address).await.unwrap();
                tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                    .await
                    .unwrap();
                let _ = soon(tcp.read_to_end(&mut Vec::new())).await;
            }
        }
        let what = format!("`{reason}` is counted");
        seriatim_testkit::until(&what, async || refused(metrics, reason).await > before).await;
    }
}

/// They take all the places there are, and lose them, because no request comes.
#[tokio::test]
#[ignore = "long: a client may take 30 s for its headers"]
async fn long_half_requests_keep_others_out_for_a_while_only() {
    let address = serve(None, Access::unasked()).await;
    let mut halves = Vec::new();
    for _ in 0..500 {
        let mut half = TcpStream::connect(address).await.unwrap();
        // The server closes those for which it has no room.
        let _ = half.write_all(b"GET /metrics HTTP/1.1\r\nHost:").await;
        halves.push(half);
    }
    seriatim_testkit::until("there is room again", async || {
        get(address, "/metrics", "")
            .await
            .starts_with("HTTP/1.1 200")
    })
    .await;
    for mut half in halves {
        let _ = soon(half.read_to_end(&mut Vec::new())).await;
    }
}

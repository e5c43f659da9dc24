//! A secret that is planted in a server is in nothing that the server, its client or their libraries log, at any level.
//! It is a program of its own, because it hears everything that is logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_proto::v1;
use seriatim_runtime::Feed;
use seriatim_security::{
    Access, Credentials, Identified, KnownToken, Policy, Rights, Token, Tokens, Verb,
};
use seriatim_server::Server;
use seriatim_store_memory::MemoryStore;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::Request;
use tonic::transport::Endpoint;
use tracing_subscriber::fmt::MakeWriter;
use v1::query_service_client::QueryServiceClient;
use v1::token_service_client::TokenServiceClient;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Logged {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn shown(token: &str) -> Credentials {
    Credentials {
        authorization: Some(format!("Bearer {token}").into_bytes().into()),
        certificate: None,
    }
}

/// Returns all that can be printed of a caller who shows a token, or something like one.
fn printed(access: &Access, token: &str) -> String {
    let shown = shown(token);
    let identified = access.identify(&shown);
    let mut text = format!("{shown:?} {identified:?} {access:?}");
    if let Identified::Now(Err(error)) = identified {
        text.push_str(&error.to_string());
    }
    match token.parse::<Token>() {
        Ok(token) => text.push_str(&format!("{token:?}")),
        Err(error) => text.push_str(&format!("{error:?} {error}")),
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_or_printed() {
    let logged = Logged::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(logged.clone())
        .init();
    let policy = Policy {
        roles: [("admin".into(), Rights::default().grant(Verb::Admin, []))].into(),
        ..Policy::default()
    };
    let access = Access::new(policy, Tokens::default());
    let first = Token::generate().unwrap();
    access.tokens().put(KnownToken {
        id: first.id(),
        digest: first.digest(),
        name: "first".into(),
        roles: vec!["admin".into()],
        expires: None,
        revoked: false,
        last_used: None,
    });
    let coordinator = Coordinator::builder(Arc::new(MemoryStore::new()))
        .start()
        .unwrap();
    let feed = Feed::new(coordinator.log().clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (close, closed) = oneshot::channel::<()>();
    let server = Server::builder(coordinator, feed).access(access.clone());
    let served = tokio::spawn(server.serve(listener, async {
        let _ = closed.await;
    }));

    let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    let mut request = Request::new(v1::TokenServiceCreateRequest {
        name: "planted".into(),
        ..v1::TokenServiceCreateRequest::default()
    });
    let value = format!("Bearer {}", first.reveal()).parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    let made = TokenServiceClient::new(channel.clone())
        .create(request)
        .await;
    let token = made.unwrap().into_inner().token;
    let in_time = async {
        while matches!(access.identify(&shown(&token)), Identified::Now(Err(_))) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), in_time)
        .await
        .expect("it is never known");

    let mistyped = format!(
        "{}{}",
        &token[..99],
        if token.ends_with('0') { '1' } else { '0' }
    );
    let mut texts = Vec::new();
    for text in [
        &token,
        &mistyped,
        &token[..70],
        &token[4..],
        &token.to_uppercase(),
    ] {
        texts.push(printed(&access, text));
        let mut request = Request::new(v1::ListDomainsRequest {});
        let value = format!("Bearer {text}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        let answer = QueryServiceClient::new(channel.clone())
            .list_domains(request)
            .await;
        texts.push(format!("{answer:?}"));
    }
    drop(channel);
    close.send(()).unwrap();
    served.await.unwrap().unwrap();

    let logs = String::from_utf8_lossy(&logged.0.lock().unwrap()).into_owned();
    assert!(
        logs.contains("TRACE") && logs.contains("h2::"),
        "all that is logged is heard"
    );
    texts.push(logs);
    // 24 characters of the secret are enough to recognise it; the id before it may be shown.
    let first = first.reveal();
    for secret in [&token[36..60], &first[36..60]] {
        for text in &texts {
            let text = text.to_lowercase();
            if let Some(at) = text.find(secret) {
                let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                panic!("a secret is in: {}", &text[line..at + secret.len()]);
            }
        }
    }
}

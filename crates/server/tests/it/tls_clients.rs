//! Checks what clients are told when they and a server do not agree on TLS.

use std::time::{Duration, SystemTime};

use h2::server;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Response};
use seriatim_core::{Begin, CommandGateway as _, EventFilter};
use seriatim_proto::{CallError, Client, ConnectOptions, TokenInClear};
use seriatim_security::tls::{TlsError, TlsProblem};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::certificates::{Authority, clients_of};
use crate::rig::*;
use crate::tls_rig::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Checks that connecting fails for a reason, and that the message says what to do.
async fn fails(rig: &Rig, options: ConnectOptions, problem: TlsProblem, next: &str) {
    let error = connect(rig, options).await.unwrap_err();
    assert_eq!(error.tls_problem(), Some(problem), "{error}");
    let text = error.to_string();
    assert!(text.contains(next), "{text}");
}

#[tokio::test]
async fn a_plain_server_is_not_called_with_tls() {
    let rig = Rig::start().await;
    let options = trusting(&Authority::new("ours"));
    fails(&rig, options, TlsProblem::NoTls, "http://HOST:PORT").await;
}

#[tokio::test]
async fn a_server_with_tls_is_not_called_without() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let (problem, text) = refused(&rig.url, HOUR.into()).await;
    assert_eq!(problem, Some(TlsProblem::NeedsTls), "{text}");
    assert!(text.contains("https://HOST:PORT"), "{text}");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_told_apart() {
    let rig = start(Authority::new("theirs").server().server()).await;
    let ours = trusting(&Authority::new("ours"));
    fails(&rig, ours, TlsProblem::UnknownAuthority, "--ca FILE").await;
    // Of the same name, but with another key.
    let theirs = trusting(&Authority::new("theirs"));
    let error = connect(&rig, theirs).await.unwrap_err();
    assert!(error.tls_problem().is_some(), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_told_apart() {
    let authority = Authority::new("ours");
    let pair = authority.signed(&["orders.example.com"], &[], HOUR);
    let rig = start(pair.server()).await;
    let error = connect(&rig, trusting(&authority)).await.unwrap_err();
    let problem = error.tls_problem();
    assert!(matches!(problem, Some(TlsProblem::WrongName(_))), "{error}");
    let text = error.to_string();
    assert!(text.contains("orders.example.com"), "{text}");
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_now_is_told_apart() {
    let authority = Authority::new("ours");
    let now = SystemTime::now();
    for (from, to, problem, next) in [
        (
            now - 2 * HOUR,
            now - HOUR,
            TlsProblem::Expired,
            "for a new one",
        ),
        (
            now + HOUR,
            now + 2 * HOUR,
            TlsProblem::NotYetValid,
            "the clocks",
        ),
    ] {
        let pair = authority.signed_between(&["127.0.0.1"], &[], from, to);
        let rig = start(pair.server()).await;
        fails(&rig, trusting(&authority), problem, next).await;
    }
}

/// A server of TLS 1.3 says it when the client reads, so the first call may be the one that fails.
async fn refused(url: &str, options: ConnectOptions) -> (Option<TlsProblem>, String) {
    match soon(Client::connect(url, options)).await {
        Err(error) => (error.tls_problem(), error.to_string()),
        Ok(client) => match works(&client).await.unwrap_err() {
            CallError::Tls(problem) => (Some(problem.clone()), problem.to_string()),
            other => (None, other.to_string()),
        },
    }
}

#[tokio::test]
async fn client_certificates_are_wanted_and_checked() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let good = ours.signed(&["client"], &[], HOUR).identity();
    let strange = theirs.signed(&["client"], &[], HOUR).identity();
    let expired = ours.signed_between(
        &["client"],
        &[],
        SystemTime::now() - 2 * HOUR,
        SystemTime::now() - HOUR,
    );
    for is_required in [true, false] {
        let server = ours.server();
        let server = server.server_for(clients_of(&ours, is_required)).unwrap();
        let rig = start(server).await;
        let with = |identity| trusting(&ours).identity(identity);
        let client = connect(&rig, with(good.clone())).await.unwrap();
        works(&client).await.unwrap();
        for identity in [strange.clone(), expired.identity()] {
            let (problem, text) = refused(&https(&rig), with(identity)).await;
            assert_eq!(problem, Some(TlsProblem::CertificateRefused), "{text}");
        }
        if is_required {
            let (problem, text) = refused(&https(&rig), trusting(&ours)).await;
            assert_eq!(problem, Some(TlsProblem::CertificateWanted), "{text}");
            assert!(text.contains("--cert FILE --key FILE"), "{text}");
        } else {
            let client = connect(&rig, trusting(&ours)).await.unwrap();
            works(&client).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_token_is_not_sent_in_clear_to_another_machine() {
    let options = ConnectOptions::new(HOUR).token("srt_planted").unwrap();
    // Nobody answers at this address, which is of the range for documentation.
    let connecting = Client::connect("http://192.0.2.1:50051", options);
    let error = soon(connecting).await.unwrap_err();
    assert!(error.source.is::<TokenInClear>(), "{error}");
    assert!(error.is_of_options());
    let text = error.to_string();
    assert!(text.contains("https://HOST:PORT"), "{text}");
    assert!(!format!("{error:?}{text}").contains("planted"), "{error:?}");
}

#[tokio::test]
async fn files_that_are_not_there_are_named() {
    let ca = seriatim_security::tls::Pem::File("no/such/ca.pem".into());
    let options = ConnectOptions::new(HOUR).ca(ca);
    let connecting = Client::connect("https://127.0.0.1:1", options);
    let error = soon(connecting).await.unwrap_err();
    assert!(error.source.is::<TlsError>(), "{error}");
    let text = error.to_string();
    assert!(text.contains("`no/such/ca.pem`"), "{text}");
}

/// A server that refuses every call, and tells which token came with it.
async fn note_tokens(listener: TcpListener, told: UnboundedSender<(String, HeaderValue)>) {
    let (tcp, _) = listener.accept().await.unwrap();
    let mut calls = server::handshake(tcp).await.unwrap();
    while let Some(Ok((request, mut answer))) = calls.accept().await {
        let token = request.headers()[AUTHORIZATION].clone();
        let _ = told.send((request.uri().path().to_owned(), token));
        let refused = Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", "16");
        answer
            .send_response(refused.body(()).unwrap(), true)
            .unwrap();
    }
}

/// So have those of its gateway and its subscriptions.
#[tokio::test]
async fn every_call_of_a_client_has_its_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, mut tokens) = unbounded_channel();
    tokio::spawn(note_tokens(listener, told));
    let options = ConnectOptions::new(HOUR).token("srt_planted").unwrap();
    let client = soon(Client::connect(&url, options)).await.unwrap();
    works(&client).await.unwrap_err();
    soon(client.gateway().submit(fill(&till())))
        .await
        .unwrap_err();
    let filter = EventFilter::default();
    let subscribing = client.subscribe(Begin::Now, filter);
    soon(subscribing).await.unwrap_err();
    for method in [
        "CommandService/Submit",
        "CommandService/Submit",
        "SubscriptionService/Subscribe",
    ] {
        let (path, token) = soon(tokens.recv()).await.unwrap();
        assert_eq!(path, format!("/seriatim.v1.{method}"));
        assert_eq!(token.as_bytes(), b"Bearer srt_planted");
    }
}

#[tokio::test]
async fn a_gateway_of_a_client_is_on_the_same_connection() {
    let authority = Authority::new("ours");
    let rig = start(authority.server().server()).await;
    let client = connect(&rig, trusting(&authority)).await.unwrap();
    soon(client.gateway().submit(fill(&till()))).await.unwrap();
}

//! Checks that connections that ask for too much keep no others out.

use std::time::Duration;

use seriatim_proto::v1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use v1::query_service_client::QueryServiceClient;

use crate::rig::*;

fn address(rig: &Rig) -> &str {
    rig.url.strip_prefix("http://").unwrap()
}

/// Waits until the server has closed a connection.
async fn is_closed(connection: &mut TcpStream) {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = soon(connection.read_to_end(&mut bytes)).await;
}

#[tokio::test]
async fn one_that_does_not_begin_with_http2_in_time_is_closed() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            greeting_time: Duration::from_millis(50),
            ..Default::default()
        })
    })
    .await;
    for said in [
        "",
        "PRI * HTTP/2.0\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ] {
        let mut connection = TcpStream::connect(address(&rig)).await.unwrap();
        connection.write_all(said.as_bytes()).await.unwrap();
        is_closed(&mut connection).await;
    }
    // Connections that have begun may be silent.
    tokio::time::sleep(Duration::from_millis(200)).await;
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
}

/// Connects and begins with HTTP/2. The server has seen that.
async fn begun(rig: &Rig) -> TcpStream {
    let mut connection = TcpStream::connect(address(rig)).await.unwrap();
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat();
    connection.write_all(&begin).await.unwrap();
    let mut answer = [0; 9];
    soon(connection.read_exact(&mut answer)).await.unwrap();
    connection
}

#[tokio::test]
async fn silent_ones_make_room_for_others() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            connections: 3,
            ..Default::default()
        })
    })
    .await;
    let mut oldest = TcpStream::connect(address(&rig)).await.unwrap();
    let _silent = TcpStream::connect(address(&rig)).await.unwrap();
    let _begun = begun(&rig).await;
    is_closed(&mut oldest).await;
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
}

#[tokio::test]
async fn one_more_than_may_be_is_closed_at_once() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            connections: 2,
            ..Default::default()
        })
    })
    .await;
    let second = begun(&rig).await;
    let mut third = TcpStream::connect(address(&rig)).await.unwrap();
    is_closed(&mut third).await;
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
    drop(second);
    // The server needs a moment to notice that.
    let place_is_free = async || {
        let endpoint = Endpoint::from_shared(rig.url.clone()).unwrap();
        let mut queries = QueryServiceClient::new(endpoint.connect().await.ok()?);
        let answer = queries.list_domains(v1::ListDomainsRequest {}).await;
        answer.ok()
    };
    soon(async {
        while place_is_free().await.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// With every descriptor taken the server waits until there is one again. Asking for one without a pause took most of a
/// core.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_no_descriptor_is_left_the_server_waits_for_one() {
    use crate::own_process::OwnProcess;
    let server = OwnProcess::start("ulimit -n 64");
    let mut taken = Vec::new();
    for _ in 0..100 {
        taken.push(TcpStream::connect(server.address()).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = server.cpu_seconds();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = server.cpu_seconds() - before;
    assert!(spent < 0.2, "{spent} s of one second");
    drop(taken);
    let endpoint = Endpoint::from_shared(server.url.clone()).unwrap();
    let channel = soon(endpoint.connect()).await.unwrap();
    let mut queries = QueryServiceClient::new(channel);
    soon(queries.list_domains(v1::ListDomainsRequest {}))
        .await
        .unwrap();
}

#[tokio::test]
async fn metadata_over_the_limit_is_refused_with_its_reason() {
    let rig = Rig::start().await;
    let with = |bytes: usize| {
        let mut request = Request::new(ask(&till(), "Fill", r#"{"coins":1}"#));
        let text = "x".repeat(bytes).parse().unwrap();
        request.metadata_mut().insert("trace", text);
        request
    };
    rig.commands().submit(with(15_000)).await.unwrap();
    for bytes in [16 * 1024, 100_000, 200_000] {
        let status = rig.commands().submit(with(bytes)).await.unwrap_err();
        assert_eq!(faulty_fields(&status), ["metadata"], "{bytes}");
    }
    // HTTP/2 itself refuses only this call: the connection goes on.
    let status = rig.commands().submit(with(300_000)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown, "{status:?}");
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
}

//! Checks that a connection goes on however many of its calls are refused before they have arrived.
//!
//! HTTP/2 took what came for them afterwards for errors of the client, and closed the connection after a thousand. The
//! client here is hand-written: those of libraries send nothing more once they have read the answer.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::overload::LONG;
use crate::rig::*;
use crate::shutdown::close_gate;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, call: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &call.to_be_bytes(), payload].concat()
}

/// Returns the headers of a call to `Submit`, each as HPACK writes it without an index or a code.
fn submit() -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    // POST and http have numbers of their own; `:path`, `:authority` and `content-type` are the names 4, 1 and 31.
    [
        vec![0x83, 0x86, 0x04],
        text("/seriatim.v1.CommandService/Submit"),
        vec![0x01],
        text("server"),
        vec![0x0f, 0x10],
        text("application/grpc"),
        vec![0x00],
        text("te"),
        text("trailers"),
    ]
    .concat()
}

/// Reads until `calls` are answered.
async fn answered(mut read: OwnedReadHalf, calls: usize) {
    let mut left = calls;
    while left > 0 {
        let mut head = [0; 9];
        read.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        read.read_exact(&mut payload).await.unwrap();
        let (kind, flags) = (head[3], head[4]);
        assert_ne!(kind, GO_AWAY, "{}", String::from_utf8_lossy(&payload));
        left -= usize::from(kind == HEADERS && flags & END_STREAM > 0);
    }
}

#[tokio::test]
async fn a_connection_outlives_any_number_of_refusals() {
    const AT_ONCE: u32 = 100;
    const ROUNDS: u32 = 15;
    let rig = crate::overload::rig_with(1, 0, LONG).await;
    let gate = close_gate(&rig);
    let mut commands = rig.commands();
    let request = ask(&till(), "Fill", r#"{"coins":1}"#);
    let first = tokio::spawn(async move { commands.submit(request).await });
    soon(gate.reached.notified()).await;

    let address = rig.url.strip_prefix("http://").unwrap();
    let (read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let answers = tokio::spawn(answered(read, (AT_ONCE * ROUNDS) as usize));
    write
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    write.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    for round in 0..ROUNDS {
        let calls = || (0..AT_ONCE).map(|call| 2 * (round * AT_ONCE + call) + 1);
        let begun: Vec<_> = calls()
            .flat_map(|call| frame(HEADERS, END_HEADERS, call, &submit()))
            .collect();
        write.write_all(&begun).await.unwrap();
        // This is long enough for a server that does not wait for the rest.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let rest: Vec<_> = calls()
            .flat_map(|call| frame(DATA, END_STREAM, call, &[0; 5]))
            .collect();
        write.write_all(&rest).await.unwrap();
    }
    soon(answers).await.unwrap();
    gate.open.notify_one();
    soon(first).await.unwrap().unwrap();
}

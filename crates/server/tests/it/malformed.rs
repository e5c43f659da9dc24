//! Checks that bytes that are no message are reported as the sender's fault.

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service};
use tonic::transport::Channel;

use crate::rig::*;

/// Sends `bytes` to a method. Returns the status.
async fn status_of(mut channel: Channel, method: &str, bytes: Vec<u8>) -> Status {
    let request = Request::post(format!("http://server/seriatim.v1.{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::new(Bytes::from(bytes))))
        .unwrap();
    std::future::poll_fn(|cx| channel.poll_ready(cx))
        .await
        .unwrap();
    let response = soon(channel.call(request)).await.unwrap();
    let found = |headers: &HeaderMap| Status::from_header_map(headers);
    if let Some(status) = found(response.headers()) {
        return status;
    }
    let body = soon(response.into_body().collect()).await.unwrap();
    found(body.trailers().unwrap()).unwrap()
}

fn framed(flag: u8, length: usize, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[flag][..], &length, bytes].concat()
}

const METHODS: [&str; 9] = [
    "CommandService/Submit",
    "CommandService/SubmitStream",
    "CommandService/Simulate",
    "FactService/Record",
    "QueryService/GetEvents",
    "QueryService/GetState",
    "SubscriptionService/Subscribe",
    "DeadLetterService/Get",
    "AdminService/Resume",
];

#[tokio::test]
async fn bytes_that_are_no_message_are_the_senders_fault() {
    let rig = Rig::start().await;
    for method in METHODS {
        for bytes in [
            // These are a field of a kind that does not exist, and a length beyond the end.
            framed(0, 1, &[0x0f]),
            framed(0, 2, &[0x0a, 0x09]),
            // This flag does not exist.
            framed(7, 0, &[]),
            // The bytes end within the header, and within the message.
            vec![0, 0, 0],
            framed(0, 100, &[0x0a]),
        ] {
            let status = status_of(rig.channel.clone(), method, bytes.clone()).await;
            assert_eq!(faulty_fields(&status), ["request"], "{method} {bytes:?}");
        }
    }
    assert_eq!(rig.head().await.0, 0);
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
}

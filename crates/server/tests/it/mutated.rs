//! Checks that requests with a few changed bytes are each answered, and that no answer blames the server.

use std::time::{Duration, Instant};

use prost::Message;
use seriatim_core::{ExpectedSequence, Sequence};
use seriatim_proto::convert;
use tonic::Code;
use uuid::Uuid;

use crate::raw::{Raw, header};
use crate::rig::*;

/// A small generator of random numbers. The test prints its seed, and makes the same requests for it again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Returns one meaningful request for each method, so that most of what is left after a change is read far.
fn requests() -> Vec<(&'static str, Vec<u8>)> {
    use seriatim_proto::v1;
    let stream = till();
    let mut submit = ask(&stream, "Fill", r#"{"coins":3}"#);
    let cover = convert::cover(&stream);
    submit
        .book
        .as_mut()
        .unwrap()
        .cover
        .as_mut()
        .unwrap()
        .external_id = "order-1".into();
    let book = submit.book.clone();
    let record = fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#);
    let id = seriatim_proto::v1::Uuid::from(Uuid::from_u128(7));
    vec![
        ("CommandService/Submit", submit.encode_to_vec()),
        (
            "CommandService/SubmitStream",
            v1::SubmitStreamRequest {
                tag: 1,
                request: Some(submit),
            }
            .encode_to_vec(),
        ),
        (
            "CommandService/Simulate",
            v1::SimulateRequest {
                book: book.clone(),
                premises: vec!["coins".into()],
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "CommandService/HandBack",
            v1::HandBackRequest {
                book,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        ("FactService/Record", record.encode_to_vec()),
        (
            "QueryService/GetEvents",
            v1::GetEventsRequest {
                cover: Some(cover.clone()),
                from_sequence: Some(0),
                through_sequence: Some(9),
                last: None,
            }
            .encode_to_vec(),
        ),
        (
            "QueryService/GetState",
            v1::GetStateRequest {
                cover: Some(cover),
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "QueryService/ListStreams",
            v1::ListStreamsRequest {
                domain: "till".into(),
                page_size: 5,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "DeadLetterService/List",
            v1::DeadLetterServiceListRequest {
                domain: "till".into(),
                page_size: 5,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "DeadLetterService/Resubmit",
            v1::DeadLetterServiceResubmitRequest {
                id: Some(id.clone()),
                reason: "because".into(),
                expected: Some(ExpectedSequence::Exactly(Sequence(1)).into()),
            }
            .encode_to_vec(),
        ),
        (
            "DeadLetterService/Edit",
            v1::DeadLetterServiceEditRequest {
                id: Some(id),
                commands: vec![convert::json_any("Label", r#"{"label":"x"}"#.into())],
                expected: Some(ExpectedSequence::NoStream.into()),
                reason: "because".into(),
            }
            .encode_to_vec(),
        ),
        (
            "SubscriptionService/Subscribe",
            v1::SubscribeRequest {
                begin: Some(v1::Begin {
                    at: Some(v1::begin::At::First(Default::default())),
                }),
                filter: Some(v1::EventFilter {
                    domains: vec!["till".into()],
                    types: vec!["Filled".into()],
                    ..Default::default()
                }),
            }
            .encode_to_vec(),
        ),
        (
            "AdminService/Resume",
            v1::ResumeRequest {
                component: "printer".into(),
            }
            .encode_to_vec(),
        ),
    ]
}

/// Changes one to four places.
fn mutate(mut message: Vec<u8>, random: &mut Random) -> Vec<u8> {
    const TELLING: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0xc0, 0x22];
    for _ in 0..1 + random.below(4) {
        let at = random.below(message.len());
        match random.below(5) {
            0 if !message.is_empty() => message[at] ^= 1 << random.below(8),
            1 if !message.is_empty() => message[at] = TELLING[random.below(TELLING.len())],
            2 => message.truncate(at),
            3 => message.insert(at, TELLING[random.below(TELLING.len())]),
            _ => {
                let piece: Vec<u8> = message
                    .iter()
                    .skip(at)
                    .take(1 + random.below(20))
                    .copied()
                    .collect();
                let to = random.below(message.len());
                message.splice(to..to, piece);
            }
        }
    }
    message
}

/// Sends changed requests as long as `go_on` says. Returns how many.
async fn play(mut go_on: impl FnMut(u64) -> bool) -> u64 {
    let seed = Uuid::now_v7().as_u128() as u64;
    println!("seed {seed}");
    let (rig, mut random) = (Rig::start().await, Random(seed));
    let (requests, mut sent) = (requests(), 0);
    let address = rig.url.trim_start_matches("http://").to_owned();
    let mut raw = Raw::connect(&address, 1 << 20).await;
    while go_on(sent) {
        let (method, message) = &requests[random.below(requests.len())];
        let message = mutate(message.clone(), &mut random);
        let mut call = raw.call(method).await;
        call.send([&header(message.len())[..], &message].concat());
        call.end();
        sent += 1;
        // A subscription that was understood never ends.
        let patience = match *method {
            "SubscriptionService/Subscribe" => Duration::from_millis(20),
            _ => Duration::from_secs(60),
        };
        let Ok(status) = tokio::time::timeout(patience, call.status()).await else {
            assert!(
                method.ends_with("Subscribe"),
                "{method} was never answered: {message:?}"
            );
            continue;
        };
        let fault = matches!(
            status.code(),
            Code::Internal | Code::Unknown | Code::DataLoss
        );
        assert!(!fault, "{method} {message:?}: {status:?}");
    }
    rig.submit(ask(&till(), "Fill", r#"{"coins":1}"#)).await;
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_request_is_never_the_servers_fault() {
    play(|sent| sent < 2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: as many minutes as SERIATIM_LONG_MINUTES says, or 5"]
async fn long_no_changed_request_is_the_servers_fault() {
    let minutes = std::env::var("SERIATIM_LONG_MINUTES");
    let minutes = minutes.map_or(5, |minutes| minutes.parse().expect("a number of minutes"));
    let begun = Instant::now();
    let sent = play(|_| begun.elapsed() < Duration::from_secs(minutes * 60)).await;
    println!("{sent} changed requests");
}

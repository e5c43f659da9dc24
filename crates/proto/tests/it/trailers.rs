//! Checks that errors arrive, whatever is in them: what is too much for a trailer is cut before it is sent.

use std::sync::Arc;

use serde_json::json;
use seriatim_core::*;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use seriatim_proto::v1;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};
use v1::fact_service_client::FactServiceClient;
use v1::fact_service_server::{FactService, FactServiceServer};

use crate::samples::*;

/// The smallest default among the usual clients.
const LEAST_HEADER_BYTES: u32 = 8 * 1024;

/// A service that fails with the status it was made with.
struct Failing(Status);

#[tonic::async_trait]
impl FactService for Failing {
    async fn record(
        &self,
        _: Request<v1::RecordRequest>,
    ) -> Result<Response<v1::RecordResponse>, Status> {
        Err(self.0.clone())
    }
}

/// Returns the status as a client with little room sees it.
async fn received(status: Status) -> Status {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .add_service(FactServiceServer::new(Failing(status)))
        .serve_with_incoming(TcpListenerStream::new(listener));
    let server = tokio::spawn(server);
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .http2_max_header_list_size(LEAST_HEADER_BYTES)
        .connect()
        .await
        .unwrap();
    let answer = FactServiceClient::new(channel)
        .record(v1::RecordRequest::default())
        .await;
    server.abort();
    answer.unwrap_err()
}

fn long(bytes: usize) -> String {
    // The character takes three bytes, and nine in a header.
    "安".repeat(bytes / 3)
}

fn large_conflict(reason: ConflictReason) -> SequenceConflict {
    let large = |sequence| {
        let mut event = event(sequence);
        event.payload = Payload::json("Renamed", vec![b' '; 700]);
        event
    };
    SequenceConflict {
        intervening: (5..37).map(large).collect(),
        intervening_total: 1000,
        rejection: Some(large_rejection()),
        ..conflict(reason)
    }
}

fn large_rejection() -> Rejected {
    let field = |n: usize| (format!("field {n}"), json!(long(300)));
    Rejected {
        code: "TooMuch".into(),
        message: long(100_000),
        fields: (0..100).map(field).collect(),
    }
}

fn many_paths() -> Vec<FieldPath> {
    (0..5000)
        .map(|n| format!("items.{n}").parse().unwrap())
        .collect()
}

fn large_errors() -> Vec<SubmitError> {
    let fault = || Fault::Panicked {
        function: "decide",
        message: long(50_000),
    };
    let domains = (0..2000).map(|n| Domain::new(&format!("domain-{n}")).unwrap());
    let mut errors = vec![
        SubmitError::Invalid(
            (0..10_000)
                .map(|n| FieldViolation::new(format!("pages[{n}].command"), long(900)))
                .collect(),
        ),
        SubmitError::UnknownDomain {
            domain: stream().domain,
            known: domains.collect(),
        },
        SubmitError::Rejected(large_rejection()),
        SubmitError::Broken {
            stream: stream(),
            fault: fault(),
        },
        SubmitError::ExternalIdReused {
            stream: stream(),
            external_id: long(255),
            first: first_results().remove(0),
        },
        SubmitError::ExternalIdReused {
            stream: stream(),
            external_id: long(255),
            first: FirstResult::Rejected(Box::new(large_rejection())),
        },
        SubmitError::Unavailable {
            retry_after: std::time::Duration::from_secs(1),
            source: Unavailable::Prepare(long(100_000).into()),
        },
    ];
    let reasons = [
        ConflictReason::Strict,
        ConflictReason::OrderMatters {
            fields: many_paths(),
        },
        ConflictReason::DecisionDiffers {
            changed: many_paths(),
            then: vec![Payload::json("Noted", format!("\"{}\"", long(100_000))); 300],
            now: vec![Payload::protobuf("bank.v1.Noted", vec![0; 100_000]); 300],
        },
        ConflictReason::PossibleNow {
            then: large_rejection().into(),
        },
        ConflictReason::NotComparable { fault: fault() },
    ];
    errors.extend(reasons.map(|reason| SubmitError::Conflict(Box::new(large_conflict(reason)))));
    errors
}

/// Returns errors with very long names, because an operator may give a name of any length.
fn large_version_errors() -> Vec<VersionError> {
    let version = ReadModelVersion::new("balances", 2).unwrap();
    let known: Vec<_> = (0..2000).map(|n| format!("table {n}")).collect();
    vec![
        VersionError::UnknownModel {
            name: long(70_000),
            known: known.clone(),
        },
        VersionError::Unknown {
            version: version.clone(),
            known: (0..2000).map(|n| u32::MAX - n).collect(),
        },
        VersionError::UnknownTable {
            version,
            table: long(70_000),
            known,
        },
        VersionError::Query {
            source: long(70_000).into(),
        },
    ]
}

async fn reaches_the_client<E: WireError>(error: &E) {
    let sent = error.to_status();
    let received = received(sent.clone()).await;
    assert_eq!(received.code(), sent.code(), "{received:?}");
    assert_eq!(received.message(), sent.message());
    assert_eq!(received.details(), sent.details());
    assert!(E::from_status(&received).is_some(), "{received:?}");
}

#[tokio::test]
async fn the_largest_errors_reach_the_client_with_the_least_room() {
    for error in large_errors() {
        reaches_the_client(&error).await;
    }
    for error in large_version_errors() {
        reaches_the_client(&error).await;
    }
}

/// This guards the test above: without the cuts the client would not see the error at all.
#[tokio::test]
async fn a_status_that_is_not_cut_does_not_arrive() {
    let details: Arc<[u8]> = vec![7; 8 * 1024].into();
    let whole = Status::with_details(tonic::Code::Aborted, "", details.to_vec().into());
    assert_ne!(received(whole).await.code(), tonic::Code::Aborted);
}

#[test]
fn a_conflict_shows_the_first_events_and_says_that_there_are_more() {
    let error = SubmitError::Conflict(Box::new(large_conflict(ConflictReason::Strict)));
    let Some(SubmitError::Conflict(read)) = SubmitError::from_status(&error.to_status()) else {
        panic!("a conflict");
    };
    let sequences: Vec<_> = read
        .intervening
        .iter()
        .map(|event| event.sequence.0)
        .collect();
    let expected: Vec<_> = (5..).take(sequences.len()).collect();
    assert_eq!(sequences, expected);
    assert!((1..32).contains(&sequences.len()), "{sequences:?}");
    assert_eq!(read.intervening_total, 1000);
}

#[test]
fn violations_that_are_left_out_are_counted() {
    let violation = |n| FieldViolation::new(format!("pages[{n}].command"), "is missing");
    let Invalid(read) =
        Invalid::from_status(&Invalid((0..10_000).map(violation).collect()).to_status()).unwrap();
    let last = read.last().unwrap();
    assert_eq!(last.field, "request");
    let listed = read.len() - 1;
    assert!(listed > 10, "{listed}");
    assert!(
        last.description.contains(&(10_000 - listed).to_string()),
        "{last:?}"
    );
    assert_eq!(read[0], violation(0));
}

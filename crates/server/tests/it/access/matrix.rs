//! Walks all methods of the definition with callers of all kinds.

use std::time::{Duration, SystemTime};

use prost::Message;
use prost_types::FileDescriptorSet;
use seriatim_core::{Domain, StreamId};
use seriatim_proto::{convert, v1};
use seriatim_security::{Limits, Token, Verb};
use seriatim_server::ServerSettings;
use tonic::Status;
use uuid::Uuid;
use v1::submit_stream_response::Result as Answer;

use super::callers::{Asking, all_events, call, reason, word};
use crate::rig::*;

/// One method: the rights of which a caller needs all, and what it gets if it has them for another domain.
struct Row {
    needs: &'static [Verb],
    elsewhere: Elsewhere,
    message: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elsewhere {
    /// It is denied.
    Denied,
    /// It is as if there were no such letter.
    Unknown,
    /// The answer lacks what is of other domains; another test looks at that.
    LeftOut,
    /// The right is one of the whole server.
    Everywhere,
}

/// Returns what a method needs. A method that is added to the definition must be added here.
fn row(method: &str, stream: &StreamId, letter: Uuid) -> Row {
    use Elsewhere::{Denied, Everywhere, LeftOut, Unknown};
    let (cover, domain) = (Some(convert::cover(stream)), stream.domain.to_string());
    let submit = ask(stream, "Label", r#"{"label":"x"}"#);
    let id = Some(letter.into());
    let reason = "it is a test".to_owned();
    let (needs, elsewhere, message): (&'static [Verb], _, _) = match method {
        "CommandService/Submit" => (&[Verb::Submit], Denied, submit.encode_to_vec()),
        "CommandService/SubmitStream" => {
            let request = Some(submit);
            let request = v1::SubmitStreamRequest { tag: 1, request };
            (&[Verb::Submit], Denied, request.encode_to_vec())
        }
        "CommandService/Simulate" => {
            let request = v1::SimulateRequest {
                book: submit.book,
                ..Default::default()
            };
            (
                &[Verb::Simulate, Verb::Read],
                Denied,
                request.encode_to_vec(),
            )
        }
        "CommandService/HandBack" => {
            let request = v1::HandBackRequest {
                effect: Some(v1::EffectId {
                    component: "saga".into(),
                    source: cover,
                    ..Default::default()
                }),
                book: submit.book,
                rejection: Some(v1::Rejection {
                    code: "No".into(),
                    ..Default::default()
                }),
                causation_id: Some(Uuid::now_v7().into()),
                ..Default::default()
            };
            (&[Verb::React], Denied, request.encode_to_vec())
        }
        "FactService/Record" => {
            let request = fact(stream, "one", "Paid", "{}");
            (&[Verb::RecordFact], Denied, request.encode_to_vec())
        }
        "QueryService/GetEvents" => {
            let request = v1::GetEventsRequest {
                cover,
                ..Default::default()
            };
            (&[Verb::Read], Denied, request.encode_to_vec())
        }
        "QueryService/GetState" => {
            let request = v1::GetStateRequest { cover, at: None };
            (&[Verb::Read], Denied, request.encode_to_vec())
        }
        "QueryService/ListChanges" => {
            let request = v1::ListChangesRequest {
                cover,
                ..Default::default()
            };
            (&[Verb::Read], Denied, request.encode_to_vec())
        }
        "QueryService/ListStreams" => {
            let request = v1::ListStreamsRequest {
                domain,
                ..Default::default()
            };
            (&[Verb::Read], Denied, request.encode_to_vec())
        }
        "QueryService/GetWorkflow" => {
            let request = v1::GetWorkflowRequest {
                correlation_id: "checkout-7".into(),
                begin: None,
            };
            (&[Verb::Read], LeftOut, request.encode_to_vec())
        }
        "QueryService/GetSchema" => {
            let request = v1::GetSchemaRequest { domain };
            (&[Verb::Read], Denied, request.encode_to_vec())
        }
        "QueryService/ListDomains" => (&[Verb::Read], LeftOut, Vec::new()),
        "SubscriptionService/Subscribe" => {
            (&[Verb::Subscribe], LeftOut, all_events().encode_to_vec())
        }
        "DeadLetterService/List" => {
            let request = v1::DeadLetterServiceListRequest {
                domain,
                ..Default::default()
            };
            (&[Verb::LettersRead], Denied, request.encode_to_vec())
        }
        "DeadLetterService/Get" => {
            let request = v1::DeadLetterServiceGetRequest { id };
            let needs = &[Verb::LettersRead, Verb::LettersPayload];
            (needs, Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Simulate" => {
            let request = v1::DeadLetterServiceSimulateRequest { id };
            let needs = &[Verb::LettersRead, Verb::LettersPayload];
            (needs, Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Forecast" => {
            let request = v1::DeadLetterServiceForecastRequest {
                domain,
                ..Default::default()
            };
            let needs = &[Verb::LettersRead, Verb::LettersPayload];
            (needs, Denied, request.encode_to_vec())
        }
        "DeadLetterService/ListFaults" => {
            let request = v1::DeadLetterServiceListFaultsRequest {
                domain,
                ..Default::default()
            };
            let needs = &[Verb::LettersRead, Verb::LettersPayload];
            (needs, Denied, request.encode_to_vec())
        }
        "DeadLetterService/Annotate" => {
            let note = "it was the driver".into();
            let request = v1::DeadLetterServiceAnnotateRequest { id, note };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Assign" => {
            let request = v1::DeadLetterServiceAssignRequest {
                id,
                assignee: "ann".into(),
                from: None,
            };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Resubmit" => {
            let request = v1::DeadLetterServiceResubmitRequest {
                id,
                reason,
                expected: None,
            };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Edit" => {
            let request = v1::DeadLetterServiceEditRequest {
                id,
                commands: vec![convert::json_any("Label", r#"{"label":"x"}"#.into())],
                expected: None,
                reason,
            };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Record" => {
            let request = v1::DeadLetterServiceRecordRequest {
                id,
                event: Some(convert::json_any("Paid", "{}".into())),
                source: "stripe".into(),
                description: "paid".into(),
                external_id: "pay-1".into(),
                reason,
                ..Default::default()
            };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "DeadLetterService/Discard" => {
            let request = v1::DeadLetterServiceDiscardRequest { id, reason };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "JobService/Start" => {
            let request = v1::JobServiceStartRequest {
                verb: v1::DeadLetterVerb::Resubmit.into(),
                filter: Some(v1::JobFilter {
                    domain,
                    ..Default::default()
                }),
                ..Default::default()
            };
            let needs = &[Verb::LettersRead, Verb::LettersResolve];
            (needs, Denied, request.encode_to_vec())
        }
        "JobService/Get" => {
            let request = v1::JobServiceGetRequest { id };
            (&[Verb::LettersRead], Unknown, request.encode_to_vec())
        }
        "JobService/List" => (&[Verb::LettersRead], LeftOut, Vec::new()),
        "JobService/ListResults" => {
            let request = v1::JobServiceListResultsRequest {
                id,
                ..Default::default()
            };
            (&[Verb::LettersRead], Unknown, request.encode_to_vec())
        }
        "JobService/Pause" => {
            let request = v1::JobServicePauseRequest { id };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "JobService/Resume" => {
            let request = v1::JobServiceResumeRequest { id };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "JobService/Cancel" => {
            let request = v1::JobServiceCancelRequest { id };
            (&[Verb::LettersResolve], Unknown, request.encode_to_vec())
        }
        "AdminService/ListProgress" | "AdminService/ListReadModels" => {
            (&[Verb::Observe], Everywhere, Vec::new())
        }
        "AdminService/Pause"
        | "AdminService/Resume"
        | "AdminService/Begin"
        | "AdminService/CompareReadModel"
        | "AdminService/SwitchReadModel"
        | "AdminService/DropReadModel" => (&[Verb::Operate], Everywhere, Vec::new()),
        "TokenService/Create"
        | "TokenService/List"
        | "TokenService/Revoke"
        | "OperationService/List" => (&[Verb::Admin], Everywhere, Vec::new()),
        other => panic!("no line says who may call {other}"),
    };
    Row {
        needs,
        elsewhere,
        message,
    }
}

fn methods() -> Vec<String> {
    let files = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
    let ours = files
        .file
        .iter()
        .filter(|file| file.package() == "seriatim.v1");
    let services = ours.flat_map(|file| &file.service);
    let methods = services.flat_map(|service| {
        let methods = service.method.iter();
        methods.map(|method| format!("{}/{}", service.name(), method.name()))
    });
    methods.collect()
}

/// Ends a `SubmitStream` with the status of its one request.
fn unwrapped(
    method: &str,
    answer: Result<Option<Vec<u8>>, Status>,
) -> Result<Option<Vec<u8>>, Status> {
    if let ("CommandService/SubmitStream", Ok(Some(message))) = (method, &answer) {
        let response = v1::SubmitStreamResponse::decode(&message[..]).unwrap();
        if let Some(Answer::Status(status)) = response.result {
            return Err(seriatim_proto::status::from_message(&status));
        }
    }
    answer
}

/// Returns the reason why a caller was turned away; `None` if it was not.
fn turned_away(answer: &Result<Option<Vec<u8>>, Status>) -> Option<String> {
    let reason = reason(answer.as_ref().err()?);
    ["DENIED", "UNAUTHENTICATED"]
        .contains(&&reason[..])
        .then_some(reason)
}

#[tokio::test]
async fn every_method_with_every_caller() {
    let accepting = ServerSettings {
        accept_effects: true,
        ..ServerSettings::default()
    };
    let server = Asking::start(|server| server.settings(accepting)).await;
    let all: Vec<_> = Verb::ALL.map(|verb| (verb, "*")).into();
    let owner = server.principal("owner", &all);
    let ago = SystemTime::now() - Duration::from_secs(1);
    let expired = server.principal_with("late", &all, Limits::default(), Some(ago));
    let revoked = server.principal("revoked", &all);
    server.revoke(&revoked);
    let unknown = format!("Bearer {}", Token::generate().unwrap().reveal());
    let stream = till();
    let mut callers = 0;
    for method in methods() {
        let path = format!("/seriatim.v1.{method}");
        let row = row(&method, &stream, Uuid::now_v7());
        let ask = async |headers: &[(&'static str, String)]| {
            let answer = call(&server.rig.channel, &path, row.message.clone(), headers).await;
            unwrapped(&method, answer)
        };
        let by = |header: &str| [("authorization", header.to_owned())];

        let two = [by(&owner.header), by(&owner.header)].concat();
        for (headers, why) in [
            (&[][..], "missing"),
            (&by("Basic b3duZXI6"), "malformed"),
            (&by("Bearer"), "malformed"),
            (
                &by(&owner.header.replace("Bearer srt_", "Bearer ")),
                "not_taken",
            ),
            (&by(&owner.header[..owner.header.len() - 1]), "unknown"),
            (&by(&unknown), "unknown"),
            (&by(&expired.header), "expired"),
            (&by(&revoked.header), "revoked"),
            (&two, "malformed"),
        ] {
            let status = ask(headers).await.unwrap_err();
            assert_eq!(
                reason(&status),
                "UNAUTHENTICATED",
                "{method} {why}: {status:?}"
            );
            assert_eq!(word(&status, "why"), why, "{method}");
            callers += 1;
        }

        for missing in row.needs {
            let others: Vec<_> = all
                .iter()
                .filter(|(verb, _)| verb != missing)
                .copied()
                .collect();
            // An effect has a right of its own, and this is none.
            let others = server.principal("others", &others);
            let answer = ask(&by(&others.header)).await;
            let status = answer.unwrap_err();
            if row.elsewhere == Elsewhere::Unknown && *missing == Verb::LettersPayload {
                // There is no such letter, whoever asks.
                assert_eq!(reason(&status), "UNKNOWN_DEAD_LETTER", "{method}");
                continue;
            }
            assert_eq!(
                reason(&status),
                "DENIED",
                "{method} without {missing}: {status:?}"
            );
            callers += 1;
        }

        let with = |pattern: &'static str| -> Vec<_> {
            row.needs.iter().map(|verb| (*verb, pattern)).collect()
        };
        let elsewhere = server.principal("elsewhere", &with("meter"));
        let answer = ask(&by(&elsewhere.header)).await;
        let said = answer.as_ref().err().map(reason);
        match row.elsewhere {
            Elsewhere::Denied => assert_eq!(said.as_deref(), Some("DENIED"), "{method}"),
            Elsewhere::Unknown => {
                let unknown = match method.starts_with("JobService/") {
                    true => "UNKNOWN_JOB",
                    false => "UNKNOWN_DEAD_LETTER",
                };
                assert_eq!(said.as_deref(), Some(unknown), "{method}");
            }
            Elsewhere::LeftOut => assert_eq!(said, None, "{method}"),
            Elsewhere::Everywhere => assert_eq!(turned_away(&answer), None, "{method}"),
        }

        let right = server.principal("right", &with("till"));
        let answer = ask(&by(&right.header)).await;
        assert_eq!(turned_away(&answer), None, "{method}: {answer:?}");
        callers += 2;
    }
    assert!(callers > 12 * methods().len());
}

/// What a caller may not do and what does not exist read alike.
#[tokio::test]
async fn an_unknown_domain_and_a_forbidden_one_read_alike() {
    let server = Asking::start(|server| server).await;
    let rights = [(Verb::Submit, "meter"), (Verb::Read, "meter")];
    let by = server.principal("ann", &rights);
    let headers = [("authorization", by.header)];
    let unknown = StreamId::new(Domain::new("nothing").unwrap(), Uuid::now_v7());
    for method in [
        "CommandService/Submit",
        "QueryService/GetState",
        "QueryService/GetEvents",
    ] {
        let path = format!("/seriatim.v1.{method}");
        let mut said = Vec::new();
        for stream in [&unknown, &till()] {
            let message = row(method, stream, Uuid::nil()).message;
            let status = call(&server.rig.channel, &path, message, &headers)
                .await
                .unwrap_err();
            said.push((
                status.code(),
                status.message().to_owned(),
                status.details().to_vec(),
            ));
        }
        assert_eq!(said[0], said[1], "{method}");
    }
}

#[tokio::test]
async fn health_and_reflection_are_asked_too_unless_they_are_open() {
    let health = "/grpc.health.v1.Health/Check";
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    // The list of services.
    let list = vec![0x3a, 0];
    let server = Asking::start(|server| server).await;
    let nobody = server.principal("nobody", &[]);
    let by = [("authorization", nobody.header)];
    let channel = &server.rig.channel;
    let status = call(channel, health, vec![], &[]).await.unwrap_err();
    assert_eq!(reason(&status), "UNAUTHENTICATED");
    call(channel, health, vec![], &by).await.unwrap().unwrap();
    let status = call(channel, reflection, list.clone(), &by)
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented);

    let open = ServerSettings {
        open_health: true,
        open_reflection: true,
        ..ServerSettings::default()
    };
    let server = Asking::start(|server| server.settings(open)).await;
    let channel = &server.rig.channel;
    call(channel, health, vec![], &[]).await.unwrap().unwrap();
    call(channel, reflection, list, &[]).await.unwrap().unwrap();
    let request = row("QueryService/ListDomains", &till(), Uuid::nil()).message;
    let path = "/seriatim.v1.QueryService/ListDomains";
    assert!(call(channel, path, request, &[]).await.is_err());
}

/// What is only similar to a method is none: nobody gets past the question for a right by another spelling of its path.
#[tokio::test]
async fn a_path_that_only_looks_like_a_method_is_none() {
    let server = Asking::start(|server| server).await;
    let nobody = server.principal("nobody", &[]);
    let stream = till();
    let message = row("CommandService/Submit", &stream, Uuid::nil()).message;
    let ask = async |path: &str| {
        let by = [("authorization", nobody.header.clone())];
        call(&server.rig.channel, path, message.clone(), &by).await
    };
    for path in [
        "/seriatim.v1.CommandService/Submit/",
        "/seriatim.v1.CommandService/Submit/x",
        "/seriatim.v1.CommandService//Submit",
        "//seriatim.v1.CommandService/Submit",
        "/x/seriatim.v1.CommandService/Submit",
        "/seriatim.v1.CommandService/submit",
        "/Seriatim.v1.CommandService/Submit",
        "/seriatim.v1.CommandService/Sub%6Dit",
        "/seriatim.v1.CommandService/./Submit",
        "/seriatim.v1.CommandService/Submit;x=1",
    ] {
        let status = ask(path).await.unwrap_err();
        assert_eq!(
            status.code(),
            tonic::Code::Unimplemented,
            "{path}: {status:?}"
        );
    }
    for path in [
        "/seriatim.v1.CommandService/Submit",
        "/seriatim.v1.CommandService/Submit?x=1",
    ] {
        let status = ask(path).await.unwrap_err();
        assert_eq!(reason(&status), "DENIED", "{path}");
    }
    assert!(server.rig.history(&stream).await.is_empty());
}

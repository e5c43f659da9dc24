//! Checks that a client without generated types finds everything it needs by reflection.

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1alpha;

use crate::rig::*;

pub(crate) async fn ask_reflection(rig: &Rig, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let mut client = ServerReflectionClient::new(rig.channel.clone());
    let answers = client.server_reflection_info(futures::stream::iter([request]));
    let answer = answers.await.unwrap().into_inner().message().await.unwrap();
    answer.unwrap().message_response.unwrap()
}

#[tokio::test]
async fn lists_every_service() {
    let rig = Rig::start().await;
    let answer = ask_reflection(&rig, MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    for service in [
        "seriatim.v1.CommandService",
        "seriatim.v1.FactService",
        "seriatim.v1.QueryService",
        "seriatim.v1.SubscriptionService",
        "seriatim.v1.DeadLetterService",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&service), "{service} in {names:?}");
    }
}

/// Types that travel only inside `Any` must be found, too.
#[tokio::test]
async fn describes_services_payloads_and_the_details_of_errors() {
    let rig = Rig::start().await;
    for symbol in [
        "seriatim.v1.CommandService",
        "seriatim.v1.JsonPayload",
        "seriatim.v1.SequenceConflict",
        "google.rpc.BadRequest",
        "google.rpc.ErrorInfo",
        "google.rpc.Status",
        "google.protobuf.Any",
    ] {
        let question = MessageRequest::FileContainingSymbol(symbol.into());
        let answer = ask_reflection(&rig, question).await;
        let MessageResponse::FileDescriptorResponse(files) = answer else {
            panic!("{symbol}: {answer:?}");
        };
        let file = FileDescriptorProto::decode(files.file_descriptor_proto[0].as_slice()).unwrap();
        assert!(
            symbol.starts_with(file.package()),
            "{symbol} in {}",
            file.name()
        );
    }
}

#[tokio::test]
async fn older_clients_are_answered_too() {
    let rig = Rig::start().await;
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(rig.channel.clone());
    let answers = client.server_reflection_info(futures::stream::iter([request]));
    let answer = answers
        .await
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(_))
    ));
}

/// The error repeats the name that was asked for, as far as every client accepts it.
#[tokio::test]
async fn a_name_of_any_length_is_not_found() {
    let rig = Rig::start().await;
    for name in ["x".repeat(70_000), "安".repeat(20_000)] {
        for question in [
            MessageRequest::FileContainingSymbol(name.clone()),
            MessageRequest::FileByFilename(name.clone()),
        ] {
            let request = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(question),
            };
            let mut client = ServerReflectionClient::new(rig.channel.clone());
            let answers = client.server_reflection_info(futures::stream::iter([request]));
            let mut answers = answers.await.unwrap().into_inner();
            let status = soon(answers.message()).await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::NotFound, "{status:?}");
            let told = status.message().trim_start_matches("symbol '");
            let told = told.trim_start_matches("file '");
            assert!(name.starts_with(told) && told.len() > 200, "{told}");
        }
    }
}

//! The actor of what is recorded is the principal.

use seriatim_core::Sequence;
use seriatim_proto::v1;
use seriatim_security::Verb;
use tonic::{Code, Request};
use v1::command_service_client::CommandServiceClient;

use super::callers::{Asking, word};
use crate::rig::*;

#[tokio::test]
async fn the_actor_is_the_principal_or_who_a_gateway_speaks_for() {
    let server = Asking::start(|server| server).await;
    let rights = [(Verb::Submit, "*"), (Verb::ActFor, "*")];
    let ann = server.principal("ann", &rights[..1]);
    let gateway = server.principal("gateway", &rights);
    let stream = till();
    let mut client = CommandServiceClient::new(server.rig.channel.clone());
    let mut submit = async |header: &str, actor: Option<&str>| {
        let mut request = Request::new(ask(&stream, "Fill", r#"{"coins":1}"#));
        let header = header.parse().unwrap();
        request.metadata_mut().insert("authorization", header);
        if let Some(actor) = actor {
            seriatim_proto::set_actor(request.metadata_mut(), actor);
        }
        client.submit(request).await
    };
    submit(&ann.header, None).await.unwrap();
    submit(&ann.header, Some("ann")).await.unwrap();
    submit(&gateway.header, Some("bob")).await.unwrap();
    submit(&gateway.header, None).await.unwrap();
    for actor in ["bob", "saga:payments", "bob via gateway"] {
        let status = submit(&ann.header, Some(actor)).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{actor}");
        assert_eq!(word(&status, "verb"), "act-for");
    }
    // Nobody is a reaction, whoever says so.
    let status = submit(&gateway.header, Some("saga:payments")).await;
    assert_eq!(status.unwrap_err().code(), Code::InvalidArgument);

    let events = server.rig.coordinator.store();
    let events = events
        .read_stream(&stream, Sequence::FIRST, 100)
        .await
        .unwrap();
    let actors: Vec<_> = events
        .iter()
        .map(|event| event.metadata.actor.as_deref().unwrap())
        .collect();
    assert_eq!(actors, ["ann", "ann", "bob via gateway", "gateway"]);
}

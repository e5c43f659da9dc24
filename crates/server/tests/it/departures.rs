//! Checks that a call that never left its client is known as such.

use std::time::Duration;

use seriatim_core::{Begin, CommandRequest, EventFilter, Payload};
use seriatim_proto::{CallError, Client};

use crate::rig::*;

/// The server allows one open call, and a subscription is it. A call that was given up while it waited is not sent
/// later.
#[tokio::test]
async fn a_call_that_found_no_place_was_not_sent_and_never_will_be() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            calls_per_connection: 1,
            ..Default::default()
        })
    })
    .await;
    let patient = Client::connect(&rig.url, Duration::from_secs(60))
        .await
        .unwrap();
    // The settings of the server have come with the answer to the first call.
    patient.domains().await.unwrap();
    let (begin, filter) = (Begin::AtTheFirst, EventFilter::default());
    let mut open = patient.subscribe(begin, filter).await.unwrap();
    let stream = till();
    let fill = CommandRequest::new(stream.clone(), Payload::json("Fill", r#"{"coins":1}"#));
    let hasty = patient.with_timeout(Duration::from_millis(200));
    for _ in 0..3 {
        let error = soon(hasty.submit(&fill)).await.unwrap_err();
        assert!(matches!(error, CallError::NotSent), "{error:?}");
        assert!(error.to_string().ends_with("nothing was done"), "{error}");
    }
    soon(open.next()).await.unwrap();
    drop(open);
    // The calls before it were in line first.
    soon(patient.submit(&fill)).await.unwrap();
    assert_eq!(rig.history(&stream).await, ["Filled"]);
}

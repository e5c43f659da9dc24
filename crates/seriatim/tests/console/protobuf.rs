//! Protobuf messages are shown and edited as JSON, by the descriptors of the application.

use seriatim::core::{CommandGateway as _, FactOrigin, FactRequest, Metadata, NewFact, Outcome};
use seriatim::prelude::*;
use seriatim::{Domain, LetterStatus, Payload, StreamId};

use crate::meter::{Do, Meter, Read};
use crate::server::Server;

fn read(units: u64) -> Do {
    Do::Read(Read { units, place: None })
}

/// Records bytes as they are.
async fn record(server: &Server, root: Uuid, bytes: Vec<u8>) {
    let request = FactRequest {
        id: Uuid::now_v7(),
        stream: StreamId::new(Domain::of::<Meter>(), root),
        facts: vec![NewFact {
            payload: Payload::protobuf("meter.v1.Counted", bytes),
            origin: FactOrigin {
                source: "till".into(),
                description: String::new(),
            },
        }],
        route_to_aggregate: Some(false),
        metadata: Metadata {
            external_id: Some(Uuid::now_v7().to_string()),
            ..Metadata::default()
        },
        effect: None,
    };
    server.app.coordinator().record(request).await.unwrap();
}

#[tokio::test]
async fn the_events_of_a_stream_are_json_and_what_cannot_be_read_is_digits() {
    let server = Server::open().await;
    let root = Uuid::now_v7();
    server.app.of::<Meter>(root).send(read(7)).await.unwrap();
    record(&server, root, vec![0x08, 1, 0x98, 0x06, 1]).await;
    let large = [&[0x9a, 0x06, 0xc0, 0x84, 0x3d][..], &[0xee; 1_000_000]].concat();
    record(&server, root, large).await;
    let page = server
        .stranger()
        .get(&format!("/streams/meter/{root}"))
        .await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.says("&#34;units&#34;: &#34;7&#34;"), "{}", page.body);
    assert!(page.says("08 01 98 06 01"), "{}", page.body);
    assert!(
        page.says("1000005 bytes that are not JSON, the first of them"),
        "{}",
        page.body
    );
    assert!(page.body.len() < 100_000, "{} bytes", page.body.len());
    let why = format!("/streams/meter/{root}/why?field=units");
    let why = server.stranger().get(&why).await;
    assert!(why.says("&#34;units&#34;: &#34;7&#34;"), "{}", why.body);
}

#[tokio::test]
async fn a_parked_message_is_shown_simulated_and_edited_as_json() {
    let server = Server::open().await;
    let root = Uuid::now_v7();
    let meter = server.app.of::<Meter>(root);
    meter.send(read(1)).await.unwrap();
    let parked = meter.send(read(2)).expecting(NoStream).merge(Manual);
    let Outcome::DeadLettered { id, .. } = parked.await.unwrap().outcome else {
        panic!("it was not parked");
    };
    let client = server.stranger();
    for path in [
        format!("/letters/{id}"),
        format!("/letters/{id}?simulate=1"),
    ] {
        let page = client.get(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.says("&#34;units&#34;: &#34;2&#34;"), "{}", page.body);
    }
    let edit = format!("/letters/{id}/edit");
    let form = client.get(&edit).await;
    assert!(
        form.says("&#34;type&#34;: &#34;meter.v1.Read&#34;"),
        "{}",
        form.body
    );
    for (commands, why) in [
        (
            r#"{"type":"meter.v1.Read","data":{"unit":"5"}}"#,
            "did you mean `units`?",
        ),
        (
            r#"{"type":"meter.v1.Read","data":{"units":"-5"}}"#,
            "meter.v1.Read",
        ),
    ] {
        let answer = client
            .post(&edit, &[("expected", "0"), ("commands", commands)])
            .await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.says(why), "{}", answer.body);
    }
    let commands = r#"{"type":"meter.v1.Read","data":{"units":"5"}}"#;
    let answer = client
        .post(&edit, &[("expected", "0"), ("commands", commands)])
        .await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(server.letter(id).await.status(), LetterStatus::Resolved);
    let page = client.get(&format!("/streams/meter/{root}")).await;
    assert!(page.says("&#34;units&#34;: &#34;5&#34;"), "{}", page.body);
}

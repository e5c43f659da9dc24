//! Effects that go to another program, and those that come from one.

use std::sync::Arc;
use std::time::Duration;

use seriatim::{Client, Enrolled, RemoteGateway, SagaReaction, ServerSettings};

use crate::desk::Pins;
use crate::stage::*;

#[tokio::test]
async fn what_is_in_another_program_is_not_looked_at_and_said_so() {
    let [here, there] = [Stage::sqlite(), Stage::postgres()];
    let boards = there
        .quiet()
        .await
        .listen("127.0.0.1:0")
        .server_settings(ServerSettings {
            accept_effects: true,
            ..ServerSettings::default()
        });
    let boards = boards.start().await.unwrap();
    let address = format!("http://{}", boards.address().unwrap());
    let client = Client::connect(&address, Duration::from_secs(30));
    let client = client.await.unwrap();
    let desks = here.quiet().await.start().await.unwrap();
    let store = Arc::clone(desks.coordinator().store());
    let gateway: RemoteGateway = client.gateway();
    let pins = SagaReaction::new(
        Pins { copies: 1 },
        Arc::new(gateway),
        Arc::clone(&store) as _,
    );
    let pinning = seriatim::App::on(store).component(Enrolled::new(Arc::new(pins)));
    let pinning = pinning.start().await.unwrap();
    work(&desks, DESK, "a").await;
    until("it was pinned", async || {
        !boards
            .coordinator()
            .store()
            .claims(None, 9)
            .await
            .unwrap()
            .is_empty()
    })
    .await;
    settled(&pinning).await;

    let audit = pinning.audit().await.unwrap();
    assert!(audit.is_sound(), "{audit:?}");
    assert_eq!(unproven(&audit), ["out_of_reach"]);
    let audit = boards.audit().await.unwrap();
    assert!(audit.is_sound(), "{audit:?}");
    assert_eq!(unproven(&audit), ["other_source"]);
    for app in [pinning, desks, boards] {
        app.shutdown().await.unwrap();
    }
    here.gone().await;
    there.gone().await;
}

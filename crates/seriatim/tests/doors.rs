//! Checks which addresses an application opens to other machines.

use std::error::Error;

use seriatim::security::tls::{Identity, Pem, ServerTls, TlsOptions};
use seriatim::security::{Access, Policy, Tokens};
use seriatim::{App, AppBuilder, OpenDoor, StartAppError};

async fn app() -> AppBuilder {
    App::open("memory:").await.unwrap()
}

fn tls() -> ServerTls {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = Identity {
        certificate: Pem::text(made.cert.pem()),
        key: Pem::text(made.signing_key.serialize_pem()),
    };
    ServerTls::new(TlsOptions {
        identity,
        clients: None,
    })
    .unwrap()
}

fn asking() -> Access {
    Access::new(Policy::default(), Tokens::default())
}

async fn starts(builder: AppBuilder) {
    let app = builder.start().await.unwrap();
    app.shutdown().await.unwrap();
}

async fn is_refused(builder: AppBuilder) -> OpenDoor {
    match builder.start().await.unwrap_err() {
        StartAppError::OpenDoor(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_of_this_machine_needs_nothing() {
    for address in ["127.0.0.1:0", "localhost:0", "127.0.0.2:0"] {
        starts(app().await.listen(address)).await;
    }
}

#[tokio::test]
async fn an_address_that_others_reach_needs_tls_and_a_question() {
    let on = async |door: &str| match door {
        "grpc" => app().await.listen("0.0.0.0:0"),
        _ => app().await.metrics("0.0.0.0:0"),
    };
    for door in ["grpc", "metrics"] {
        for open in [
            on(door).await,
            on(door).await.insecure(),
            on(door).await.access(asking()),
        ] {
            let why = is_refused(open).await;
            assert!(matches!(why, OpenDoor::NoTls { .. }), "{why:?}");
            let text = why.to_string();
            assert!(text.contains("`AppBuilder::tls`"), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        for open in [on(door).await.tls(tls()), on(door).await.behind_proxy()] {
            let why = is_refused(open).await;
            assert!(matches!(why, OpenDoor::NobodyAsked { .. }), "{why:?}");
            let text = why.to_string();
            assert!(text.contains("`AppBuilder::access`"), "{text}");
        }
        starts(on(door).await.tls(tls()).access(asking())).await;
        starts(on(door).await.behind_proxy().access(asking())).await;
        starts(on(door).await.behind_proxy().insecure()).await;
    }
}

/// What is refused leaves nothing behind: its address is free, and it can be mended.
#[tokio::test]
async fn a_refused_address_is_free_again() -> Result<(), Box<dyn Error>> {
    let probe = std::net::TcpListener::bind("0.0.0.0:0")?;
    let address = probe.local_addr()?.to_string();
    drop(probe);
    is_refused(app().await.listen(&address)).await;
    starts(app().await.listen(&address).tls(tls()).access(asking())).await;
    Ok(())
}

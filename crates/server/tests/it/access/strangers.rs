//! Who never shows who it is keeps nobody out.

use std::time::Duration;

use seriatim_proto::{Client, ConnectOptions};
use seriatim_security::Verb;
use seriatim_server::ServerSettings;
use tonic::Code;

use super::callers::Asking;
use crate::raw::Raw;

#[tokio::test]
async fn connections_of_strangers_make_room_and_others_do_not() {
    // One is that of the rig, which never shows who it is.
    let few = ServerSettings {
        connections: 4,
        ..ServerSettings::default()
    };
    let server = Asking::start(|server| server.settings(few)).await;
    let ann = server.principal("ann", &[(Verb::Read, "*")]);
    let address = server.rig.url.strip_prefix("http://").unwrap().to_owned();
    let connect = async || {
        let token = ann.header.strip_prefix("Bearer ").unwrap();
        let options = ConnectOptions::new(Duration::from_secs(60)).token(token);
        Client::connect(&server.rig.url, options.unwrap()).await
    };
    let known = connect().await.unwrap();
    known.domains().await.unwrap();
    let mut strangers = Vec::new();
    for _ in 0..20 {
        // Each has begun with HTTP/2 and is answered.
        let mut stranger = Raw::connect(&address, 1 << 16).await;
        let refused = stranger.call("QueryService/ListDomains").await;
        assert_eq!(refused.status().await.code(), Code::Unauthenticated);
        strangers.push(stranger);
    }
    let late = connect().await.unwrap();
    late.domains().await.unwrap();
    known.domains().await.unwrap();
}

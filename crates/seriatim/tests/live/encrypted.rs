//! Connections over TLS, whose certificates say who they are.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use seriatim::prelude::*;
use seriatim::security::tls::{ClientCertificates, Pem};
use seriatim::security::{Access, Policy, PrincipalPolicy, Tokens};
use seriatim_testkit::soon;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::certificates::{Authority, Pair};
use crate::client::Client;
use crate::club::{Club, Do};
use crate::rights::{EVERYTHING, rights};
use crate::server::{Server, generous};

/// Connects to `wss://localhost`, trusts an authority, and shows a certificate.
async fn encrypted(server: &Server, authority: &Authority, identity: Option<&Pair>) -> Client {
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&authority.pem())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some(Pair {
            certificate: chain,
            key,
        }) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config
                .with_client_auth_cert(vec![certificate(chain)], key)
                .unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let line = soon(TlsConnector::from(Arc::new(config)).connect(name, tcp))
        .await
        .unwrap();
    Client::over(Box::new(line), "wss://localhost/live", &[])
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_says_who_it_is() {
    let authority = Authority::new("test");
    let clients = ClientCertificates {
        ca: Pem::text(authority.pem()),
        required: false,
    };
    let mut policy = Policy::default();
    policy
        .roles
        .insert("member".into(), rights(&EVERYTHING, "club"));
    let ann = PrincipalPolicy {
        roles: vec!["member".into()],
        certificates: vec!["ann.example".into()],
        ..PrincipalPolicy::default()
    };
    policy.principals.insert("ann".into(), ann);
    let access = Access::new(policy, Tokens::default());
    let app = App::open("memory:")
        .await
        .unwrap()
        .aggregate::<Club>()
        .access(access.clone());
    let app = app.tls(authority.server().server_for(Some(clients)).unwrap());
    let app = app.start().await.unwrap();
    let server = Server::of(app, |live| live.room::<Club>().settings(generous())).await;
    let root = server.club(&[]).await;
    let day = Duration::from_secs(24 * 60 * 60);
    let identity = authority.signed(&["ann.example"], &[], day);

    let mut client = encrypted(&server, &authority, Some(&identity)).await;
    client.hello(json!({})).await;
    assert_eq!(client.welcome["user"], "ann");
    let mut transcript = client.join(root).await;
    let last = server
        .act(
            root,
            Do::Post {
                by: "ann".into(),
                text: "hey".into(),
            },
        )
        .await;
    client.follow(&mut transcript, last).await;
    let stranger = authority.signed(&["bob.example"], &[], day);
    for identity in [Some(&stranger), None] {
        let mut client = encrypted(&server, &authority, identity).await;
        client.say_hello(json!({"user": "ann"})).await;
        assert_eq!(client.end().await, Some(4401));
    }
    // What the certificate may do changes while it is connected.
    let mut policy = Policy::clone(&access.policy().unwrap());
    policy.principals.clear();
    access.replace(policy);
    assert_eq!(client.end().await, Some(4401));
}

//! Makes principals, and calls methods as one of them.

use std::time::{Duration, SystemTime};

use bytes::{Buf, BufMut};
use futures::stream;
use seriatim_proto::v1;
use seriatim_security::{
    Access, DomainPattern, KnownToken, Limits, Policy, Rights, Token, Tokens, Verb,
};
use seriatim_server::ServerBuilder;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::rig::Rig;

/// A server that asks its callers who they are.
pub(super) struct Asking {
    pub(super) rig: Rig,
    pub(super) access: Access,
    tokens: Tokens,
}

/// A token, as its owner sends it.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) header: String,
    token: KnownToken,
}

impl Asking {
    pub(super) async fn start(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let tokens = Tokens::default();
        let access = Access::new(Policy::default(), tokens.clone());
        let ours = access.clone();
        let rig = Rig::start_with(|server| configure(server.access(ours))).await;
        Self {
            rig,
            access,
            tokens,
        }
    }

    /// Makes a principal with these rights, and a token for it.
    pub(super) fn principal(&self, name: &str, rights: &[(Verb, &str)]) -> Shown {
        self.principal_with(name, rights, Limits::default(), None)
    }

    pub(super) fn principal_with(
        &self,
        name: &str,
        rights: &[(Verb, &str)],
        limits: Limits,
        expires: Option<SystemTime>,
    ) -> Shown {
        self.grant(name, rights, limits);
        let token = Token::generate().unwrap();
        let known = KnownToken {
            id: token.id(),
            digest: token.digest(),
            name: name.into(),
            roles: vec![name.into()],
            expires,
            revoked: false,
            last_used: None,
        };
        self.tokens.put(known.clone());
        Shown {
            header: format!("Bearer {}", token.reveal()),
            token: known,
        }
    }

    /// Gives a principal other rights.
    pub(super) fn grant(&self, name: &str, rights: &[(Verb, &str)], limits: Limits) {
        let mut policy = Policy::clone(&self.access.policy().unwrap());
        let granted = rights
            .iter()
            .fold(Rights::default(), |granted, (verb, pattern)| {
                let pattern: DomainPattern = pattern.parse().unwrap();
                granted.grant(*verb, [pattern])
            });
        policy.roles.insert(name.into(), granted);
        policy.principals.entry(name.into()).or_default().limits = limits;
        self.access.replace(policy);
    }

    pub(super) fn revoke(&self, shown: &Shown) {
        let revoked = true;
        let token = shown.token.clone();
        self.tokens.put(KnownToken { revoked, ..token });
    }

    pub(super) fn expire(&self, shown: &Shown) {
        let expires = Some(SystemTime::now() - Duration::from_secs(1));
        let token = shown.token.clone();
        self.tokens.put(KnownToken { expires, ..token });
    }
}

/// Returns a message with who sends it.
pub(super) fn by<M>(shown: &Shown, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let header = shown.header.parse().unwrap();
    request.metadata_mut().insert("authorization", header);
    request
}

/// Returns the request for all events.
pub(super) fn all_events() -> v1::SubscribeRequest {
    let first = v1::begin::At::First(v1::begin::First {});
    v1::SubscribeRequest {
        begin: Some(v1::Begin { at: Some(first) }),
        ..Default::default()
    }
}

/// Calls a method with one message. Returns the first message of the answer.
pub(super) async fn call(
    channel: &Channel,
    path: &str,
    message: Vec<u8>,
    headers: &[(&'static str, String)],
) -> Result<Option<Vec<u8>>, Status> {
    let mut request = Request::new(stream::iter([message]));
    for (name, value) in headers {
        request.metadata_mut().append(*name, value.parse().unwrap());
    }
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let answer = grpc
        .streaming(request, path.parse().unwrap(), Bytes)
        .await?;
    answer.into_inner().message().await
}

/// Returns the reason in a status; empty if it has none.
pub(super) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|info| info.reason).unwrap_or_default()
}

/// Returns a word in the `ErrorInfo` of a status.
pub(super) fn word(status: &Status, key: &str) -> String {
    let info = status.get_details_error_info();
    let word = info.and_then(|mut info| info.metadata.remove(key));
    word.unwrap_or_default()
}

/// Messages as bytes.
#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}

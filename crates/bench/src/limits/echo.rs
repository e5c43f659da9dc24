//! The least a unary gRPC call can be: tonic, answering with the bytes it was asked with.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use prost::Message;
use seriatim_bench::Outcome;
use tonic::body::Body;
use tonic::client::Grpc as Client;
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

const PATH: &str = "/seriatim.bench.Echo/Say";

/// A message that is sent there and back.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Said {
    /// Any bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) bytes: bytes::Bytes,
}

/// The service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "seriatim.bench.Echo";
}

impl UnaryService<Said> for Echo {
    type Response = Said;
    type Future = futures::future::Ready<Result<Response<Said>, Status>>;

    fn call(&mut self, request: Request<Said>) -> Self::Future {
        futures::future::ready(Ok(Response::new(request.into_inner())))
    }
}

impl tonic::codegen::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            let mut grpc = Grpc::new(ProstCodec::<Said, Said>::default());
            Ok(grpc.unary(Self, request).await)
        })
    }
}

/// One call.
pub(crate) async fn say(client: &mut Client<Channel>, said: Said) -> Outcome<Said> {
    client.ready().await?;
    let path = http::uri::PathAndQuery::from_static(PATH);
    let codec = ProstCodec::<Said, Said>::default();
    Ok(client
        .unary(Request::new(said), path, codec)
        .await?
        .into_inner())
}

//! Implements `SubscriptionService`.

use futures::stream::BoxStream;
use seriatim_proto::{convert, v1};
use seriatim_runtime::Feed;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use v1::subscription_service_server::SubscriptionService;

use super::log_stream::LogStream;
use super::{call, status};
use crate::method::PAGE;

/// Feeds the log to clients.
#[derive(Clone, Debug)]
pub(crate) struct Subscriptions {
    feed: Feed,
    closed: watch::Receiver<bool>,
}

impl Subscriptions {
    pub(crate) fn new(feed: Feed, closed: watch::Receiver<bool>) -> Self {
        Self { feed, closed }
    }
}

#[tonic::async_trait]
impl SubscriptionService for Subscriptions {
    type SubscribeStream = BoxStream<'static, Result<v1::SubscribeResponse, Status>>;

    async fn subscribe(
        &self,
        mut request: Request<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let call = call(&mut request)?;
        let (begin, filter) = convert::subscription_of(request.into_inner()).map_err(status)?;
        let subscription = self.feed.subscribe(begin, filter).await.map_err(status)?;
        let subscription = subscription.in_pages_of(PAGE / 2);
        let stream = LogStream::new(subscription, call, self.closed.clone());
        Ok(Response::new(stream.responses()))
    }
}

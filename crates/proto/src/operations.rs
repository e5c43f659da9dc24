//! Contains the client for those who look at what operators did.

use seriatim_core::{OperationRecord, OperatorError};

use crate::call_error::CallError;
use crate::client::read_page;
use crate::{ANSWER_BYTES, Client, Page, v1};
use v1::operation_service_client::OperationServiceClient;

impl Client {
    /// Lists what operators did, the newest first, a page at a time: `page` is the token of the page, which came with
    /// the page before.
    pub async fn operations(
        &self,
        page: Option<String>,
    ) -> Result<Page<OperationRecord>, CallError<OperatorError>> {
        let message = self.request(v1::OperationServiceListRequest {
            page_size: 0,
            page_token: page.unwrap_or_default(),
        });
        let service = OperationServiceClient::new(self.departures());
        let mut service = service.max_decoding_message_size(ANSWER_BYTES);
        let answer = service.list(message).await?.into_inner();
        read_page(answer.operations, answer.next_page_token)
    }
}

//! Contains the client for those who administer API tokens.

use seriatim_core::{NewToken, OperatorError, TokenRecord};
use uuid::Uuid;

use crate::call_error::CallError;
use crate::client::read_page;
use crate::departure::Departures;
use crate::{ANSWER_BYTES, Client, Page, convert, v1};
use v1::token_service_client::TokenServiceClient;

type Call<T> = Result<T, CallError<OperatorError>>;

impl Client {
    /// Makes a token. Returns its id, and the whole token, which is a secret and is not shown again.
    pub async fn create_token(
        &self,
        token: &NewToken,
        actor: Option<&str>,
    ) -> Call<(Uuid, String)> {
        let message = v1::TokenServiceCreateRequest::from(token);
        let message = self.request_of(message, actor);
        let answer = self.tokens_service().create(message).await?.into_inner();
        let id = convert::uuid(answer.id.as_ref(), "id").map_err(CallError::Garbled)?;
        Ok((id, answer.token))
    }

    /// Lists tokens, a page at a time: `page` is the token of the page, which came with the page before.
    pub async fn tokens(&self, page: Option<String>) -> Call<Page<TokenRecord>> {
        let message = self.request(v1::TokenServiceListRequest {
            page_size: 0,
            page_token: page.unwrap_or_default(),
        });
        let answer = self.tokens_service().list(message).await?.into_inner();
        read_page(answer.tokens, answer.next_page_token)
    }

    /// Revokes a token, for ever.
    pub async fn revoke_token(&self, id: Uuid, actor: Option<&str>) -> Call<()> {
        let message = v1::TokenServiceRevokeRequest {
            id: Some(id.into()),
        };
        let message = self.request_of(message, actor);
        self.tokens_service().revoke(message).await?;
        Ok(())
    }

    fn tokens_service(&self) -> TokenServiceClient<Departures> {
        TokenServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }
}

//! Implements `TokenService`.

use seriatim_core::OperatorError;
use seriatim_proto::convert::{self, Invalid};
use seriatim_proto::v1;
use seriatim_security::{Access, TokenDesk, TokenError};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use v1::token_service_server::TokenService;

use super::page::Page;
use super::{by, call, status, store_status};

/// Makes, lists and revokes API tokens.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    desk: TokenDesk,
    access: Access,
}

impl Tokens {
    pub(crate) fn new(desk: TokenDesk, access: Access) -> Self {
        Self { desk, access }
    }
}

#[tonic::async_trait]
impl TokenService for Tokens {
    async fn create(
        &self,
        mut request: Request<v1::TokenServiceCreateRequest>,
    ) -> Result<Response<v1::TokenServiceCreateResponse>, Status> {
        let (by, _) = by(&mut request)?;
        check_asks(&self.access).map_err(status)?;
        let actor = by.person()?;
        let new = convert::new_token(request.into_inner()).map_err(status)?;
        check_roles(&self.access, &new.roles).map_err(status)?;
        let name = new.name.clone();
        let creating = async { self.desk.create(new, actor).await.map_err(refused) };
        let token = by.operate("create-token", name, None, creating).await?;
        Ok(Response::new(v1::TokenServiceCreateResponse {
            id: Some(token.id().into()),
            token: token.reveal(),
        }))
    }

    async fn list(
        &self,
        mut request: Request<v1::TokenServiceListRequest>,
    ) -> Result<Response<v1::TokenServiceListResponse>, Status> {
        call(&mut request)?;
        let request = request.get_ref();
        let after = after(&request.page_token).map_err(status)?;
        let mut page = Page::of(request.page_size);
        let found = self.desk.list(after, page.most_lines() + 1).await;
        let found = found.map_err(refused)?;
        let (mut next_page_token, mut last) = (String::new(), None);
        for token in &found {
            if !page.push(token.into()) {
                next_page_token = last.map(|id: Uuid| id.to_string()).unwrap_or_default();
                break;
            }
            last = Some(token.id);
        }
        Ok(Response::new(v1::TokenServiceListResponse {
            tokens: page.into_lines(),
            next_page_token,
        }))
    }

    async fn revoke(
        &self,
        mut request: Request<v1::TokenServiceRevokeRequest>,
    ) -> Result<Response<v1::TokenServiceRevokeResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let actor = by.person()?;
        let id = convert::uuid(request.get_ref().id.as_ref(), "id").map_err(status)?;
        let revoking = async { self.desk.revoke(id, actor).await.map_err(refused) };
        by.operate("revoke-token", id, None, revoking).await?;
        Ok(Response::new(v1::TokenServiceRevokeResponse {}))
    }
}

/// Where nobody is asked, anybody could make a token that still opens the door when it is closed later.
fn check_asks(access: &Access) -> Result<(), Invalid> {
    match access.asks() {
        true => Ok(()),
        false => Err(Invalid::field(
            "token",
            "is not made by a server that asks nobody who they are; make it on the store: `seriatim tokens create NAME --store URL`",
        )),
    }
}

/// A role that does not exist gives nothing, which nobody would notice.
fn check_roles(access: &Access, roles: &[String]) -> Result<(), Invalid> {
    let Some(policy) = access.policy() else {
        return Ok(());
    };
    let (_, unknown) = policy.rights(roles.iter().map(String::as_str));
    match unknown.first() {
        None => Ok(()),
        Some(role) => {
            let wrong = format!("`{role}` is no role of this server; add it to the configuration");
            Err(Invalid::field("roles", wrong))
        }
    }
}

fn after(page_token: &str) -> Result<Option<Uuid>, Invalid> {
    let wrong = |_| {
        Invalid::field(
            "page_token",
            "give the `next_page_token` of the page before",
        )
    };
    match page_token {
        "" => Ok(None),
        token => token.parse().map(Some).map_err(wrong),
    }
}

fn refused(error: TokenError) -> Status {
    match error {
        TokenError::Name(error) => status(Invalid::field("name", error.to_string())),
        TokenError::Roles => status(Invalid::field("roles", error.to_string())),
        TokenError::Unknown { id } => status(OperatorError::UnknownToken { id }),
        TokenError::Submit(error) => status(error),
        TokenError::Store(error) => store_status(error),
        TokenError::Random(_) | TokenError::Encode(_) | TokenError::Damaged { .. } => {
            Status::internal(error.to_string())
        }
    }
}

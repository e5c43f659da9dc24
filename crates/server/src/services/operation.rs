//! Implements `OperationService`.

use seriatim_proto::convert::Invalid;
use seriatim_proto::v1;
use seriatim_security::{OperationTrail, TrailError};
use tonic::{Request, Response, Status};
use v1::operation_service_server::OperationService;

use super::page::Page;
use super::{call, status, store_status};

/// The most lines of a page: with the longest texts that are recorded, more might not fit.
const MOST_LINES: usize = 400;

/// Shows what operators did.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    trail: OperationTrail,
}

impl Operations {
    pub(crate) fn new(trail: OperationTrail) -> Self {
        Self { trail }
    }
}

#[tonic::async_trait]
impl OperationService for Operations {
    async fn list(
        &self,
        mut request: Request<v1::OperationServiceListRequest>,
    ) -> Result<Response<v1::OperationServiceListResponse>, Status> {
        call(&mut request)?;
        let request = request.get_ref();
        let before = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|_| {
                let wrong = "give the `next_page_token` of the page before";
                status(Invalid::field("page_token", wrong))
            })?),
        };
        let mut page = Page::of(request.page_size);
        let most = page.most_lines().min(MOST_LINES);
        let found = self.trail.list(before, most).await;
        let (found, next) = found.map_err(refused)?;
        for operation in &found {
            let fits = page.push(operation.into());
            debug_assert!(fits, "so many of the largest lines fit");
        }
        Ok(Response::new(v1::OperationServiceListResponse {
            operations: page.into_lines(),
            next_page_token: next.map(|place| place.to_string()).unwrap_or_default(),
        }))
    }
}

/// Returns the status of a trail that cannot be written or read.
pub(crate) fn refused(error: TrailError) -> Status {
    match error {
        TrailError::Submit(error) => status(error),
        TrailError::Store(error) => store_status(error),
        TrailError::Encode(_) | TrailError::Damaged(_) => Status::internal(error.to_string()),
    }
}

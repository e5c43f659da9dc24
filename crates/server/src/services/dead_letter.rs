//! `DeadLetterService`.

use seriatim_coordinator::Coordinator;
use seriatim_proto::{convert, v1};
use tonic::{Request, Response, Status};
use v1::dead_letter_service_server::DeadLetterService;

use super::page::{lines, page};
use super::{check_domain, status, store_status};

/// Shows dead letters.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    coordinator: Coordinator,
}

impl DeadLetters {
    pub(crate) fn new(coordinator: Coordinator) -> Self {
        Self { coordinator }
    }
}

#[tonic::async_trait]
impl DeadLetterService for DeadLetters {
    async fn list(
        &self,
        request: Request<v1::DeadLetterServiceListRequest>,
    ) -> Result<Response<v1::DeadLetterServiceListResponse>, Status> {
        let request = request.get_ref();
        let filter = convert::letter_filter(request).map_err(status)?;
        let lines = lines(request.page_size);
        let found = self
            .coordinator
            .store()
            .letters(&filter, lines + 1)
            .await
            .map_err(store_status)?;
        if let (true, None, Some(domain)) = (found.is_empty(), filter.after, &filter.domain) {
            check_domain(&self.coordinator, domain)?;
        }
        let (letters, last) = page(&found, lines);
        Ok(Response::new(v1::DeadLetterServiceListResponse {
            letters,
            next_page_token: last.map(|letter| letter.id.to_string()).unwrap_or_default(),
        }))
    }

    async fn get(
        &self,
        request: Request<v1::DeadLetterServiceGetRequest>,
    ) -> Result<Response<v1::DeadLetterServiceGetResponse>, Status> {
        let id = convert::uuid(request.get_ref().id.as_ref(), "id").map_err(status)?;
        let view = self.coordinator.examine(id).await.map_err(status)?;
        Ok(Response::new((&view).into()))
    }
}

//! Implements `DeadLetterService`.

use seriatim_coordinator::Coordinator;
use seriatim_core::Desk;
use seriatim_proto::{convert, v1};
use tonic::{Request, Response, Status};
use v1::dead_letter_service_server::DeadLetterService;

use super::page::Page;
use super::{answer, check_domain, person, status};

/// The most letters that are read at once: each may hold a whole request, which may be as large as a message.
const MOST_PIECE_LETTERS: usize = 8;

/// Shows dead letters of all kinds, and carries out people's decisions.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    coordinator: Coordinator,
    desk: Desk,
}

impl DeadLetters {
    /// Makes the service. `desk` has the coordinator's letters, and others.
    pub(crate) fn new(coordinator: Coordinator, desk: Desk) -> Self {
        Self { coordinator, desk }
    }
}

#[tonic::async_trait]
impl DeadLetterService for DeadLetters {
    async fn list(
        &self,
        request: Request<v1::DeadLetterServiceListRequest>,
    ) -> Result<Response<v1::DeadLetterServiceListResponse>, Status> {
        let request = request.get_ref();
        let mut filter = convert::letter_filter(request).map_err(status)?;
        let mut page = Page::of(request.page_size);
        let mut next_page_token = String::new();
        let mut piece_letters = 1;
        'page: loop {
            let piece = self.desk.letters(&filter, piece_letters).await;
            let piece = piece.map_err(status)?;
            if let (true, None, Some(domain)) = (piece.is_empty(), filter.after, &filter.domain) {
                check_domain(&self.coordinator, domain)?;
            }
            for letter in &piece {
                if !page.push(letter.into()) {
                    let last = filter.after.expect("a letter fits on every page");
                    next_page_token = last.to_string();
                    break 'page;
                }
                filter.after = Some(letter.id());
            }
            if piece.len() < piece_letters {
                break;
            }
            // The next letters may be larger.
            let most = MOST_PIECE_LETTERS.min(2 * piece_letters);
            piece_letters = page.lines_left().clamp(1, most);
        }
        Ok(Response::new(v1::DeadLetterServiceListResponse {
            letters: page.into_lines(),
            next_page_token,
        }))
    }

    async fn get(
        &self,
        request: Request<v1::DeadLetterServiceGetRequest>,
    ) -> Result<Response<v1::DeadLetterServiceGetResponse>, Status> {
        let id = convert::uuid(request.get_ref().id.as_ref(), "id").map_err(status)?;
        let letter = self.desk.open(id).await.map_err(status)?;
        answer((&letter).into())
    }

    async fn resubmit(
        &self,
        request: Request<v1::DeadLetterServiceResubmitRequest>,
    ) -> Result<Response<v1::DeadLetterServiceResubmitResponse>, Status> {
        let actor = person(request.metadata())?;
        let decision = convert::resubmission(request.into_inner(), actor).map_err(status)?;
        let letter = self.desk.decide(&decision).await.map_err(status)?;
        Ok(Response::new(v1::DeadLetterServiceResubmitResponse {
            letter: Some((&letter).into()),
        }))
    }

    async fn discard(
        &self,
        request: Request<v1::DeadLetterServiceDiscardRequest>,
    ) -> Result<Response<v1::DeadLetterServiceDiscardResponse>, Status> {
        let actor = person(request.metadata())?;
        let decision = convert::discarding(request.into_inner(), actor).map_err(status)?;
        let letter = self.desk.decide(&decision).await.map_err(status)?;
        Ok(Response::new(v1::DeadLetterServiceDiscardResponse {
            letter: Some((&letter).into()),
        }))
    }
}

//! `AdminService`.

use std::sync::Arc;

use seriatim_proto::{actor, convert, v1};
use seriatim_runtime::Reactions;
use tonic::{Request, Response, Status};
use v1::admin_service_server::AdminService;

use super::page::Page;
use super::{status, store_status};

/// As many as there can be at once: what is large is cut.
const ALL: u32 = u32::MAX;

/// Shows components, and passes on what people decide.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    reactions: Arc<Reactions>,
}

impl Admin {
    pub(crate) fn new(reactions: Arc<Reactions>) -> Self {
        Self { reactions }
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn list_progress(
        &self,
        _: Request<v1::ListProgressRequest>,
    ) -> Result<Response<v1::ListProgressResponse>, Status> {
        let progress = self.reactions.progress().await.map_err(store_status)?;
        Ok(Response::new(v1::ListProgressResponse {
            progress: progress.iter().map(Into::into).collect(),
        }))
    }

    async fn list_parked(
        &self,
        request: Request<v1::ListParkedRequest>,
    ) -> Result<Response<v1::ListParkedResponse>, Status> {
        let component = &request.get_ref().component;
        let component = convert::optional_component(component).map_err(status)?;
        let parked = self.reactions.parked(component.as_ref()).await;
        let parked = parked.map_err(status)?;
        let mut page = Page::of(ALL);
        let _cut = parked.iter().all(|parked| page.push(parked.into()));
        Ok(Response::new(v1::ListParkedResponse {
            parked: page.into_lines(),
            total: u64::try_from(parked.len()).unwrap_or(u64::MAX),
        }))
    }

    async fn list_skipped(
        &self,
        request: Request<v1::ListSkippedRequest>,
    ) -> Result<Response<v1::ListSkippedResponse>, Status> {
        let request = request.get_ref();
        let component = convert::optional_component(&request.component).map_err(status)?;
        let mut page = Page::of(request.limit);
        let skipped = self
            .reactions
            .skipped(component.as_ref(), page.most_lines());
        let skipped = skipped.await.map_err(status)?;
        let _cut = skipped.iter().all(|skipped| page.push(skipped.into()));
        Ok(Response::new(v1::ListSkippedResponse {
            skipped: page.into_lines(),
        }))
    }

    async fn decide(
        &self,
        request: Request<v1::DecideRequest>,
    ) -> Result<Response<v1::DecideResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let decision = convert::decision(request.into_inner(), actor).map_err(status)?;
        let parked = self.reactions.decide(decision).await.map_err(status)?;
        Ok(Response::new(v1::DecideResponse {
            parked: Some((&parked).into()),
        }))
    }

    async fn retry_all(
        &self,
        request: Request<v1::RetryAllRequest>,
    ) -> Result<Response<v1::RetryAllResponse>, Status> {
        let actor = actor(request.metadata()).map_err(status)?;
        let component = convert::component(&request.get_ref().component).map_err(status)?;
        let count = self.reactions.retry_all(&component, actor.as_deref()).await;
        Ok(Response::new(v1::RetryAllResponse {
            count: u64::try_from(count.map_err(status)?).unwrap_or(u64::MAX),
        }))
    }

    async fn resume(
        &self,
        request: Request<v1::ResumeRequest>,
    ) -> Result<Response<v1::ResumeResponse>, Status> {
        let component = convert::component(&request.get_ref().component).map_err(status)?;
        let work = self.reactions.resume(&component).await.map_err(status)?;
        Ok(Response::new(v1::ResumeResponse {
            work: work.iter().map(Into::into).collect(),
        }))
    }

    async fn list_read_models(
        &self,
        request: Request<v1::ListReadModelsRequest>,
    ) -> Result<Response<v1::ListReadModelsResponse>, Status> {
        let name = &request.get_ref().name;
        let name = (!name.is_empty()).then_some(name.as_str());
        let models = self.reactions.read_models(name).await.map_err(status)?;
        Ok(Response::new(v1::ListReadModelsResponse {
            read_models: models.iter().map(Into::into).collect(),
        }))
    }

    async fn compare_read_model(
        &self,
        request: Request<v1::CompareReadModelRequest>,
    ) -> Result<Response<v1::CompareReadModelResponse>, Status> {
        let wanted = convert::compare_tables(request.into_inner()).map_err(status)?;
        let compared = self.reactions.compare_read_model(&wanted).await;
        let compared = compared.map_err(status)?;
        Ok(Response::new((&compared).into()))
    }

    async fn switch_read_model(
        &self,
        request: Request<v1::SwitchReadModelRequest>,
    ) -> Result<Response<v1::SwitchReadModelResponse>, Status> {
        let version = convert::read_model_version(request.into_inner().version);
        let version = version.map_err(status)?;
        let switched = self.reactions.switch_read_model(&version).await;
        switched.map_err(status)?;
        Ok(Response::new(v1::SwitchReadModelResponse {}))
    }

    async fn drop_read_model(
        &self,
        request: Request<v1::DropReadModelRequest>,
    ) -> Result<Response<v1::DropReadModelResponse>, Status> {
        let version = convert::read_model_version(request.into_inner().version);
        let version = version.map_err(status)?;
        let dropped = self.reactions.drop_read_model(&version).await;
        dropped.map_err(status)?;
        Ok(Response::new(v1::DropReadModelResponse {}))
    }
}

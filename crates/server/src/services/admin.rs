//! Implements `AdminService`.

use std::sync::Arc;

use seriatim_proto::{convert, v1};
use seriatim_runtime::Reactions;
use tonic::{Request, Response, Status};
use v1::admin_service_server::AdminService;

use super::{by, call, status, store_status};

/// Shows components and controls them.
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
        mut request: Request<v1::ListProgressRequest>,
    ) -> Result<Response<v1::ListProgressResponse>, Status> {
        call(&mut request)?;
        let progress = self.reactions.progress().await.map_err(store_status)?;
        Ok(Response::new(v1::ListProgressResponse {
            progress: progress.iter().map(Into::into).collect(),
        }))
    }

    async fn pause(
        &self,
        mut request: Request<v1::PauseRequest>,
    ) -> Result<Response<v1::PauseResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let actor = by.person()?;
        let v1::PauseRequest { component, reason } = request.into_inner();
        let component = convert::component(&component).map_err(status)?;
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        let pausing = self.reactions.pause(&component, actor.as_deref(), reason);
        let pausing = async { pausing.await.map_err(status) };
        let work = by.operate("pause", &component, reason, pausing).await?;
        Ok(Response::new(v1::PauseResponse {
            work: work.iter().map(Into::into).collect(),
        }))
    }

    async fn resume(
        &self,
        mut request: Request<v1::ResumeRequest>,
    ) -> Result<Response<v1::ResumeResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let component = convert::component(&request.get_ref().component).map_err(status)?;
        let resuming = async { self.reactions.resume(&component).await.map_err(status) };
        let work = by.operate("resume", &component, None, resuming).await?;
        Ok(Response::new(v1::ResumeResponse {
            work: work.iter().map(Into::into).collect(),
        }))
    }

    async fn begin(
        &self,
        mut request: Request<v1::BeginRequest>,
    ) -> Result<Response<v1::BeginResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let request = request.into_inner();
        let component = convert::component(&request.component).map_err(status)?;
        let begin = convert::begin(request.begin).map_err(status)?;
        let moving = async {
            self.reactions
                .begin(&component, &begin)
                .await
                .map_err(status)
        };
        let at = by.operate("begin", &component, None, moving).await?;
        let cursor = at.to_string();
        Ok(Response::new(v1::BeginResponse { cursor }))
    }

    async fn list_read_models(
        &self,
        mut request: Request<v1::ListReadModelsRequest>,
    ) -> Result<Response<v1::ListReadModelsResponse>, Status> {
        call(&mut request)?;
        let name = &request.get_ref().name;
        let name = (!name.is_empty()).then_some(name.as_str());
        let models = self.reactions.read_models(name).await.map_err(status)?;
        Ok(Response::new(v1::ListReadModelsResponse {
            read_models: models.iter().map(Into::into).collect(),
        }))
    }

    async fn compare_read_model(
        &self,
        mut request: Request<v1::CompareReadModelRequest>,
    ) -> Result<Response<v1::CompareReadModelResponse>, Status> {
        call(&mut request)?;
        let wanted = convert::compare_tables(request.into_inner()).map_err(status)?;
        let compared = self.reactions.compare_read_model(&wanted).await;
        let compared = compared.map_err(status)?;
        Ok(Response::new((&compared).into()))
    }

    async fn switch_read_model(
        &self,
        mut request: Request<v1::SwitchReadModelRequest>,
    ) -> Result<Response<v1::SwitchReadModelResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let version = convert::read_model_version(request.into_inner().version);
        let version = version.map_err(status)?;
        let switching = self.reactions.switch_read_model(&version);
        let switching = async { switching.await.map_err(status) };
        by.operate("switch-read-model", &version, None, switching)
            .await?;
        Ok(Response::new(v1::SwitchReadModelResponse {}))
    }

    async fn drop_read_model(
        &self,
        mut request: Request<v1::DropReadModelRequest>,
    ) -> Result<Response<v1::DropReadModelResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let version = convert::read_model_version(request.into_inner().version);
        let version = version.map_err(status)?;
        let dropping = self.reactions.drop_read_model(&version);
        let dropping = async { dropping.await.map_err(status) };
        by.operate("drop-read-model", &version, None, dropping)
            .await?;
        Ok(Response::new(v1::DropReadModelResponse {}))
    }
}

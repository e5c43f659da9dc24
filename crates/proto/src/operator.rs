//! The client of those who run a system: what components do, and what they are to do.

use seriatim_core::{Component, Decision, OperatorError, Parked, Progress, Skipped, Work};
use tonic::transport::Channel;

use crate::call_error::CallError;
use crate::{Client, convert, v1};
use v1::admin_service_client::AdminServiceClient;

type Call<T> = Result<T, CallError<OperatorError>>;

impl Client {
    /// How far each piece of work of the server's components has come.
    pub async fn progress(&self) -> Call<Vec<Progress>> {
        let message = self.request(v1::ListProgressRequest {});
        let answer = self.admin().list_progress(message).await?;
        read(answer.into_inner().progress)
    }

    /// The streams that are parked, of one component or of all, and how many there are: very many are not all given.
    pub async fn parked(&self, component: Option<&Component>) -> Call<(Vec<Parked>, u64)> {
        let message = self.request(v1::ListParkedRequest {
            component: name(component),
        });
        let answer = self.admin().list_parked(message).await?.into_inner();
        Ok((read(answer.parked)?, answer.total))
    }

    /// The events that were skipped last, of one component or of all, the latest first.
    pub async fn skipped(&self, component: Option<&Component>, limit: u32) -> Call<Vec<Skipped>> {
        let message = self.request(v1::ListSkippedRequest {
            component: name(component),
            limit,
        });
        let answer = self.admin().list_skipped(message).await?;
        read(answer.into_inner().skipped)
    }

    /// Decides about a parked stream, and gives it as it was.
    pub async fn decide(&self, decision: &Decision) -> Call<Parked> {
        let message = self.request_of(decision.into(), decision.actor.as_deref());
        let answer: v1::DecideResponse = self.admin().decide(message).await?.into_inner();
        let mut parked = read(answer.parked.into_iter().collect())?;
        parked.pop().ok_or_else(|| {
            CallError::Garbled(convert::Invalid::field("parked", "every answer has it"))
        })
    }

    /// Wants all parked streams of a component to be retried, and says how many that are.
    pub async fn retry_all(&self, component: &Component, actor: Option<&str>) -> Call<u64> {
        let message = v1::RetryAllRequest {
            component: component.to_string(),
        };
        let message = self.request_of(message, actor);
        let answer = self.admin().retry_all(message).await?;
        Ok(answer.into_inner().count)
    }

    /// Lets the paused work of a component go on, and says which that is.
    pub async fn resume(&self, component: &Component) -> Call<Vec<Work>> {
        let message = self.request(v1::ResumeRequest {
            component: component.to_string(),
        });
        let answer = self.admin().resume(message).await?;
        read(answer.into_inner().work)
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel())
    }
}

fn name(component: Option<&Component>) -> String {
    component.map(ToString::to_string).unwrap_or_default()
}

fn read<W, T>(items: Vec<W>) -> Call<Vec<T>>
where
    T: TryFrom<W, Error = convert::Invalid>,
{
    let items = items.into_iter().map(T::try_from).collect::<Result<_, _>>();
    items.map_err(CallError::Garbled)
}

//! Contains the client for those who run a system: the progress of components, and commands for them.

use seriatim_core::{Begin, Component, Cursor, OperatorError, Progress, Work};

use crate::call_error::CallError;
use crate::departure::Departures;
use crate::{ANSWER_BYTES, Client, convert, v1};
use v1::admin_service_client::AdminServiceClient;

type Call<T> = Result<T, CallError<OperatorError>>;

impl Client {
    /// Returns how far each piece of work of the server's components has come.
    pub async fn progress(&self) -> Call<Vec<Progress>> {
        let message = self.request(v1::ListProgressRequest {});
        let answer = self.admin().list_progress(message).await?;
        read(answer.into_inner().progress)
    }

    /// Pauses a component until it is resumed. Returns its pieces of work that have begun.
    pub async fn pause(
        &self,
        component: &Component,
        actor: Option<&str>,
        reason: Option<&str>,
    ) -> Call<Vec<Work>> {
        let message = v1::PauseRequest {
            component: component.to_string(),
            reason: reason.unwrap_or_default().into(),
        };
        let message = self.request_of(message, actor);
        let answer = self.admin().pause(message).await?;
        read(answer.into_inner().work)
    }

    /// Resumes the paused work of a component. Returns the pieces that it has resumed.
    pub async fn resume(&self, component: &Component) -> Call<Vec<Work>> {
        let message = self.request(v1::ResumeRequest {
            component: component.to_string(),
        });
        let answer = self.admin().resume(message).await?;
        read(answer.into_inner().work)
    }

    /// Lets a component begin anew at another place. Returns that place. The component's progress and its parked
    /// streams are forgotten.
    pub async fn begin(&self, component: &Component, begin: &Begin) -> Call<Cursor> {
        let message = self.request(v1::BeginRequest {
            component: component.to_string(),
            begin: Some(begin.into()),
        });
        let answer = self.admin().begin(message).await?.into_inner();
        convert::cursor(&answer.cursor, "cursor").map_err(CallError::Garbled)
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Departures> {
        AdminServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }
}

fn read<W, T>(items: Vec<W>) -> Call<Vec<T>>
where
    T: TryFrom<W, Error = convert::Invalid>,
{
    let items = items.into_iter().map(T::try_from).collect::<Result<_, _>>();
    items.map_err(CallError::Garbled)
}

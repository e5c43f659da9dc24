//! Contains the client for versions of read models.

use seriatim_core::{
    CompareTables, ComparedTables, ReadModelOverview, ReadModelVersion, VersionError,
};

use crate::call_error::CallError;
use crate::{Client, v1};

type Call<T> = Result<T, CallError<VersionError>>;

impl Client {
    /// Returns the versions of one of the server's read models or of all, and how far each has come.
    pub async fn read_models(&self, name: Option<&str>) -> Call<Vec<ReadModelOverview>> {
        let message = self.request(v1::ListReadModelsRequest {
            name: name.unwrap_or_default().into(),
        });
        let answer = self.admin().list_read_models(message).await?.into_inner();
        let models = answer.read_models.into_iter().map(TryInto::try_into);
        models.collect::<Result<_, _>>().map_err(CallError::Garbled)
    }

    /// Compares the rows of a version with those of the live one.
    pub async fn compare_read_model(&self, wanted: &CompareTables) -> Call<ComparedTables> {
        let message = self.request(v1::CompareReadModelRequest::from(wanted));
        let answer = self.admin().compare_read_model(message).await?;
        answer.into_inner().try_into().map_err(CallError::Garbled)
    }

    /// Makes the views show this version.
    pub async fn switch_read_model(&self, version: &ReadModelVersion) -> Call<()> {
        let message = self.request(v1::SwitchReadModelRequest {
            version: Some(version.into()),
        });
        self.admin().switch_read_model(message).await?;
        Ok(())
    }

    /// Drops a version that is not live, with its tables and its progress.
    pub async fn drop_read_model(&self, version: &ReadModelVersion) -> Call<()> {
        let message = self.request(v1::DropReadModelRequest {
            version: Some(version.into()),
        });
        self.admin().drop_read_model(message).await?;
        Ok(())
    }
}

//! Shows payloads of protobuf as JSON, by the descriptors that the server has.

use seriatim::{Descriptors, Payloads};
use seriatim_core::SubmitError;
use seriatim_proto::{CallError, Client};

/// Asks for the descriptors when the first payload needs them.
pub(crate) struct Reader<'c> {
    client: &'c Client,
    descriptors: Option<Descriptors>,
}

impl<'c> Reader<'c> {
    pub(crate) fn new(client: &'c Client) -> Self {
        Self {
            client,
            descriptors: None,
        }
    }

    /// Returns what is to be shown with JSON in the place of protobuf, as far as that is known. Without descriptors it is
    /// shown as type, size and digits: they are no reason to fail.
    pub(crate) async fn readable<P: Payloads>(&mut self, mut shown: P) -> P {
        if shown.has_protobuf() {
            if self.descriptors.is_none() {
                self.descriptors = Some(self.ask().await);
            }
            if let Some(descriptors) = &self.descriptors {
                shown.make_readable(descriptors);
            }
        }
        shown
    }

    /// Does the same with the events in an error.
    pub(crate) async fn refusal(
        &mut self,
        error: CallError<SubmitError>,
    ) -> CallError<SubmitError> {
        match error {
            CallError::Refused(refusal) => CallError::Refused(self.readable(refusal).await),
            other => other,
        }
    }

    async fn ask(&self) -> Descriptors {
        let mut descriptors = Descriptors::default();
        if let Ok(schema) = self.client.schema(None).await {
            // Bytes that are no descriptors are as none.
            let _ = descriptors.add(&schema.file_descriptor_set);
        }
        descriptors
    }
}

/// Does what a [`Reader`] does, for one answer.
pub(crate) async fn readable<P: Payloads>(client: &Client, shown: P) -> P {
    Reader::new(client).readable(shown).await
}

//! Metadata as it is read: JSON text, or nothing where nothing is known.

use std::sync::Arc;

use seriatim_core::Metadata;

/// Reads metadata back; events in a row with the same text share it again.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    empty: Arc<Metadata>,
    last: Option<(String, Arc<Metadata>)>,
}

impl Decoder {
    pub(crate) fn decode(
        &mut self,
        text: Option<&str>,
    ) -> Result<Arc<Metadata>, serde_json::Error> {
        let Some(text) = text else {
            return Ok(self.empty.clone());
        };
        if let Some((last, metadata)) = &self.last
            && last == text
        {
            return Ok(metadata.clone());
        }
        let metadata: Arc<Metadata> = Arc::new(serde_json::from_str(text)?);
        self.last = Some((text.into(), metadata.clone()));
        Ok(metadata)
    }
}

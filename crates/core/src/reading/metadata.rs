//! Metadata as it is read: JSON text, or nothing where nothing is known.

use std::sync::Arc;

use crate::Metadata;

/// Reads metadata back; events in a row with the same text share it again.
#[derive(Debug, Default)]
pub struct MetadataReader {
    empty: Arc<Metadata>,
    last: Option<(String, Arc<Metadata>)>,
}

impl MetadataReader {
    /// Reads JSON text; `None` stands for metadata of which nothing is known.
    pub fn read(&mut self, text: Option<&str>) -> Result<Arc<Metadata>, serde_json::Error> {
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

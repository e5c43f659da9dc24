//! Metadata as it is stored: JSON text, or nothing if it is empty.

use std::rc::Rc;
use std::sync::Arc;

use seriatim_core::Metadata;

/// Writes metadata down, once for all events that share it.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    last: Option<(Arc<Metadata>, Option<Rc<str>>)>,
}

impl Encoder {
    pub(crate) fn encode(
        &mut self,
        metadata: &Arc<Metadata>,
    ) -> Result<Option<Rc<str>>, serde_json::Error> {
        let known = self
            .last
            .as_ref()
            .is_some_and(|(last, _)| Arc::ptr_eq(last, metadata));
        if !known {
            let text = if **metadata == Metadata::default() {
                None
            } else {
                Some(serde_json::to_string(metadata.as_ref())?.into())
            };
            self.last = Some((metadata.clone(), text));
        }
        Ok(self.last.as_ref().and_then(|(_, text)| text.clone()))
    }
}

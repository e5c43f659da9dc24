//! What one client has got of one stream. It insists on every event once and in order.

use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    pub(crate) stream: String,
    pub(crate) events: Vec<Value>,
    epoch: String,
}

impl Transcript {
    /// Begins with the answer to `join`: its events end at its head.
    pub(crate) fn of(joined: &Value, epoch: &str) -> Self {
        assert_eq!(joined["type"], "joined", "{joined}");
        let mut transcript = Self {
            stream: joined["stream"].as_str().unwrap().into(),
            events: Vec::new(),
            epoch: epoch.into(),
        };
        transcript.push(&joined["events"]);
        assert_eq!(joined["recovered"], false);
        let last = transcript.last().map_or(Value::Null, Value::from);
        assert_eq!(last, joined["head"]);
        transcript
    }

    /// Adds the events of a frame of the stream.
    pub(crate) fn add(&mut self, frame: &Value) {
        assert_eq!(frame["type"], "events", "{frame}");
        assert_eq!(frame["stream"], *self.stream, "{frame}");
        assert_ne!(frame["events"], json!([]));
        self.push(&frame["events"]);
    }

    /// Adds the answer to a join after the last event.
    pub(crate) fn resumed(&mut self, joined: &Value) {
        assert_eq!(
            (&joined["type"], &joined["recovered"]),
            (&json!("joined"), &json!(true)),
            "{joined}"
        );
        assert!(
            joined["head"].as_u64() >= self.last().map(u64::from),
            "{joined}"
        );
        self.push(&joined["events"]);
    }

    fn push(&mut self, events: &Value) {
        for event in events.as_array().unwrap() {
            if let Some(last) = self.last() {
                assert_eq!(event["sequence"], last + 1, "of {}", self.stream);
            }
            self.events.push(event.clone());
        }
    }

    pub(crate) fn first(&self) -> Option<u32> {
        Some(self.events.first()?["sequence"].as_u64()? as u32)
    }

    pub(crate) fn last(&self) -> Option<u32> {
        Some(self.events.last()?["sequence"].as_u64()? as u32)
    }

    /// Returns the place after the last event.
    pub(crate) fn place(&self) -> Value {
        let last = self.events.last().unwrap();
        json!({"epoch": self.epoch, "sequence": last["sequence"], "event": last["id"]})
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        let texts = self
            .events
            .iter()
            .filter_map(|event| event["data"]["text"].as_str());
        texts.collect()
    }
}

//! Selects the events that a subscriber wants.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Domain, RecordedEvent};

/// Lets through the events that pass every part. An empty part lets everything through, but events of Seriatim's
/// [own domains](crate::OWN_DOMAINS) pass only if their domain is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Only events of these domains. If there are none: of all domains of applications.
    pub domains: Vec<Domain>,
    /// Only events of these types, by the names that today's program has for them.
    pub types: Vec<String>,
    /// Only events of these roots.
    pub roots: Vec<Uuid>,
    /// Only events of these workflows, by their correlation ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<String>,
}

impl EventFilter {
    /// Returns whether it lets `event` through. The event must be in [today's shape](crate::Log). An event that has
    /// become [nothing](crate::Payload::nothing) never passes. The type of an [unreadable](crate::Payload::unreadable)
    /// event is unknown and is not checked.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        let (stream, payload) = (&event.stream, &event.payload);
        (self.domains.contains(&stream.domain)
            || (self.domains.is_empty() && !stream.domain.is_own()))
            && (self.roots.is_empty() || self.roots.contains(&stream.root))
            && self.has_workflow(event.metadata.correlation_id.as_deref())
            && !payload.is_nothing()
            && (self.types.is_empty()
                || self.types.iter().any(|name| *name == payload.type_name)
                || payload.why_unreadable().is_some())
    }

    /// Returns whether it may let through some events of a stream and not others, so that their sequences have gaps.
    pub fn leaves_gaps(&self) -> bool {
        !self.types.is_empty() || !self.workflows.is_empty()
    }

    /// Returns whether it lets through every possible event that `other` lets through.
    pub fn covers(&self, other: &Self) -> bool {
        self.covers_domains(other)
            && covers(&self.types, &other.types)
            && covers(&self.roots, &other.roots)
            && covers(&self.workflows, &other.workflows)
    }

    fn has_workflow(&self, id: Option<&str>) -> bool {
        self.workflows.is_empty() || self.workflows.iter().any(|wanted| Some(&**wanted) == id)
    }

    fn covers_domains(&self, other: &Self) -> bool {
        match self.domains.is_empty() {
            true => !other.domains.iter().any(Domain::is_own),
            false => covers(&self.domains, &other.domains),
        }
    }
}

/// Returns the same for one part. An empty part lets everything through.
fn covers<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.is_empty() || (!other.is_empty() && other.iter().all(|wanted| one.contains(wanted)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Payload, Position, Sequence, StreamId, Timestamp};

    fn types(names: &[&str]) -> EventFilter {
        EventFilter {
            types: names.iter().map(|name| (*name).to_owned()).collect(),
            ..EventFilter::default()
        }
    }

    #[test]
    fn a_part_that_is_empty_covers_all_and_is_covered_by_none_but_itself() {
        let all = EventFilter::default();
        let (one, both) = (types(&["Paid"]), types(&["Sent", "Paid"]));
        assert!(all.covers(&all) && all.covers(&both) && both.covers(&one));
        assert!(both.covers(&types(&["Paid", "Sent"])));
        assert!(!one.covers(&both) && !both.covers(&all) && !one.covers(&types(&["Sent"])));
    }

    #[test]
    fn own_events_pass_only_if_their_domain_is_named() {
        let named = |domain: &str| EventFilter {
            domains: vec![domain.parse().unwrap()],
            ..EventFilter::default()
        };
        let event = |domain: &str| RecordedEvent {
            id: Uuid::nil(),
            stream: StreamId::new(domain.parse().unwrap(), Uuid::nil()),
            sequence: Sequence(0),
            position: Position(1),
            recorded_at: Timestamp::EPOCH,
            payload: Payload::json("Created", "{}"),
            metadata: Arc::default(),
        };
        let (all, own) = (EventFilter::default(), named("seriatim.tokens"));
        assert!(all.matches(&event("order")) && all.matches(&event("seriatim")));
        assert!(!all.matches(&event("seriatim.tokens")) && own.matches(&event("seriatim.tokens")));
        assert!(!all.covers(&own) && all.covers(&named("order")) && own.covers(&own));
    }

    #[test]
    fn events_of_a_workflow_pass_by_its_correlation_id() {
        let filter = EventFilter {
            workflows: vec!["checkout-7".into()],
            ..EventFilter::default()
        };
        let event = |correlation_id: Option<&str>| RecordedEvent {
            id: Uuid::nil(),
            stream: StreamId::new("order".parse().unwrap(), Uuid::nil()),
            sequence: Sequence(0),
            position: Position(1),
            recorded_at: Timestamp::EPOCH,
            payload: Payload::json("Created", "{}"),
            metadata: Arc::new(crate::Metadata {
                correlation_id: correlation_id.map(Into::into),
                ..crate::Metadata::default()
            }),
        };
        assert!(filter.matches(&event(Some("checkout-7"))));
        assert!(!filter.matches(&event(Some("checkout-8"))) && !filter.matches(&event(None)));
        let all = EventFilter::default();
        assert!(all.covers(&filter) && !filter.covers(&all) && filter.covers(&filter));
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(
            text, r#"{"domains":[],"types":[],"roots":[]}"#,
            "filters that are kept stay"
        );
    }

    #[test]
    fn each_part_counts() {
        let orders = EventFilter {
            domains: vec!["order".parse().unwrap()],
            ..types(&["Paid"])
        };
        assert!(types(&["Paid"]).covers(&orders));
        assert!(!orders.covers(&types(&["Paid"])));
        let rooted = EventFilter {
            roots: vec![Uuid::from_u128(7)],
            ..orders.clone()
        };
        assert!(orders.covers(&rooted) && !rooted.covers(&orders));
    }
}

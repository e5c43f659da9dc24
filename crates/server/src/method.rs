//! Says what is known of a method before its call is read.

use seriatim_security::{Principal, Verb, authorise};

use crate::arriving::Messages;

/// The assumed size of an answer of unknown size until it is made: a state, a letter with its states, or the first
/// events that are read of a log or of a stream.
pub(crate) const LARGE: usize = 4 * 1024 * 1024;
/// The assumed size of a list, and of one read of a log or of a stream when the size of its events is known.
pub(crate) const PAGE: usize = 256 * 1024;

/// The properties of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) need: Need,
    pub(crate) kind: Kind,
    /// The room that there must be before its answer is made. `None` if the answer is small, or if it is made piece by
    /// piece and its maker waits for room.
    pub(crate) answer_bytes: Option<usize>,
    /// `true` if each of its calls is one request to write something.
    pub(crate) writes: bool,
}

/// What a caller needs for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// This right, for some domain at least. The service asks again for the domains of the request.
    Right(Verb),
    /// One of these rights: which of them depends on the request.
    OneOf(&'static [Verb]),
    /// To say who it is, unless the server tells everybody how it is.
    Health,
    /// A server that tells everybody what it has, or asks nobody.
    Reflection,
    /// To say who it is. There is no such method.
    Nothing,
}

impl Need {
    /// Returns the right, or the first of those of which one is enough.
    pub(crate) fn verb(self) -> Option<Verb> {
        match self {
            Self::Right(verb) => Some(verb),
            Self::OneOf(verbs) => verbs.first().copied(),
            Self::Health | Self::Reflection | Self::Nothing => None,
        }
    }

    /// Returns whether a principal has it, for some domain at least.
    pub(crate) fn is_met_by(self, principal: &Principal) -> bool {
        let may = |verb| authorise(principal, verb, None).is_ok();
        match self {
            Self::Right(verb) => may(verb),
            Self::OneOf(verbs) => verbs.iter().any(|verb| may(*verb)),
            Self::Health | Self::Reflection | Self::Nothing => true,
        }
    }
}

/// How many messages a method has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One request and one answer.
    Question,
    /// One request, and an answer that ends by itself.
    Piecemeal,
    /// One request, and an answer without end.
    Feed,
    /// Any number of requests, with any time between them.
    Requests,
}

impl Kind {
    pub(crate) fn messages(self) -> Messages {
        match self {
            Self::Requests => Messages::Any,
            Self::Question | Self::Piecemeal | Self::Feed => Messages::One,
        }
    }

    /// Returns whether the rights of its caller may change while it is answered.
    pub(crate) fn stays_open(self) -> bool {
        self != Self::Question
    }
}

impl Method {
    /// Returns the method at a path.
    pub(crate) fn at(path: &str) -> Self {
        let Some(ours) = path.strip_prefix("/seriatim.v1.") else {
            return Self::of_others(path);
        };
        Self {
            need: need(ours),
            kind: match ours {
                "CommandService/SubmitStream" => Kind::Requests,
                "SubscriptionService/Subscribe" => Kind::Feed,
                "QueryService/GetEvents" => Kind::Piecemeal,
                _ => Kind::Question,
            },
            answer_bytes: match ours {
                "CommandService/Submit"
                | "CommandService/HandBack"
                | "CommandService/SubmitStream"
                | "FactService/Record"
                | "QueryService/GetEvents"
                | "SubscriptionService/Subscribe" => None,
                "QueryService/GetState"
                | "QueryService/ListChanges"
                | "QueryService/GetWorkflow"
                | "QueryService/GetSchema"
                | "CommandService/Simulate"
                | "DeadLetterService/List"
                | "DeadLetterService/Get"
                | "DeadLetterService/Simulate"
                | "DeadLetterService/Resubmit"
                | "DeadLetterService/Edit"
                | "DeadLetterService/Record"
                | "DeadLetterService/Discard" => Some(LARGE),
                _ => Some(PAGE),
            },
            writes: matches!(
                ours,
                "CommandService/Submit" | "CommandService/HandBack" | "FactService/Record"
            ),
        }
    }

    /// Returns a method of health or reflection, or one that does not exist.
    fn of_others(path: &str) -> Self {
        let (need, kind) = match path.rsplit_once('/') {
            Some(("/grpc.health.v1.Health", "Watch")) => (Need::Health, Kind::Feed),
            Some(("/grpc.health.v1.Health", _)) => (Need::Health, Kind::Question),
            Some((_, "ServerReflectionInfo")) => (Need::Reflection, Kind::Requests),
            Some(_) | None => (Need::Nothing, Kind::Question),
        };
        Self {
            need,
            kind,
            answer_bytes: None,
            writes: false,
        }
    }
}

/// Returns what a caller needs for one of our methods. Who adds a method adds a line; a test walks the definition.
fn need(ours: &str) -> Need {
    Need::Right(match ours {
        "CommandService/Submit" | "CommandService/SubmitStream" => {
            return Need::OneOf(&[Verb::Submit, Verb::React]);
        }
        "FactService/Record" => return Need::OneOf(&[Verb::RecordFact, Verb::React]),
        "CommandService/HandBack" => Verb::React,
        "CommandService/Simulate" => Verb::Simulate,
        "QueryService/GetEvents"
        | "QueryService/GetState"
        | "QueryService/ListChanges"
        | "QueryService/GetWorkflow"
        | "QueryService/ListStreams"
        | "QueryService/ListDomains"
        | "QueryService/GetSchema" => Verb::Read,
        "SubscriptionService/Subscribe" => Verb::Subscribe,
        "DeadLetterService/List"
        | "DeadLetterService/Get"
        | "DeadLetterService/Simulate"
        | "DeadLetterService/Forecast"
        | "DeadLetterService/ListFaults"
        | "JobService/Get"
        | "JobService/List"
        | "JobService/ListResults" => Verb::LettersRead,
        "DeadLetterService/Resubmit"
        | "DeadLetterService/Edit"
        | "DeadLetterService/Record"
        | "DeadLetterService/Discard"
        | "DeadLetterService/Annotate"
        | "DeadLetterService/Assign"
        | "JobService/Start"
        | "JobService/Pause"
        | "JobService/Resume"
        | "JobService/Cancel" => Verb::LettersResolve,
        "AdminService/ListProgress" | "AdminService/ListReadModels" => Verb::Observe,
        "AdminService/Pause"
        | "AdminService/Resume"
        | "AdminService/Begin"
        | "AdminService/CompareReadModel"
        | "AdminService/SwitchReadModel"
        | "AdminService/DropReadModel" => Verb::Operate,
        "TokenService/Create"
        | "TokenService/List"
        | "TokenService/Revoke"
        | "OperationService/List" => Verb::Admin,
        _ => return Need::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// A method that is added to the definition, or renamed, must be added here.
    #[test]
    fn the_methods_are_those_of_the_definition() {
        let files = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut lists = Vec::new();
        for file in &files.file {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}/{}", service.name(), method.name());
                    let Method {
                        need,
                        kind,
                        answer_bytes,
                        writes,
                    } = Method::at(&format!("/{}.{name}", file.package()));
                    assert_ne!(need, Need::Nothing, "{name}");
                    assert_eq!(
                        method.client_streaming(),
                        kind.messages() == Messages::Any,
                        "{name}"
                    );
                    assert_eq!(method.server_streaming(), kind.stays_open(), "{name}");
                    assert_eq!(
                        method.server_streaming() || writes,
                        answer_bytes.is_none(),
                        "{name}"
                    );
                    if answer_bytes == Some(PAGE) {
                        lists.push(name);
                    }
                }
            }
        }
        assert_eq!(
            lists,
            [
                "DeadLetterService/Forecast",
                "DeadLetterService/ListFaults",
                "DeadLetterService/Annotate",
                "DeadLetterService/Assign",
                "QueryService/ListStreams",
                "QueryService/ListDomains",
                "JobService/Start",
                "JobService/Get",
                "JobService/List",
                "JobService/ListResults",
                "JobService/Pause",
                "JobService/Resume",
                "JobService/Cancel",
                "AdminService/ListProgress",
                "AdminService/Pause",
                "AdminService/Resume",
                "AdminService/Begin",
                "AdminService/ListReadModels",
                "AdminService/CompareReadModel",
                "AdminService/SwitchReadModel",
                "AdminService/DropReadModel",
                "TokenService/Create",
                "TokenService/List",
                "TokenService/Revoke",
                "OperationService/List",
            ]
        );
    }
}

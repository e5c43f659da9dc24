//! Says what is known of a method before its call is read.

use crate::arriving::Messages;

/// The assumed size of an answer of unknown size until it is made: a state, a letter with its states, or the first
/// events that are read of a log or of a stream.
pub(crate) const LARGE: usize = 4 * 1024 * 1024;
/// The assumed size of a list, and of one read of a log or of a stream when the size of its events is known.
pub(crate) const PAGE: usize = 256 * 1024;

/// The properties of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) messages: Messages,
    pub(crate) answer: AnswerSize,
    /// `true` if each of its calls is one request to write something.
    pub(crate) writes: bool,
}

/// The way in which the answer of a method is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerSize {
    /// There must be room for this much before it is made.
    Reckoned(usize),
    /// It is made piece by piece, and its maker waits for room.
    InPages,
    /// It is small, or its parts are made before anybody could wait for room.
    Small,
}

impl Method {
    /// Returns the method at a path.
    pub(crate) fn at(path: &str) -> Self {
        let Some(ours) = path.strip_prefix("/seriatim.v1.") else {
            return Self {
                messages: match path.ends_with("/ServerReflectionInfo") {
                    true => Messages::Any,
                    false => Messages::One,
                },
                answer: AnswerSize::Small,
                writes: false,
            };
        };
        Self {
            messages: match ours {
                "CommandService/SubmitStream" => Messages::Any,
                _ => Messages::One,
            },
            answer: match ours {
                "CommandService/Submit" | "CommandService/HandBack" | "FactService/Record" => {
                    AnswerSize::Small
                }
                "CommandService/SubmitStream"
                | "QueryService/GetEvents"
                | "SubscriptionService/Subscribe" => AnswerSize::InPages,
                "QueryService/GetState"
                | "CommandService/Simulate"
                | "DeadLetterService/List"
                | "DeadLetterService/Get"
                | "DeadLetterService/Resubmit"
                | "DeadLetterService/Discard" => AnswerSize::Reckoned(LARGE),
                _ => AnswerSize::Reckoned(PAGE),
            },
            writes: matches!(
                ours,
                "CommandService/Submit" | "CommandService/HandBack" | "FactService/Record"
            ),
        }
    }
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
                        messages,
                        answer,
                        writes,
                    } = Method::at(&format!("/{}.{name}", file.package()));
                    assert_eq!(writes, answer == AnswerSize::Small, "{name}");
                    assert_eq!(
                        method.client_streaming(),
                        messages == Messages::Any,
                        "{name}"
                    );
                    assert_eq!(
                        method.server_streaming(),
                        answer == AnswerSize::InPages,
                        "{name}"
                    );
                    if answer == AnswerSize::Reckoned(PAGE) {
                        lists.push(name);
                    }
                }
            }
        }
        assert_eq!(
            lists,
            [
                "QueryService/ListStreams",
                "QueryService/ListDomains",
                "AdminService/ListProgress",
                "AdminService/Pause",
                "AdminService/Resume",
                "AdminService/Begin",
                "AdminService/ListReadModels",
                "AdminService/CompareReadModel",
                "AdminService/SwitchReadModel",
                "AdminService/DropReadModel",
            ]
        );
    }
}

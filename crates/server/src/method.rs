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
    /// The room that there must be before its answer is made. `None` if the answer is small, or if it is made piece by
    /// piece and its maker waits for room.
    pub(crate) answer_bytes: Option<usize>,
    /// `true` if each of its calls is one request to write something.
    pub(crate) writes: bool,
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
                answer_bytes: None,
                writes: false,
            };
        };
        Self {
            messages: match ours {
                "CommandService/SubmitStream" => Messages::Any,
                _ => Messages::One,
            },
            answer_bytes: match ours {
                "CommandService/Submit"
                | "CommandService/HandBack"
                | "CommandService/SubmitStream"
                | "FactService/Record"
                | "QueryService/GetEvents"
                | "SubscriptionService/Subscribe" => None,
                "QueryService/GetState"
                | "CommandService/Simulate"
                | "DeadLetterService/List"
                | "DeadLetterService/Get"
                | "DeadLetterService/Resubmit"
                | "DeadLetterService/Discard" => Some(LARGE),
                _ => Some(PAGE),
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
                        answer_bytes,
                        writes,
                    } = Method::at(&format!("/{}.{name}", file.package()));
                    assert_eq!(
                        method.client_streaming(),
                        messages == Messages::Any,
                        "{name}"
                    );
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
                "TokenService/Create",
                "TokenService/List",
                "TokenService/Revoke",
            ]
        );
    }
}

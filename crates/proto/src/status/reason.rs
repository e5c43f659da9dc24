//! The reasons that a `google.rpc.ErrorInfo` of ours can name. They are stable: programs branch on them.

/// The request is malformed.
pub const INVALID: &str = "INVALID";
/// No aggregate is registered for the domain.
pub const UNKNOWN_DOMAIN: &str = "UNKNOWN_DOMAIN";
/// There is no such dead letter.
pub const UNKNOWN_DEAD_LETTER: &str = "UNKNOWN_DEAD_LETTER";
/// The server was started without the component.
pub const UNKNOWN_COMPONENT: &str = "UNKNOWN_COMPONENT";
/// The dead letter is closed.
pub const DEAD_LETTER_CLOSED: &str = "DEAD_LETTER_CLOSED";
/// Somebody has decided about the dead letter before.
pub const ALREADY_DECIDED: &str = "ALREADY_DECIDED";
/// Something was to be discarded without a reason.
pub const NO_REASON: &str = "NO_REASON";
/// The component is a read model, which shows all events from the first on.
pub const NOT_FOR_READ_MODELS: &str = "NOT_FOR_READ_MODELS";
/// The server was started without the read model.
pub const UNKNOWN_READ_MODEL: &str = "UNKNOWN_READ_MODEL";
/// There is no such version of the read model.
pub const UNKNOWN_READ_MODEL_VERSION: &str = "UNKNOWN_READ_MODEL_VERSION";
/// The version and the live one do not both have such a table.
pub const UNKNOWN_TABLE: &str = "UNKNOWN_TABLE";
/// The version has not come as far as the live one.
pub const VERSION_BEHIND: &str = "VERSION_BEHIND";
/// The version has parked streams.
pub const VERSION_PARKED: &str = "VERSION_PARKED";
/// The version is live.
pub const VERSION_LIVE: &str = "VERSION_LIVE";
/// A table of the version cannot be told from one of another read model.
pub const TABLE_TAKEN: &str = "TABLE_TAKEN";
/// The tables cannot be compared.
pub const COMPARISON_FAILED: &str = "COMPARISON_FAILED";
/// The expectation was wrong and the strategy did not merge.
pub const SEQUENCE_CONFLICT: &str = "SEQUENCE_CONFLICT";
/// Other writers were faster in every attempt.
pub const CONTENDED: &str = "CONTENDED";
/// The request names a sequence that the stream has not reached.
pub const BEYOND_CURRENT: &str = "BEYOND_CURRENT";
/// The domain said no.
pub const REJECTED: &str = "REJECTED";
/// The stream has no sequence left.
pub const STREAM_FULL: &str = "STREAM_FULL";
/// The external id stands for other content.
pub const EXTERNAL_ID_REUSED: &str = "EXTERNAL_ID_REUSED";
/// What was sent as an effect of a reaction is not accepted as one.
pub const EFFECT_NOT_ACCEPTED: &str = "EFFECT_NOT_ACCEPTED";
/// More is waiting than may wait.
pub const OVERLOADED: &str = "OVERLOADED";
/// The store does not answer now.
pub const STORE_UNAVAILABLE: &str = "STORE_UNAVAILABLE";
/// The store fails, and will until somebody has put that right.
pub const STORE_FAILED: &str = "STORE_FAILED";
/// What prepares the command does not answer.
pub const PREPARE_UNAVAILABLE: &str = "PREPARE_UNAVAILABLE";
/// Another coordinator does not answer.
pub const REMOTE_UNAVAILABLE: &str = "REMOTE_UNAVAILABLE";
/// The server is going down.
pub const SHUTTING_DOWN: &str = "SHUTTING_DOWN";
/// The aggregate's own code or its history failed.
pub const BROKEN: &str = "BROKEN";
/// The cursor has not one position for each partition.
pub const OTHER_PARTITIONS: &str = "OTHER_PARTITIONS";
/// The log is not the one that was read.
pub const LOG_REPLACED: &str = "LOG_REPLACED";
/// The log contradicts itself.
pub const LOG_DAMAGED: &str = "LOG_DAMAGED";

//! Names the reasons that a `google.rpc.ErrorInfo` of Seriatim can have. They are stable, so programs may branch on
//! them.

/// The request is malformed.
pub const INVALID: &str = "INVALID";
/// The caller has not shown who it is.
pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
/// The caller may not do this.
pub const DENIED: &str = "DENIED";
/// No aggregate is registered for the domain.
pub const UNKNOWN_DOMAIN: &str = "UNKNOWN_DOMAIN";
/// There is no such dead letter.
pub const UNKNOWN_DEAD_LETTER: &str = "UNKNOWN_DEAD_LETTER";
/// The server was started without the component.
pub const UNKNOWN_COMPONENT: &str = "UNKNOWN_COMPONENT";
/// There is no such API token.
pub const UNKNOWN_TOKEN: &str = "UNKNOWN_TOKEN";
/// There is no such job.
pub const UNKNOWN_JOB: &str = "UNKNOWN_JOB";
/// The job is over.
pub const JOB_OVER: &str = "JOB_OVER";
/// The dead letter is closed.
pub const DEAD_LETTER_CLOSED: &str = "DEAD_LETTER_CLOSED";
/// Somebody has already decided about the dead letter.
pub const ALREADY_DECIDED: &str = "ALREADY_DECIDED";
/// The stream of a parked command is not where the caller saw it.
pub const STREAM_MOVED: &str = "STREAM_MOVED";
/// Somebody else looks after the dead letter than the caller saw.
pub const DEAD_LETTER_ASSIGNED: &str = "DEAD_LETTER_ASSIGNED";
/// The letter is about an event, and that can be done about a command only.
pub const ONLY_OF_COMMANDS: &str = "ONLY_OF_COMMANDS";
/// A discard has no reason.
pub const NO_REASON: &str = "NO_REASON";
/// The component is a read model, whose tables show all events, from the first one on.
pub const NOT_FOR_READ_MODELS: &str = "NOT_FOR_READ_MODELS";
/// The server was started without the read model.
pub const UNKNOWN_READ_MODEL: &str = "UNKNOWN_READ_MODEL";
/// There is no such version of the read model.
pub const UNKNOWN_READ_MODEL_VERSION: &str = "UNKNOWN_READ_MODEL_VERSION";
/// The table is not in both the version and the live one.
pub const UNKNOWN_TABLE: &str = "UNKNOWN_TABLE";
/// The version has handled fewer events than the live one.
pub const VERSION_BEHIND: &str = "VERSION_BEHIND";
/// The version has parked streams.
pub const VERSION_PARKED: &str = "VERSION_PARKED";
/// The version is live.
pub const VERSION_LIVE: &str = "VERSION_LIVE";
/// A table of the version has the name of a table of another read model.
pub const TABLE_TAKEN: &str = "TABLE_TAKEN";
/// The tables cannot be compared.
pub const COMPARISON_FAILED: &str = "COMPARISON_FAILED";
/// The expectation was wrong and the strategy did not merge.
pub const SEQUENCE_CONFLICT: &str = "SEQUENCE_CONFLICT";
/// Other writers were faster in every attempt.
pub const CONTENDED: &str = "CONTENDED";
/// The request names a sequence that the stream has not reached.
pub const BEYOND_CURRENT: &str = "BEYOND_CURRENT";
/// The state has no such field.
pub const UNKNOWN_FIELD: &str = "UNKNOWN_FIELD";
/// The domain rejected the command.
pub const REJECTED: &str = "REJECTED";
/// The stream has no sequence left.
pub const STREAM_FULL: &str = "STREAM_FULL";
/// The external id was already used for other content.
pub const EXTERNAL_ID_REUSED: &str = "EXTERNAL_ID_REUSED";
/// An effect of a reaction was sent that is not accepted.
pub const EFFECT_NOT_ACCEPTED: &str = "EFFECT_NOT_ACCEPTED";
/// Too many commands and facts are waiting.
pub const OVERLOADED: &str = "OVERLOADED";
/// The store does not answer at present.
pub const STORE_UNAVAILABLE: &str = "STORE_UNAVAILABLE";
/// The store cannot do what it was asked for until somebody has corrected the cause.
pub const STORE_FAILED: &str = "STORE_FAILED";
/// The `Prepare` step of the command does not answer.
pub const PREPARE_UNAVAILABLE: &str = "PREPARE_UNAVAILABLE";
/// Another coordinator does not answer.
pub const REMOTE_UNAVAILABLE: &str = "REMOTE_UNAVAILABLE";
/// The server is shutting down.
pub const SHUTTING_DOWN: &str = "SHUTTING_DOWN";
/// The aggregate's own code or its history failed.
pub const BROKEN: &str = "BROKEN";
/// The cursor does not have one position for each partition.
pub const OTHER_PARTITIONS: &str = "OTHER_PARTITIONS";
/// The log is not the one that the caller has read.
pub const LOG_REPLACED: &str = "LOG_REPLACED";
/// The log contradicts itself.
pub const LOG_DAMAGED: &str = "LOG_DAMAGED";

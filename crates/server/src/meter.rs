//! Reports the metrics of the connections through the facade `metrics`.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use seriatim_core::Domain;

const CONNECTIONS: &str = "seriatim_connections";
const REFUSED: &str = "seriatim_connections_refused_total";
const NOT_READ: &str = "seriatim_requests_not_read_total";
const KEPT_OUT: &str = "seriatim_requests_kept_out_total";
const TURNED_AWAY: &str = "seriatim_calls_turned_away_total";
const NOT_TAKEN: &str = "seriatim_answers_not_taken_total";

const UNKNOWN_FIELDS: &str = "seriatim_unknown_fields_total";

/// Describes each of them to the installed recorder.
pub(crate) fn describe() {
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections to the gRPC server");
    describe_counter!(
        REFUSED,
        Unit::Count,
        "Connections that were not served, by reason"
    );
    describe_counter!(
        NOT_READ,
        Unit::Count,
        "Requests that were refused while they arrived, by reason"
    );
    describe_counter!(
        KEPT_OUT,
        Unit::Count,
        "Commands and facts that were refused unread, because too many were in work"
    );
    describe_counter!(
        TURNED_AWAY,
        Unit::Count,
        "Calls of callers that may not make them, by reason"
    );
    describe_counter!(
        NOT_TAKEN,
        Unit::Count,
        "Calls that were ended because their client took nothing of the answer"
    );
    describe_counter!(
        UNKNOWN_FIELDS,
        Unit::Count,
        "Fields in the JSON of commands that were passed over, because their types do not have them"
    );
}

/// The reason why a connection is not served.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// The number of open connections is at its limit.
    TooMany,
    /// The system has no descriptor left, or no memory.
    NoRoom,
    /// It did not begin with HTTP/2 in time, or before others wanted its place.
    NoGreeting,
    /// It began with TLS, and the door has none.
    Tls,
    /// It began without TLS, and the door has it.
    NoTls,
    /// The TLS handshake failed.
    Handshake,
}

pub(crate) fn refused(reason: Refused) {
    let reason = match reason {
        Refused::TooMany => "too_many",
        Refused::NoRoom => "no_room",
        Refused::NoGreeting => "no_greeting",
        Refused::Tls => "tls",
        Refused::NoTls => "no_tls",
        Refused::Handshake => "handshake",
    };
    counter!(REFUSED, "reason" => reason).increment(1);
}

/// The reason why a request is not read to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotRead {
    /// There is no room for it beside those that are arriving.
    TooMuch,
    /// It was not complete in time.
    TooSlow,
}

pub(crate) fn not_read(reason: NotRead) {
    let reason = match reason {
        NotRead::TooMuch => "too_much",
        NotRead::TooSlow => "too_slow",
    };
    counter!(NOT_READ, "reason" => reason).increment(1);
}

pub(crate) fn kept_out() {
    counter!(KEPT_OUT).increment(1);
}

/// The reason why a caller may not make a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TurnedAway {
    /// It has not shown who it is.
    Unauthenticated,
    /// It has no right for it.
    Denied,
    /// It takes more than it may.
    Limited,
}

pub(crate) fn turned_away(reason: TurnedAway) {
    let reason = match reason {
        TurnedAway::Unauthenticated => "unauthenticated",
        TurnedAway::Denied => "denied",
        TurnedAway::Limited => "limited",
    };
    counter!(TURNED_AWAY, "reason" => reason).increment(1);
}

pub(crate) fn not_taken() {
    counter!(NOT_TAKEN).increment(1);
}

pub(crate) fn connections(open: usize) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are numbers of this kind"
    )]
    gauge!(CONNECTIONS).set(open as f64);
}

/// Counts fields that were passed over.
pub(crate) fn unknown_fields(domain: &Domain, number: usize) {
    counter!(UNKNOWN_FIELDS, "domain" => domain.to_string()).increment(number as u64);
}

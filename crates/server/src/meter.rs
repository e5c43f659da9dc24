//! What is counted of the connections, by the facade `metrics`.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const CONNECTIONS: &str = "seriatim_connections";
const REFUSED: &str = "seriatim_connections_refused_total";

/// Tells the installed recorder what each of them means.
pub(crate) fn describe() {
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections to the gRPC door");
    describe_counter!(
        REFUSED,
        Unit::Count,
        "Connections that were not served, by reason"
    );
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// As many as may be are open.
    TooMany,
    /// The system has no descriptor left, or no memory.
    NoRoom,
    /// It did not begin with HTTP/2 in time.
    NoGreeting,
}

pub(crate) fn refused(reason: Refused) {
    let reason = match reason {
        Refused::TooMany => "too_many",
        Refused::NoRoom => "no_room",
        Refused::NoGreeting => "no_greeting",
    };
    counter!(REFUSED, "reason" => reason).increment(1);
}

pub(crate) fn connections(open: usize) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are numbers of this kind"
    )]
    gauge!(CONNECTIONS).set(open as f64);
}

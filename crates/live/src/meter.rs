//! The metrics of a gateway.

use crate::ended::Ended;

const CONNECTIONS: &str = "seriatim_live_connections";
const ROOMS: &str = "seriatim_live_streams";
const WRITTEN: &str = "seriatim_live_frames_written_total";
const READ: &str = "seriatim_live_frames_read_total";
const ENDED: &str = "seriatim_live_connections_ended_total";

/// Describes every metric to the installed recorder.
pub fn describe_metrics() {
    metrics::describe_gauge!(
        CONNECTIONS,
        metrics::Unit::Count,
        "WebSocket connections that are open"
    );
    metrics::describe_gauge!(
        ROOMS,
        metrics::Unit::Count,
        "streams that somebody has joined"
    );
    metrics::describe_counter!(
        WRITTEN,
        metrics::Unit::Count,
        "frames that were written to clients"
    );
    metrics::describe_counter!(
        READ,
        metrics::Unit::Count,
        "frames that were read from clients"
    );
    metrics::describe_counter!(
        ENDED,
        metrics::Unit::Count,
        "WebSocket connections that have ended, by reason"
    );
}

pub(crate) fn connections(by: f64) {
    metrics::gauge!(CONNECTIONS).increment(by);
}

pub(crate) fn rooms(open: usize) {
    metrics::gauge!(ROOMS).set(open as f64);
}

pub(crate) fn written() {
    metrics::counter!(WRITTEN).increment(1);
}

pub(crate) fn read() {
    metrics::counter!(READ).increment(1);
}

pub(crate) fn ended(ended: &Ended) {
    metrics::counter!(ENDED, "reason" => ended.name()).increment(1);
}

//! What an audit reports, during and after it.

use seriatim_core::{LogPartition, Position};

use super::finding::Finding;
use super::forwards::AuditedEffects;
use super::found::Found;
use super::unproven::Unproven;

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The partitions of the log.
    pub partitions: Vec<AuditedPartition>,
    /// The components that could be asked again, in each partition.
    pub effects: Vec<AuditedEffects>,
    /// The number of checkpoints that were compared with the log.
    pub checkpoints: usize,
    /// The number of parked streams that were compared with the log.
    pub parked: usize,
    /// The number of claims that were followed back to their events.
    pub claims: u64,
    /// The number of timers that were followed back to their events.
    pub timers: u64,
    /// The findings: the first hundred of each kind of check.
    pub findings: Vec<Finding>,
    /// The number of all findings.
    pub findings_total: u64,
    /// The parts that were not checked.
    pub unproven: Vec<Unproven>,
}

/// The part of a partition that is proven to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedPartition {
    /// The partition.
    pub partition: LogPartition,
    /// The position of its last event when it was audited.
    pub head: Position,
    /// The position up to which nothing was found, from the first event on.
    pub verified: Position,
    /// True if nothing was found at all.
    pub sound: bool,
}

/// The progress of an audit. It checks one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditProgress {
    /// It checks the log itself.
    Log {
        /// The partition; those before it are done.
        partition: LogPartition,
        /// The position that was checked last.
        position: Position,
        /// The position of the partition's last event when its check began.
        head: Position,
    },
    /// It checks the effects of events.
    Effects {
        /// The partition.
        partition: LogPartition,
        /// The position of the last event whose effects were checked.
        position: Position,
    },
    /// It checks the outcomes of effects.
    Outcomes {
        /// The number of claims that were checked.
        claims: u64,
        /// The number of timers that were checked.
        timers: u64,
    },
}

impl Audit {
    /// Returns true if nothing was found. [`Audit::unproven`] lists what that does not cover.
    pub fn is_sound(&self) -> bool {
        self.findings_total == 0
    }

    pub(super) fn add(&mut self, found: &Found) {
        self.findings.extend_from_slice(found.kept());
        self.findings_total += found.total();
    }
}

//! Collects the findings of a pass: keeps the first, and counts all.

use super::finding::Finding;

/// The number of findings that are kept; further ones are only counted.
const KEPT: usize = 100;

/// The findings of one pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    kept: Vec<Finding>,
    total: u64,
}

impl Found {
    pub(super) fn note(&mut self, finding: Finding) {
        self.total += 1;
        if self.kept.len() < KEPT {
            self.kept.push(finding);
        }
    }

    /// Returns true if the finding is among those that are kept.
    pub(super) fn has(&self, finding: &Finding) -> bool {
        self.kept.contains(finding)
    }

    pub(super) fn kept(&self) -> &[Finding] {
        &self.kept
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

impl FromIterator<Finding> for Found {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        let mut found = Self::default();
        findings.into_iter().for_each(|finding| found.note(finding));
        found
    }
}

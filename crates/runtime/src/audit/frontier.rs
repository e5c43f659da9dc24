//! Computes the position up to which a component has handled all events of a partition, from the checkpoints of its
//! pieces of work.

use std::collections::BTreeMap;
use std::num::NonZero;

use seriatim_core::{Checkpoint, Position, Share};

/// Returns the last position that the work for every stream has reached.
///
/// Pieces that were cut into another number of shares are other work, and may be left over from earlier. Only the cut
/// whose pieces all exist and that has come furthest counts.
pub(super) fn frontier<'c>(checkpoints: impl IntoIterator<Item = &'c Checkpoint>) -> Position {
    let mut cuts = BTreeMap::<NonZero<u16>, BTreeMap<Share, Position>>::new();
    for checkpoint in checkpoints {
        let share = checkpoint.work.share;
        let pieces = cuts.entry(share.count()).or_default();
        pieces.insert(share, checkpoint.at.position);
    }
    let whole = cuts
        .into_iter()
        .filter(|(count, pieces)| pieces.len() == usize::from(count.get()));
    let behind = whole.filter_map(|(_, pieces)| pieces.into_values().min());
    behind.max().unwrap_or(Position::START)
}

#[cfg(test)]
mod tests {
    use seriatim_core::{Bookmark, Component, LogPartition, Timestamp, Work};

    use super::*;

    fn checkpoints(of: u16, positions: &[u64]) -> Vec<Checkpoint> {
        let shares = Share::all(NonZero::new(of).unwrap());
        let now = Timestamp::now();
        let checkpoint = |(share, position): (Share, &u64)| Checkpoint {
            work: Work {
                component: Component::new("pins").unwrap(),
                partition: LogPartition::FIRST,
                share,
            },
            at: Bookmark::at(Position(*position)),
            epoch: 1,
            owner: None,
            leased_until: now,
            moved_at: now,
            paused: None,
        };
        shares.zip(positions).map(checkpoint).collect()
    }

    #[test]
    fn the_last_of_all_shares_counts() {
        assert_eq!(frontier(&[]), Position(0));
        assert_eq!(frontier(&checkpoints(1, &[7])), Position(7));
        assert_eq!(frontier(&checkpoints(3, &[7, 4, 9])), Position(4));
    }

    #[test]
    fn a_share_that_nobody_has_begun_has_handled_nothing() {
        assert_eq!(frontier(&checkpoints(3, &[7, 4])), Position(0));
    }

    #[test]
    fn what_was_cut_otherwise_before_is_not_in_the_way() {
        let mut both = checkpoints(1, &[5]);
        both.extend(checkpoints(2, &[8, 9]));
        assert_eq!(frontier(&both), Position(8));
        both.pop();
        assert_eq!(frontier(&both), Position(5));
    }
}

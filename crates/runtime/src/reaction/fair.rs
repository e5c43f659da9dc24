//! Spreads the pieces of a component's work fairly over the processes that run it. Each process applies this rule to
//! what it sees at the moment.

use std::collections::BTreeMap;

use uuid::Uuid;

/// The state of one piece as a process sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The process that has it; `None` if it is free.
    pub(super) owner: Option<Uuid>,
    /// The process that has asked for it.
    pub(super) asked_by: Option<Uuid>,
    /// True if its owner keeps it and does nothing for it, until a person resumes it.
    pub(super) is_paused: bool,
}

impl Seen {
    /// Returns the process that will have it next, if nothing fails.
    fn heir(&self) -> Option<Uuid> {
        self.asked_by.or(self.owner)
    }

    fn can_be_asked_for(&self) -> bool {
        self.asked_by.is_none() && !self.is_paused
    }
}

/// The action of a process on one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Do nothing: the piece is where it belongs, or another process will act.
    Stay,
    /// Take it: it is free.
    Take,
    /// Let it go between two steps: another process has fewer and has asked for it.
    LetGo,
    /// Ask for it: its owner has at least two more.
    Ask,
}

/// Returns the action of `me` on each piece.
///
/// - A process that has at least two more pieces than another gives one to it, if that one asks: a move never makes
///   things worse. Once no two differ by more than one, nobody asks, and nothing moves.
/// - A free piece is taken by the process that has fewest, of those that are seen to have a piece or to have asked for
///   one. A process that has none and has not asked is not seen by others, but sees itself.
///
/// No process needs to know which others exist, so a process that stands by writes nothing.
pub(super) fn moves(me: Uuid, pieces: &[Seen]) -> Vec<Move> {
    let mut counts = Counts::of(me, pieces);
    let mut moves: Vec<_> = pieces
        .iter()
        .map(|piece| match *piece {
            Seen {
                owner: None,
                asked_by,
                ..
            } => counts.take(me, asked_by, pieces.len()),
            Seen {
                owner: Some(owner),
                asked_by: Some(asker),
                is_paused: false,
            } if owner == me && asker != me => Move::LetGo,
            _ => Move::Stay,
        })
        .collect();
    // A process that cannot even take free pieces would not use what it asks for.
    if !moves.contains(&Move::Take) {
        while let Some(richest) = counts.richest(me, pieces, &moves) {
            moves[richest] = Move::Ask;
        }
    }
    moves
}

/// The number of pieces that each process will have, of the processes that are seen.
struct Counts(BTreeMap<Uuid, usize>);

impl Counts {
    fn of(me: Uuid, pieces: &[Seen]) -> Self {
        let mut counts = BTreeMap::from([(me, 0)]);
        for heir in pieces.iter().filter_map(Seen::heir) {
            *counts.entry(heir).or_default() += 1;
        }
        Self(counts)
    }

    /// Takes a free piece if `me` has asked for it, or has fewer than the others.
    fn take(&mut self, me: Uuid, asked_by: Option<Uuid>, all: usize) -> Move {
        match asked_by {
            Some(asker) if asker == me => return Move::Take,
            Some(_) => return Move::Stay,
            None => {}
        }
        let part = all / self.0.len();
        let is_enough = |count: &usize| *count >= part;
        let mine = self.0[&me];
        if mine < part || (mine == part && self.0.values().all(is_enough)) {
            self.0.insert(me, mine + 1);
            return Move::Take;
        }
        Move::Stay
    }

    /// Returns a piece of the process that has most, if it has at least two more than `me`. The piece counts for `me`
    /// from now on.
    fn richest(&mut self, me: Uuid, pieces: &[Seen], moves: &[Move]) -> Option<usize> {
        let candidates = pieces.iter().zip(moves).enumerate();
        let (piece, owner, count) = candidates
            .filter(|(_, (piece, to_do))| piece.can_be_asked_for() && **to_do == Move::Stay)
            .filter_map(|(index, (piece, _))| {
                let owner = piece.owner.filter(|owner| *owner != me)?;
                Some((index, owner, self.0[&owner]))
            })
            // Among equals the first piece is chosen: processes that look at the same moment ask for the same piece,
            // and one of them gets it.
            .min_by_key(|(index, _, count)| (std::cmp::Reverse(*count), *index))?;
        let mine = self.0[&me];
        if count < mine + 2 {
            return None;
        }
        self.0.insert(owner, count - 1);
        self.0.insert(me, mine + 1);
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: usize) -> Uuid {
        Uuid::from_u128(number as u128)
    }

    /// Returns pieces that have the owners of these numbers; 0 stands for nobody.
    fn owned_by(owners: &[usize]) -> Vec<Seen> {
        let seen = |owner: &usize| Seen {
            owner: (*owner != 0).then(|| id(*owner)),
            ..Seen::default()
        };
        owners.iter().map(seen).collect()
    }

    fn count(moves: &[Move], of: Move) -> usize {
        moves.iter().filter(|found| **found == of).count()
    }

    #[test]
    fn who_is_alone_takes_all() {
        assert_eq!(moves(id(1), &owned_by(&[0; 8])), [Move::Take; 8]);
        assert_eq!(moves(id(1), &owned_by(&[1; 8])), [Move::Stay; 8]);
    }

    #[test]
    fn who_comes_second_asks_for_half() {
        let asked = moves(id(2), &owned_by(&[1; 8]));
        assert_eq!(count(&asked, Move::Ask), 4);
        assert_eq!(count(&asked, Move::Stay), 4);
    }

    #[test]
    fn a_single_piece_stays_where_it_is() {
        assert_eq!(moves(id(2), &owned_by(&[1])), [Move::Stay]);
        assert_eq!(moves(id(2), &owned_by(&[0])), [Move::Take]);
    }

    #[test]
    fn what_one_who_died_has_left_goes_to_who_has_least() {
        let left = owned_by(&[1, 1, 1, 2, 2, 2, 2, 0]);
        assert_eq!(count(&moves(id(1), &left), Move::Take), 1);
        assert_eq!(count(&moves(id(2), &left), Move::Take), 0);
    }

    #[test]
    fn what_was_asked_for_is_let_go_and_left_to_the_asker() {
        let asked = |owner| Seen {
            asked_by: Some(id(2)),
            ..owned_by(&[owner])[0]
        };
        assert_eq!(moves(id(1), &[asked(1)]), [Move::LetGo]);
        assert_eq!(moves(id(2), &[asked(1)]), [Move::Stay]);
        assert_eq!(moves(id(1), &[asked(0)]), [Move::Stay]);
        assert_eq!(moves(id(3), &[asked(0)]), [Move::Stay]);
        assert_eq!(moves(id(2), &[asked(0)]), [Move::Take]);
    }

    #[test]
    fn what_is_paused_stays_with_its_owner() {
        let paused = |asked_by| Seen {
            asked_by,
            is_paused: true,
            ..owned_by(&[1])[0]
        };
        assert_eq!(moves(id(1), &[paused(Some(id(2)))]), [Move::Stay]);
        assert_eq!(moves(id(2), &[paused(None); 4]), [Move::Stay; 4]);
    }

    #[test]
    fn who_has_something_to_take_asks_for_nothing() {
        let mut pieces = owned_by(&[1, 1, 1, 1, 1, 0]);
        assert_eq!(count(&moves(id(2), &pieces), Move::Ask), 0);
        pieces[5].owner = Some(id(2));
        assert_eq!(count(&moves(id(2), &pieces), Move::Ask), 2);
    }

    /// The pieces, and several processes that act on what they have seen of them.
    #[derive(Clone, Debug)]
    struct World {
        pieces: Vec<Seen>,
        /// The number of times that a piece was taken.
        taken: usize,
    }

    impl World {
        /// Changes the pieces as a store would.
        fn act(&mut self, me: Uuid, to_do: &[Move]) {
            for (piece, to_do) in self.pieces.iter_mut().zip(to_do) {
                match to_do {
                    Move::Take if piece.owner.is_none() => {
                        piece.owner = Some(me);
                        piece.asked_by = None;
                        self.taken += 1;
                    }
                    Move::LetGo if piece.owner == Some(me) => piece.owner = None,
                    Move::Ask
                        if piece.asked_by.is_none()
                            && piece.owner.is_some_and(|owner| owner != me) =>
                    {
                        piece.asked_by = Some(me);
                    }
                    _ => {}
                }
            }
        }

        /// Lets all processes look once, in this order. Each acts on what it sees then, or, if `at_once`, on what all
        /// have seen before the first of them acted.
        fn round(&mut self, order: &[usize], at_once: bool) {
            let before = self.pieces.clone();
            for process in order {
                let seen = if at_once { &before } else { &self.pieces };
                let to_do = moves(id(*process), seen);
                self.act(id(*process), &to_do);
            }
        }

        /// Removes all processes but the first `alive`: their leases run out, and so do their requests.
        fn only(&mut self, alive: usize) {
            let is_alive = |process: &Uuid| (1..=alive).any(|number| id(number) == *process);
            for piece in &mut self.pieces {
                piece.owner = piece.owner.filter(is_alive);
                piece.asked_by = piece.asked_by.filter(is_alive);
            }
        }

        fn is_fair(&self, alive: usize) -> bool {
            let counts = (1..=alive).map(|process| {
                let its = |piece: &&Seen| piece.owner == Some(id(process));
                self.pieces.iter().filter(its).count()
            });
            let (least, most) = (counts.clone().min(), counts.max());
            let is_settled = |piece: &Seen| piece.owner.is_some() && piece.asked_by.is_none();
            self.pieces.iter().all(is_settled) && most <= least.map(|least| least + 1)
        }
    }

    /// Returns pieces in any state of up to six processes, of which the first `alive` are still running.
    fn worlds() -> impl Strategy<Value = (World, usize)> {
        let piece = (0..=6_usize, prop_oneof![3 => Just(0), 1 => 0..=6_usize]);
        let pieces = prop::collection::vec(piece, 1..24);
        (pieces, 1..=6_usize).prop_map(|(pieces, alive)| {
            let mut world = World {
                pieces: owned_by(&Vec::from_iter(pieces.iter().map(|(owner, _)| *owner))),
                taken: 0,
            };
            for (piece, (owner, asker)) in world.pieces.iter_mut().zip(pieces) {
                piece.asked_by = (asker != 0 && asker != owner).then(|| id(asker));
            }
            world.only(alive);
            (world, alive)
        })
    }

    fn orders() -> impl Strategy<Value = Vec<Vec<usize>>> {
        prop::collection::vec(Just(Vec::from_iter(1..=6)).prop_shuffle(), 12)
    }

    proptest! {
        #[test]
        fn it_becomes_fair_and_stays_as_it_is(
            (mut world, alive) in worlds(),
            orders in orders(),
            at_once in any::<bool>(),
        ) {
            let begun = world.clone();
            for mut order in orders {
                order.retain(|process| *process <= alive);
                world.round(&order, at_once);
            }
            prop_assert!(world.is_fair(alive), "{begun:?} came to {world:?}");
            let before = world.clone();
            world.round(&Vec::from_iter(1..=alive), at_once);
            prop_assert_eq!(world.pieces, before.pieces);
        }

        /// No process ends with fewer pieces for the benefit of one that has more.
        #[test]
        fn nothing_moves_once_it_is_fair((mut world, alive) in worlds(), order in orders()) {
            for (number, piece) in world.pieces.iter_mut().enumerate() {
                piece.owner = Some(id(number % alive + 1));
                piece.asked_by = None;
            }
            for order in order {
                let order = order.into_iter().filter(|process| *process <= alive);
                world.round(&Vec::from_iter(order), false);
            }
            prop_assert_eq!(world.taken, 0);
        }
    }
}

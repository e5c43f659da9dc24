//! Tests AGGREGATE_HANDLES: the aggregate sees the whole collision and answers it.

mod club;

use club::say::{deposit, deposited};
use club::{Club, Past};
use serde::{Deserialize, Serialize};
use seriatim_core::merge::Resolution;
use seriatim_core::{Aggregate, ConflictReason, Merge, MergeStrategy, ParkReason};
use seriatim_derive::{Command, Event, Rejection};

/// A hall with ten places that answers each collision as the booking says.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hall {
    taken: u32,
}

#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Booking {
    /// Books up to this number, as far as places are left.
    UpTo(u32),
    /// Books this number or nothing.
    Exactly(u32),
    /// Books this number only if nobody else has booked meanwhile.
    Alone(u32),
    /// Books the whole hall, for which somebody must ask the others.
    Everything,
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Booked {
    Places {
        count: u32,
    },
    /// The data that `merge` got.
    Seen {
        base: u32,
        current: u32,
        missed: usize,
    },
}

#[derive(Rejection, Debug, PartialEq, thiserror::Error)]
#[seriatim(crate = "seriatim_core")]
#[error("only {left} are left")]
struct Full {
    left: u32,
}

impl Aggregate for Hall {
    const DOMAIN: &'static str = "hall";
    type Command = Booking;
    type Event = Booked;
    type Rejection = Full;

    fn decide(&self, _: &Booking) -> Result<Vec<Booked>, Full> {
        panic!("a collision is not decided, it is merged")
    }

    fn evolve(&mut self, event: &Booked) {
        if let Booked::Places { count } = event {
            self.taken += count;
        }
    }

    fn merge(&self, command: &Booking, base: &Self, intervening: &[Booked]) -> Merge<Self> {
        let left = 10 - self.taken;
        let seen = Booked::Seen {
            base: base.taken,
            current: self.taken,
            missed: intervening.len(),
        };
        match command {
            Booking::UpTo(wanted) => Merge::Proceed(vec![
                seen,
                Booked::Places {
                    count: left.min(*wanted),
                },
            ]),
            Booking::Exactly(wanted) if *wanted > left => Merge::Reject(Full { left }),
            Booking::Exactly(wanted) => Merge::Proceed(vec![Booked::Places { count: *wanted }]),
            Booking::Alone(_) => Merge::Conflict,
            Booking::Everything => Merge::Manual("ask the others".into()),
        }
    }
}

fn places(count: u32) -> Booked {
    Booked::Places { count }
}

fn merge(commands: &[Booking]) -> Resolution<Hall> {
    let past = Past::<Hall>::new(&[places(2)], &[places(3), places(1)]);
    past.resolve(MergeStrategy::AggregateHandles, commands)
}

#[test]
fn proceeds_with_the_aggregates_events_and_shows_it_both_states_and_the_events_between() {
    let Resolution::Proceed(events) = merge(&[Booking::UpTo(9)]) else {
        panic!("the aggregate proceeds")
    };
    let seen = Booked::Seen {
        base: 2,
        current: 6,
        missed: 2,
    };
    assert_eq!(events, [seen, places(4)]);
}

#[test]
fn its_rejection_is_the_answer() {
    let resolution = merge(&[Booking::Exactly(5)]);
    assert!(
        matches!(resolution, Resolution::Reject(Full { left: 4 })),
        "{resolution:?}"
    );
}

#[test]
fn its_conflict_is_refused_like_strict() {
    let resolution = merge(&[Booking::Alone(1)]);
    assert!(
        matches!(
            resolution,
            Resolution::Refuse {
                reason: ConflictReason::AggregateRefused,
                rejection: None
            }
        ),
        "{resolution:?}"
    );
}

#[test]
fn it_can_ask_for_a_person_with_a_reason() {
    match merge(&[Booking::Everything]) {
        Resolution::Park(ParkReason::Aggregate(reason)) => assert_eq!(reason, "ask the others"),
        other => panic!("it is parked, not {other:?}"),
    }
}

#[test]
fn an_aggregate_that_says_nothing_refuses() {
    let past = Past::<Club>::new(&[], &[deposited(1)]);
    let resolution = past.resolve(MergeStrategy::AggregateHandles, &[deposit(1)]);
    assert!(
        matches!(
            resolution,
            Resolution::Refuse {
                reason: ConflictReason::AggregateRefused,
                rejection: None
            }
        ),
        "{resolution:?}"
    );
}

#[test]
fn each_of_several_commands_is_merged_on_the_state_the_ones_before_it_leave() {
    let Resolution::Proceed(events) = merge(&[Booking::Exactly(3), Booking::UpTo(9)]) else {
        panic!("both proceed")
    };
    let seen = Booked::Seen {
        base: 2,
        current: 9,
        missed: 2,
    };
    assert_eq!(events, [places(3), seen, places(1)]);
}

#[test]
fn one_of_several_commands_that_does_not_proceed_answers_for_all() {
    let rejected = merge(&[
        Booking::Exactly(3),
        Booking::Exactly(2),
        Booking::Everything,
    ]);
    assert!(
        matches!(rejected, Resolution::Reject(Full { left: 1 })),
        "{rejected:?}"
    );
    let parked = merge(&[Booking::Everything, Booking::Exactly(9)]);
    assert!(matches!(parked, Resolution::Park(_)), "{parked:?}");
}

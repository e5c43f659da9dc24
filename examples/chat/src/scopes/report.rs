//! What each scope of a counter tells of the order of the messages, found from their numbers alone.

use std::collections::BTreeSet;

use serde::Serialize;
use seriatim::AnyError;

use super::record::{Place, Streams, places};
use super::script::{LINES, Line};

/// What was found.
#[derive(Serialize, Clone, Debug)]
pub struct Report {
    /// The messages, in the order in which they were sent.
    pub messages: Vec<Message>,
    /// The scopes, from the narrowest to the widest.
    pub scopes: Vec<Scope>,
    /// One event's sequence and positions.
    pub sequence_and_position: SequenceAndPosition,
}

/// A message.
#[derive(Serialize, Clone, Debug)]
pub struct Message {
    /// The sender.
    pub by: &'static str,
    /// The conversation, by the name that its counter has.
    pub conversation: &'static str,
    /// The text.
    pub text: &'static str,
}

/// The counters of one scope, and what they tell.
#[derive(Serialize, Clone, Debug)]
pub struct Scope {
    /// Its name: `per user`, `per conversation`, `per partition` or `global`.
    pub name: &'static str,
    /// What one of its counters counts.
    pub counts: &'static str,
    /// The number of each message, in the order in which they were sent.
    pub numbers: Vec<Number>,
    /// How many counters there are.
    pub counters: usize,
    /// The most senders that take their numbers from one counter.
    pub senders_at_one: usize,
    /// Who must take their numbers from the same counter.
    pub cost: &'static str,
    /// Two messages of one sender.
    pub same_sender: Pairs,
    /// Two messages of different senders in one conversation.
    pub same_conversation: Pairs,
    /// Two messages of different senders in different conversations.
    pub other_conversation: Pairs,
    /// All of them.
    pub all: Pairs,
    /// Two messages, as indices of all, whose order the numbers do not tell; in one conversation if there are such.
    pub cannot_tell: Option<(usize, usize)>,
}

/// What a message got from its counter.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The counter.
    pub counter: String,
    /// The number.
    pub number: u64,
}

/// Pairs of messages.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// The number of pairs.
    pub pairs: usize,
    /// Of these, how many the numbers put in the order in which they were sent.
    pub told: usize,
    /// Of these, how many the numbers put in the other order. It is a fault of the counter if there are any.
    pub wrong: usize,
}

/// One event in its stream and in two logs.
#[derive(Serialize, Clone, Debug)]
pub struct SequenceAndPosition {
    /// The message, as an index of all.
    pub message: usize,
    /// Its place in the stream, from 0 on.
    pub sequence: u32,
    /// Its place in a log of one partition, from 1 on.
    pub position: u64,
    /// The partition that it is in, in a log of two.
    pub partition: u16,
    /// Its place in that partition, from 1 on.
    pub position_in_partition: u64,
    /// Its sequence there.
    pub sequence_in_partition: u32,
}

/// The message whose sequence and position are shown: Bob's "hi".
const SHOWN: usize = 3;

impl Report {
    /// Sends the messages through applications on stores in memory, reads their numbers back, and compares them.
    pub async fn make() -> Result<Self, AnyError> {
        let by_user = places("memory:", Streams::OfUsers).await?;
        let by_partition = places("memory:?partitions=2", Streams::OfConversations).await?;
        let global = places("memory:", Streams::OfConversations).await?;
        let scopes = vec![
            Scope::new(
                "per user",
                "the events of one sender: sequences in a stream of each user",
                "one sender: nobody waits for anybody",
                numbers(&by_user, |place, line| {
                    (line.by.into(), place.sequence.0.into())
                }),
            ),
            Scope::new(
                "per conversation",
                "the events of one conversation: sequences in its stream",
                "the members of one conversation: conversations do not wait for one another",
                numbers(&by_partition, |place, line| {
                    (line.talk.short().into(), place.sequence.0.into())
                }),
            ),
            Scope::new(
                "per partition",
                "the events of one part of all streams: positions in a log of 2 partitions",
                "all whose conversations are in one partition, although most have nothing in common",
                numbers(&by_partition, |place, _| {
                    (format!("p{}", place.partition), place.position.0)
                }),
            ),
            Scope::new(
                "global",
                "all events: positions in a log of 1 partition",
                "everybody: how fast it counts is the limit of the whole service",
                numbers(&global, |place, _| ("log".into(), place.position.0)),
            ),
        ];
        let (one, half) = (&global[SHOWN], &by_partition[SHOWN]);
        let message = |line: &Line| Message {
            by: line.by,
            conversation: line.talk.short(),
            text: line.text,
        };
        Ok(Self {
            messages: LINES.iter().map(message).collect(),
            scopes,
            sequence_and_position: SequenceAndPosition {
                message: SHOWN,
                sequence: one.sequence.0,
                position: one.position.0,
                partition: half.partition.0,
                position_in_partition: half.position.0,
                sequence_in_partition: half.sequence.0,
            },
        })
    }
}

fn numbers(places: &[Place], of: impl Fn(&Place, &Line) -> (String, u64)) -> Vec<Number> {
    let number = |place: &Place| {
        let (counter, number) = of(place, &LINES[place.line]);
        Number { counter, number }
    };
    places.iter().map(number).collect()
}

impl Scope {
    fn new(
        name: &'static str,
        counts: &'static str,
        cost: &'static str,
        numbers: Vec<Number>,
    ) -> Self {
        let counters: BTreeSet<_> = numbers.iter().map(|number| &number.counter).collect();
        let senders = |counter: &&String| {
            let of_it = |(_, number): &(&Line, &Number)| number.counter == **counter;
            let taken = LINES.iter().zip(&numbers).filter(of_it);
            taken
                .map(|(line, _)| line.by)
                .collect::<BTreeSet<_>>()
                .len()
        };
        let mut scope = Self {
            name,
            counts,
            cost,
            counters: counters.len(),
            senders_at_one: counters.iter().map(senders).max().unwrap_or_default(),
            numbers,
            same_sender: Pairs::default(),
            same_conversation: Pairs::default(),
            other_conversation: Pairs::default(),
            all: Pairs::default(),
            cannot_tell: None,
        };
        for later in 0..LINES.len() {
            for earlier in 0..later {
                scope.compare(earlier, later);
            }
        }
        scope
    }

    /// Counts what the numbers tell of two messages.
    fn compare(&mut self, earlier: usize, later: usize) {
        let (first, second) = (&self.numbers[earlier], &self.numbers[later]);
        // Numbers of two counters have nothing to do with each other.
        let is_comparable = first.counter == second.counter;
        let told = is_comparable && first.number < second.number;
        let wrong = is_comparable && first.number >= second.number;
        let (one, other) = (&LINES[earlier], &LINES[later]);
        let kind = match (one.by == other.by, one.talk == other.talk) {
            (true, _) => &mut self.same_sender,
            (false, true) => &mut self.same_conversation,
            (false, false) => &mut self.other_conversation,
        };
        for pairs in [kind, &mut self.all] {
            pairs.pairs += 1;
            pairs.told += usize::from(told);
            pairs.wrong += usize::from(wrong);
        }
        let in_one = |(one, other): (usize, usize)| LINES[one].talk == LINES[other].talk;
        let is_better = |known| in_one((earlier, later)) && !in_one(known);
        if !is_comparable && self.cannot_tell.is_none_or(is_better) {
            self.cannot_tell = Some((earlier, later));
        }
    }
}

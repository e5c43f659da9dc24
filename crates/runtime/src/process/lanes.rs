//! Sorts items into groups that may be handled concurrently.

use std::collections::{BTreeMap, HashMap};

use seriatim_core::StreamId;

/// Returns groups of related items. Two items are related if they share a stream, or if both are related to a third.
/// The items of a group keep their order.
pub(crate) fn lanes<T>(items: impl IntoIterator<Item = (T, [StreamId; 2])>) -> Vec<Vec<T>> {
    let mut streams = Joined::default();
    let items = items.into_iter().map(|(item, [one, other])| {
        let (one, other) = (streams.number(one), streams.number(other));
        streams.join(one, other);
        (item, one)
    });
    let items: Vec<_> = items.collect();
    let mut lanes = BTreeMap::<_, Vec<T>>::new();
    for (item, stream) in items {
        lanes.entry(streams.lane(stream)).or_default().push(item);
    }
    lanes.into_values().collect()
}

/// Streams by number, and which of them are in one lane.
#[derive(Default)]
struct Joined {
    numbers: HashMap<StreamId, usize>,
    /// For each number, another one in the same lane; a lane's representative has its own.
    next: Vec<usize>,
}

impl Joined {
    fn number(&mut self, stream: StreamId) -> usize {
        let next = &mut self.next;
        *self.numbers.entry(stream).or_insert_with(|| {
            next.push(next.len());
            next.len() - 1
        })
    }

    fn lane(&mut self, mut number: usize) -> usize {
        while self.next[number] != number {
            // This shortens the path for the next lookup.
            self.next[number] = self.next[self.next[number]];
            number = self.next[number];
        }
        number
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.lane(one), self.lane(other));
        self.next[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::Domain;
    use uuid::Uuid;

    use super::*;

    fn stream(number: u128) -> StreamId {
        StreamId::new(Domain::new("note").unwrap(), Uuid::from_u128(number))
    }

    #[test]
    fn what_shares_a_stream_is_in_one_lane_and_in_order() {
        let items = [
            ('a', [stream(1), stream(10)]),
            ('b', [stream(2), stream(20)]),
            ('c', [stream(3), stream(10)]),
            ('d', [stream(4), stream(40)]),
            // This item joins the first two lanes.
            ('e', [stream(2), stream(10)]),
            ('f', [stream(4), stream(41)]),
        ];
        let lanes: Vec<String> = lanes(items).into_iter().map(String::from_iter).collect();
        assert_eq!(lanes, ["abce", "df"]);
    }
}
